/**
 * The environment of the program: it makes `tracking.init()` of polytrack and of Polyaxon's Python client use the run. Pure.
 *
 * Polyaxon's client takes the uuid of the run from the variables of a job, and with `POLYAXON_IS_OFFLINE` it writes to the run directory and
 * sends no requests. Its exit handler merges its values into the run file. Source: polyaxon 2.16, `_client/run.py`; traceml 1.3.0,
 * `tracking/run.py`.
 */

import type { Run } from '../../../src/run/run.js';
import { RUN_DIRECTORY_VARIABLE } from '../../../src/run/run-environment.js';

type Environment = Readonly<Record<string, string | undefined>>;
type TrackedRun = Pick<Run, 'mode' | 'owner' | 'project' | 'uuid'> & {
  readonly paths: Pick<Run['paths'], 'root' | 'run'>;
};

/** Required by Polyaxon's client. The run file keeps the owner and project that were given. */
const DEFAULT_OWNER = 'default';
const DEFAULT_PROJECT = 'default';

export function toProgramEnvironment(run: TrackedRun, environment: Environment): Environment {
  const { mode, uuid, paths, owner = DEFAULT_OWNER, project = DEFAULT_PROJECT } = run;
  if (mode === 'no-op') return environment;
  const joining = {
    ...environment,
    [RUN_DIRECTORY_VARIABLE]: paths.run,
    // Python buffers its output if that is not a terminal.
    PYTHONUNBUFFERED: environment.PYTHONUNBUFFERED ?? '1',
  };
  // In a job of Polyaxon, the variables of the job lead to the same run.
  if (mode === 'managed') return joining;
  return {
    ...joining,
    POLYAXON_IS_OFFLINE: 'true',
    POLYAXON_OFFLINE_ROOT: paths.root,
    POLYAXON_IS_MANAGED: 'true',
    POLYAXON_RUN_INSTANCE: `${owner}.${project}.runs.${uuid}`,
    // The run samples the host already.
    POLYAXON_COLLECT_RESOURCES: environment.POLYAXON_COLLECT_RESOURCES ?? 'false',
  };
}
