import { describe, expect, it } from 'vitest';
import type { V1RunArtifact } from '../../../src/polyaxon/api-types.js';
import type { SeriesArtifact } from '../../../src/polyaxon/export/exporter.js';
import { mergeLineage } from '../../../uploader/polyaxon-sync/lineage-names.js';

function event(name: string, path = `events/metric/${name}.plx`): SeriesArtifact {
  const timestamp = { min: '2026-01-01T00:00:00.000000+00:00', max: '2026-01-01T00:00:00.000000+00:00' };
  return { name, kind: 'metric', path, summary: { is_event: true, timestamp }, is_input: false };
}

function entry(name: string, kind: string, more: Partial<V1RunArtifact> = {}): V1RunArtifact {
  return { name, kind, summary: {}, is_input: false, ...more };
}

function names(own: readonly V1RunArtifact[], events: readonly SeriesArtifact[] = []): string[] {
  return mergeLineage(own, events).map(({ name, kind }) => `${name} ${kind}`);
}

describe('mergeLineage', () => {
  it('keeps unique names', () => {
    expect(names([entry('env', 'env'), entry('net', 'model')], [event('loss')])).toEqual([
      'loss metric',
      'env env',
      'net model',
    ]);
  });

  it('appends the kind to the name of an artifact if an event has the name', () => {
    expect(names([entry('loss', 'file')], [event('loss')])).toEqual(['loss metric', 'loss-file file']);
  });

  it('appends the kind until the name is unique', () => {
    expect(names([entry('loss', 'file')], [event('loss'), event('loss-file')])).toEqual([
      'loss metric',
      'loss-file metric',
      'loss-file-file file',
    ]);
  });

  it('takes the later of two entries with the same name and kind', () => {
    const merged = mergeLineage(
      [entry('x', 'file'), entry('x-model', 'model'), entry('x', 'model', { summary: { hash: 'b' } })],
      [],
    );
    expect(merged).toEqual([entry('x', 'file'), entry('x-model', 'model', { summary: { hash: 'b' } })]);
  });

  it('drops an entry whose file the export registers', () => {
    const own = entry('loss', 'metric', { path: 'events/metric/loss.plx', summary: { is_event: true } });
    expect(mergeLineage([own], [event('loss')])).toHaveLength(1);
  });

  it('allows an input and an output with the same name, which the server distinguishes', () => {
    expect(names([entry('loss', 'data', { is_input: true })], [event('loss')])).toEqual([
      'loss metric',
      'loss data',
    ]);
  });
});
