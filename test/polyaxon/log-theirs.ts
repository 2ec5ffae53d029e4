/** Makes all calls on an offline run of Polyaxon's tracking library. */

import { join } from 'node:path';
import { runPolyaxonPython } from '../support/polyaxon.js';
import { createSharedTempDir } from '../support/temp-dir.js';
import { type Call, writePlan } from './calls.js';
import { RUN_ARGUMENTS, UUID } from './log-all.js';

const LOG_CALLS = new URL('log_calls.py', import.meta.url).pathname;

export interface TheirRun {
  readonly root: string;
  readonly directory: string;
  /** The index and error of each rejected call. */
  readonly refused: readonly unknown[];
}

/** Makes all calls on a new offline run. Its working directory is outside a repository, so that Python captures none. */
export async function logTheirs(calls: readonly Call[]): Promise<TheirRun> {
  const home = createSharedTempDir();
  const plan = join(home, 'plan.json');
  writePlan(
    plan,
    { ...RUN_ARGUMENTS, run_uuid: UUID, is_offline: true, is_new: true, track_logs: false },
    calls,
  );
  const { stdout } = await runPolyaxonPython(LOG_CALLS, [plan], { home });
  const refused = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as unknown[];
  const root = join(home, 'offline');
  return { root, directory: join(root, 'runs', UUID), refused };
}
