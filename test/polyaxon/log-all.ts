/** Makes all calls on a run of polytrack. */

import { Run, type RunOptions } from '../../src/index.js';
import { createSharedTempDir } from '../support/temp-dir.js';
import { allCalls } from './all-calls.js';
import { applyCall, type Call, writeInputFiles } from './calls.js';

export const UUID = '7df9e651eee441ed9d03846f3bbbecdf';

/** The arguments of both libraries' constructors. */
export const RUN_ARGUMENTS = {
  owner: 'acme',
  project: 'demo',
  name: 'first',
  description: 'a description',
  tags: ['a'],
};

/** Writes the files that the calls use, and returns the calls. */
export function createCalls(): Call[] {
  const inputs = createSharedTempDir();
  writeInputFiles(inputs);
  return allCalls(inputs);
}

export interface LoggedRun {
  readonly root: string;
  readonly directory: string;
  /** The index and error of each rejected call. */
  readonly refused: readonly (readonly [number, string])[];
}

/** Makes all calls on a new run, and ends it. */
export async function logAll(calls: readonly Call[], options: RunOptions = {}): Promise<LoggedRun> {
  const root = createSharedTempDir();
  const run = new Run({
    ...RUN_ARGUMENTS,
    ...{ root, uuid: UUID, formats: ['tensorboard', 'polyaxon'] },
    ...{ trackCode: false, trackLogs: false },
    onWarning: () => undefined,
    ...options,
  });
  const refused: (readonly [number, string])[] = [];
  for (const [index, call] of calls.entries()) {
    try {
      await applyCall(run, call);
    } catch (error) {
      refused.push([index, `${call.method}: ${error}`]);
    }
  }
  await run.end();
  return { root, directory: run.paths.run, refused };
}
