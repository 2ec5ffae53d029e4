import { describe, expect, it } from 'vitest';
import type { RunArtifact } from '../../../src/polyaxon/api-types.js';
import type { SeriesArtifact } from '../../../src/polyaxon/export/exporter.js';
import { mergeLineage } from '../../../uploader/polyaxon-sync/lineage-names.js';

function event(name: string, path = `events/metric/${name}.plx`): SeriesArtifact {
  const timestamp = { min: '2026-01-01T00:00:00.000000+00:00', max: '2026-01-01T00:00:00.000000+00:00' };
  return { name, kind: 'metric', path, summary: { is_event: true, timestamp }, is_input: false };
}

function entry(name: string, kind: string, more: Partial<RunArtifact> = {}): RunArtifact {
  return { name, kind, summary: {}, is_input: false, ...more };
}

function names(own: readonly RunArtifact[], events: readonly SeriesArtifact[] = []): string[] {
  return mergeLineage(own, events).map(({ name, kind }) => `${name} ${kind}`);
}

describe('mergeLineage', () => {
  it('leaves names alone that nobody else has', () => {
    expect(names([entry('env', 'env'), entry('net', 'model')], [event('loss')])).toEqual([
      'loss metric',
      'env env',
      'net model',
    ]);
  });

  it('gives an artifact its kind behind its name where an event has the name', () => {
    expect(names([entry('loss', 'file')], [event('loss')])).toEqual(['loss metric', 'loss-file file']);
  });

  it('goes on until a name is free', () => {
    expect(names([entry('loss', 'file')], [event('loss'), event('loss-file')])).toEqual([
      'loss metric',
      'loss-file metric',
      'loss-file-file file',
    ]);
  });

  it('takes the later of two entries of one name and kind, as of a worker and of who took it over', () => {
    const merged = mergeLineage(
      [entry('x', 'file'), entry('x-model', 'model'), entry('x', 'model', { summary: { hash: 'b' } })],
      [],
    );
    expect(merged).toEqual([entry('x', 'file'), entry('x-model', 'model', { summary: { hash: 'b' } })]);
  });

  it('leaves an entry out whose file the projection tells of', () => {
    const own = entry('loss', 'metric', { path: 'events/metric/loss.plx', summary: { is_event: true } });
    expect(mergeLineage([own], [event('loss')])).toHaveLength(1);
  });

  it('lets an input and an output share a name: the server tells them apart', () => {
    expect(names([entry('loss', 'data', { is_input: true })], [event('loss')])).toEqual([
      'loss metric',
      'loss data',
    ]);
  });
});
