/**
 * In a job of Polyaxon, a separate process keeps the server up to date with the run: inputs, outputs, tags, progress, lineage. The training process
 * touches only the local disk.
 */

import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Diagnostics } from '../base/diagnostics.js';
import { findCommand } from '../base/own-package.js';
import { MAIN_WRITER } from '../run-directory/layout.js';
import type { RunEnvironment } from './run-environment.js';
import { parseFlag, type ResolvedSync, type RunOptions } from './run-options.js';

/** How long `end()` waits for the last report. */
const DEADLINE_MS = 15_000;
/** How long the process keeps trying to reach a server after the end of the run, in seconds. */
const SHUTDOWN_SECONDS = '60';

/**
 * Returns the uploader that reports the run: `upload`, the one of the option `sync`, if there is one. Outside of jobs, and when reports are turned off,
 * returns `upload` unchanged. Warns when nothing will report the run. Beside Polyaxon's sidecar, which uploads the files, the process sends no files.
 */
export function resolveReport(
  upload: ResolvedSync | undefined,
  environment: RunEnvironment,
  options: Pick<RunOptions, 'report'>,
  env: NodeJS.ProcessEnv,
  diagnostics: Diagnostics,
): ResolvedSync | undefined {
  const { mode, writer, uuid } = environment;
  const isOn = (name: string, byDefault: boolean) => parseFlag(name, env[name], byDefault);
  if (mode !== 'managed' || writer !== MAIN_WRITER) return upload;
  if (!(options.report ?? isOn('POLYTRACK_REPORT', true))) return upload;
  if (upload?.flags.some((flag) => /^--(no-)?polyaxon(=|$)/.test(flag))) return upload;
  const command = findCommand();
  const hasHost = (env.POLYAXON_HOST ?? '') !== '';
  if (!hasHost || command === undefined) {
    const why = hasHost
      ? 'the polytrack command was not found: this program is bundled without the package, so install polytrack beside it'
      : 'POLYAXON_HOST is not set, so set it to the address of the server';
    diagnostics.warn(
      'WARN_RUN_UNREPORTED',
      `inputs, outputs, tags and progress of this run do not reach the Polyaxon server: ${why}, or set POLYTRACK_REPORT=false`,
    );
    return upload;
  }
  if (upload !== undefined) return { ...upload, flags: [...upload.flags, '--polyaxon'] };
  // Source: polyaxon 2.16, `_client/run.py`: with `POLYAXON_HAS_PROCESS_SIDECAR`, the process itself uploads the files.
  const hasSidecar =
    isOn('POLYAXON_COLLECT_ARTIFACTS', false) && (env.POLYAXON_HAS_PROCESS_SIDECAR ?? '') === '';
  // Other users of the host can read the uuid: a name that they can guess they could create first, and own the state.
  const stateDirectory = join(tmpdir(), `polytrack-${uuid}-${randomUUID()}`);
  const flags = ['--state-dir', stateDirectory, '--shutdown-timeout', SHUTDOWN_SECONDS];
  return {
    subject: 'report',
    command,
    store: hasSidecar ? undefined : 'polyaxon://',
    deadlineMs: DEADLINE_MS,
    flags: ['--polyaxon', '--poll', ...flags],
  };
}
