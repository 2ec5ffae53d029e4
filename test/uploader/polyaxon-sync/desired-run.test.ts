import { describe, expect, it } from 'vitest';
import type { SeriesArtifact } from '../../../src/polyaxon/export/exporter.js';
import type { RunFiles, RunRecordFile } from '../../../src/run-directory/run-files.js';
import type { ExportFacts } from '../../../uploader/pipeline/report/export-facts.js';
import { type RunSource, toDesiredRun } from '../../../uploader/polyaxon-sync/desired-run.js';
import { findPlace } from '../../../uploader/polyaxon-sync/run-place.js';

const NO_FILES: RunFiles = { record: null, lineage: [], order: {}, workers: [], end: null };

const NOTHING = { tags: [], meta_info: {}, inputs: {}, outputs: {} };
const TIME = '2026-01-02T03:04:05.000000+00:00';

function record(changes: Partial<RunRecordFile> = {}): RunRecordFile {
  return {
    ...NOTHING,
    ...{
      name: 'run',
      default_name: null,
      description: null,
      readme: null,
      owner: null,
      project: null,
      kind: 'job',
    },
    ...{ runtime: 'job', is_managed: false, created_at: TIME, started_at: TIME, finished_at: null },
    ...{ wait_time: 0, duration: null, status: 'running', status_conditions: [] },
    ...changes,
  };
}

function facts(changes: Partial<ExportFacts> = {}): ExportFacts {
  return {
    state: 'exported',
    inputs: {},
    lastValues: () => ({}),
    artifacts: () => [],
    counts: {
      ...{ values: 0, exported: {}, rows: {}, inputs: 0, previews: 0, unexported: {}, invalid: {} },
      superseded: 0,
    },
    isCaughtUp: true,
    ...changes,
  };
}

function source(files: Partial<RunFiles>, changes: Partial<RunSource> = {}): RunSource {
  return {
    ...{ uuid: 'ab'.repeat(16), kind: 'polyaxon', name: 'place', facts: null, liveness: 'live' },
    ...{ storedFiles: () => [], foundAt: 1_700_000_000, wallTime: 1_700_000_100 },
    files: { ...NO_FILES, ...files },
    ...changes,
  };
}

