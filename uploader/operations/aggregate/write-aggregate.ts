/** Writes the statistics of runs as a new run: beside the first of them, or in another root. */

import { basename, dirname } from 'node:path';
import { aggregateRuns, type RunAggregate } from '../../../src/aggregate/aggregate-runs.js';
import { logAggregate } from '../../../src/aggregate/log-aggregate.js';
import type { TrackingWarning } from '../../../src/base/diagnostics.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import { Run } from '../../../src/run/run.js';
import { RUNS_DIRECTORY } from '../../../src/run-directory/layout.js';

interface WriteAggregateOptions {
  readonly name: string;
  /** Default: the root of the first run on disk, else that of a new run. */
  readonly root: string | undefined;
  readonly names: readonly string[] | undefined;
  readonly minRuns: number | undefined;
  readonly signal: AbortSignal;
  readonly onWarning: (warning: TrackingWarning) => void;
}

export interface WrittenAggregate {
  readonly aggregate: RunAggregate;
  readonly run: { readonly uuid: string; readonly name: string; readonly location: string };
}

/** Rejects like `aggregateRuns`, before anything is written, and with `RunWriteError`. */
export async function writeAggregate(
  runs: readonly LoadedRun[],
  options: WriteAggregateOptions,
): Promise<WrittenAggregate> {
  const { name, root = findRoot(runs), names, minRuns, signal, onWarning } = options;
  const aggregate = await aggregateRuns(runs, { names, minRuns, signal });
  const list = aggregate.runs.map(({ name: each, uuid }) => each ?? uuid ?? '').join(', ');
  const run = new Run({
    ...{ name, root, onWarning, tags: 'aggregate' },
    description: `Mean and standard deviation of ${aggregate.runs.length} runs: ${list}`,
    // This process is not that of an experiment, also inside a job of Polyaxon.
    ...{ isOffline: true, noOp: false, collectArtifacts: true, announce: false },
    ...{ trackCode: false, trackEnv: false, trackLogs: false, collectResources: false },
  });
  try {
    await logAggregate(run, aggregate);
  } catch (error) {
    await run.logFailed();
    throw error;
  }
  await run.end();
  return { aggregate, run: { uuid: run.uuid, name: run.name, location: run.paths.run } };
}

function findRoot(runs: readonly LoadedRun[]): string | undefined {
  const local = runs.find(({ location }) => !location.includes('://'));
  const directory = local === undefined ? '' : dirname(local.location);
  return basename(directory) === RUNS_DIRECTORY ? dirname(directory) : undefined;
}
