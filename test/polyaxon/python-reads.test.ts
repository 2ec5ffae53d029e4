/** Polyaxon's client reads a run directory of polytrack: run data, lineage, every event and every summary. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { EXPECTED_EVENTS, parseValue } from './expected-events.js';
import { createCalls, type LoggedRun, logAll } from './log-all.js';

const READ_RUNS = new URL('read_runs.py', import.meta.url).pathname;

/** By default, pandas trades precision for speed when it reads numbers. */
const READING_ERROR = 1e-13;
/** The error of sums of such numbers. */
const SUMMARY_ERROR = 1e-13;

interface ReadEvents {
  readonly rows: readonly [step: string | null, timestamp: string, value: string | null][];
  readonly summary: object;
}

interface ReadRun {
  readonly run: unknown;
  readonly lineage: Record<string, unknown>;
  readonly events: Record<string, ReadEvents>;
  readonly resources: Record<string, ReadEvents>;
}

describeWithPeers(['polyaxon'], "Polyaxon's client reading a run", () => {
  let run: LoggedRun;
  let read: ReadRun;

  beforeAll(async () => {
    run = await logAll(createCalls());
    const { stdout } = await runPolyaxonPython(READ_RUNS, [run.directory]);
    [read] = JSON.parse(stdout) as [ReadRun];
  });

  it('accepts every call', () => {
    expect(run.refused).toEqual([]);
  });

  it('reads the data of the run file', () => {
    const written = readRunFile(run.directory);

    expect(read.run).toEqual(written);
    expect(written).toMatchObject({ name: 'renamed', owner: 'acme', project: 'demo', status: 'succeeded' });
  });

  it('reads the lineage file', () => {
    const written = readLineage(run.directory);

    expect(read.lineage).toEqual(Object.fromEntries(written.map((artifact) => [artifact.name, artifact])));
  });

  it('expects an event of every kind', () => {
    const kinds = [...new Set(Object.keys(EXPECTED_EVENTS).map((key) => key.split('/')[0]!))].sort();

    expect(readdirSync(join(run.directory, 'events')).sort()).toEqual(kinds);
  });

  it.each(Object.entries(EXPECTED_EVENTS))('reads the logged values of %s', (key, expected) => {
    const [kind = ''] = key.split('/');

    const rows = read.events[key]?.rows.map(([step, timestamp, value]) => ({
      step: step === null ? null : Number(step),
      timestamp,
      value: parseValue(kind, value),
    }));

    expect(settle(rows, expected, READING_ERROR)).toEqual(expected);
  });

  it('has the same summaries of events and system metrics as Polyaxon', () => {
    const written = new Map(readLineage(run.directory).map(({ name, summary }) => [name, summary]));
    const files = [...Object.entries(read.events), ...Object.entries(read.resources)];

    for (const [key, { summary }] of files) {
      const ours = written.get(key.split('/')[1]!);
      expect(settle(ours, summary, SUMMARY_ERROR), key).toEqual(summary);
    }
    expect(files.length).toBeGreaterThan(60);
  });
});

/** Replaces each number by the expected one if they are equal within the error, so that only real differences remain. */
function settle(found: unknown, expected: unknown, relativeError: number): unknown {
  if (typeof found === 'number' && typeof expected === 'number') {
    return Math.abs(found - expected) <= relativeError * Math.abs(expected) ? expected : found;
  }
  if (typeof found !== 'object' || typeof expected !== 'object' || found === null || expected === null) {
    return found;
  }
  const entries = Object.entries(found).map(([key, value]) => [
    key,
    settle(value, (expected as Record<string, unknown>)[key], relativeError),
  ]);
  return Array.isArray(found) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}