describe('toDesiredRun', () => {
  it('F96: reports no negative duration when the clock was set back during the run', () => {
    const before = '2026-01-01T01:04:05.000000+00:00';
    const [type, status] = ['succeeded', 'succeeded'] as const;
    const end = { type, status: true, last_transition_time: before, last_update_time: before };
    const run = toDesiredRun(
      source({
        record: record({
          ...{ status, finished_at: before, duration: -7_191, wait_time: -3 },
          status_conditions: [end],
        }),
      }),
    );

    expect(run.creation).toMatchObject({ started_at: TIME, finished_at: TIME, duration: 0, wait_time: 0 });
    expect(run.final).toMatchObject({ type, last_transition_time: TIME, last_update_time: TIME });
  });

  it('merges workers over the record, and both over the events', () => {
    const worker = {
      ...NOTHING,
      tags: ['w', 'a'],
      inputs: { lr: 2 },
      outputs: { worker: 1 },
      lineage: [],
      order: {},
    };
    const run = toDesiredRun(
      source(
        {
          record: record({ tags: ['a'], inputs: { lr: 1, depth: 3 }, outputs: { loss: 9 } }),
          workers: [worker],
        },
        { facts: facts({ inputs: { depth: 4, units: 5 }, lastValues: () => ({ loss: 1, accuracy: null }) }) },
      ),
    );
    expect(run).toMatchObject({
      tags: ['a', 'w'],
      inputs: { lr: 2, depth: 3, units: 5 },
      outputs: { loss: 9, accuracy: null, worker: 1 },
    });
  });

  it('prefers last values of metrics to outputs from before a resume', () => {
    const condition = (type: 'running' | 'succeeded') => ({ type, status: true, last_transition_time: TIME });
    const status_conditions = [condition('running'), condition('succeeded'), condition('running')];
    const run = toDesiredRun(
      source(
        { record: record({ outputs: { loss: 9 }, status_conditions }) },
        { facts: facts({ lastValues: () => ({ loss: 1 }) }) },
      ),
    );
    expect(run.outputs).toEqual({ loss: 1 });
    expect(run.final).toBeNull();
  });

  it('takes the end status from the record, else from the marker, else from the lost writer', () => {
    const end = { type: 'stopped', status: true, reason: 'Signal', last_transition_time: TIME } as const;
    const done = record({ status: 'failed', finished_at: TIME });
    expect(toDesiredRun(source({ record: done })).final?.type).toBe('failed');
    expect(toDesiredRun(source({ record: record(), end }, { liveness: 'ended' })).final).toEqual(end);
    expect(toDesiredRun(source({ record: record() }, { liveness: 'lost' })).final).toMatchObject({
      type: 'failed',
      reason: 'WriterLost',
    });
    expect(toDesiredRun(source({ record: record() })).final).toBeNull();
  });

  it('converts a log directory to a run', () => {
    const timestamp = { min: '2026-01-01T00:00:00.000000+00:00', max: TIME };
    const artifact: SeriesArtifact = {
      name: 'loss',
      kind: 'metric',
      path: 'events/metric/loss.plx',
      summary: { is_event: true, timestamp },
      is_input: false,
    };
    const run = toDesiredRun(
      source(
        {},
        {
          kind: 'log-directory',
          name: 'lr=0.1/run 1',
          facts: facts({ artifacts: () => [artifact] }),
          liveness: 'ended',
        },
      ),
    );
    expect(run).toMatchObject({
      meta_info: { name: 'lr=0.1/run 1', has_events: true, has_metrics: true, has_tensorboard: true },
      name: null,
      creation: { name: 'lr0-1__run-1', created_at: timestamp.min, finished_at: timestamp.max },
      duration: 97_445,
      final: { type: 'succeeded', last_transition_time: timestamp.max },
    });
    expect(run.lineage.map(({ name }) => name)).toEqual(['loss', 'tensorboard']);
  });

  it('keeps microseconds', () => {
    const run = toDesiredRun(source({}, { kind: 'log-directory', foundAt: 1_700_000_000.123456 }));
    expect(run.creation.created_at).toBe('2023-11-14T22:13:20.123456+00:00');
  });

  it('gives runs with long paths different names', () => {
    const names = ['a', 'b'].map(
      (trial) =>
        toDesiredRun(source({}, { kind: 'log-directory', name: `${'deep/'.repeat(40)}${trial}` })).creation
          .name ?? '',
    );

    expect(new Set(names).size).toBe(2);
    expect(names.map(({ length }) => length)).toEqual([128, 128]);
  });

  it.each([
    ['of the program', source({ record: record({ name: 'mine' }) }), 'mine', 'mine'],
    ['that is the default', source({ record: record({ default_name: 'run' }) }), 'run', null],
    ['that is the default, but chosen', source({ record: record() }), 'run', 'run'],
    [
      'that replaces a default',
      source({ record: record({ name: 'mine', default_name: 'run' }) }),
      'mine',
      'mine',
    ],
    ['that is a path', source({}, { kind: 'log-directory', name: 'a/b' }), 'a__b', null],
  ])('gives a new run a name %s, and others only one of the program', (_, from, created, name) => {
    const run = toDesiredRun(from);
    expect([run.creation.name, run.name]).toEqual([created, name]);
  });

  it('adds events that a killed writer has not recorded', () => {
    const storedFiles = () => ['events/metric/loss.plx', 'outputs/x', 'events/image/a.plx'];
    const run = toDesiredRun(source({ record: record() }, { liveness: 'lost', storedFiles }));
    expect(run.lineage.map(({ name, kind }) => `${kind} ${name}`)).toEqual(['image a', 'metric loss']);
  });
});

describe('findPlace', () => {
  const defaults = { project: 'given', place: { owner: 'url-owner', project: 'url-project' } };

  it.each([
    [record({ project: 'own', owner: 'acme' }), 'acme/own'],
    [record({ project: 'acme/own' }), 'acme/own'],
    [record({ project: 'own', owner: 'acme/team' }), 'acme/own'],
    [record(), 'url-owner/given'],
    [null, 'url-owner/given'],
  ])('takes the project of the run, else the default', (file, expected) => {
    const place = findPlace(file, defaults);
    expect(`${place?.owner}/${place?.project}`).toBe(expected);
  });

  it('returns null without a project', () => {
    expect(findPlace(null, { project: null, place: {} })).toBeNull();
  });
});
