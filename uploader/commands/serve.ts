/** `polytrack serve`: a data server for TensorBoard. */

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { findCommand } from '../../src/base/own-package.js';
import { joinLines } from '../../src/base/printable-text.js';
import { ConfigError } from '../base/errors.js';
import { findLogDirectory } from '../operations/tensorboard/find-log-directory.js';
import { serveRuns, toCapacity } from '../operations/tensorboard/serve-runs.js';
import { parseFlag } from '../settings/settings.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { addOptions } from './options.js';
import { reportFailure } from './print-error.js';
import { RUN_PATH } from './run-names.js';

const HELP = `
Show the runs with:
  tensorboard --grpc_data_provider localhost:<port>
Or let every tensorboard of this shell use polytrack:
  eval "$(polytrack serve --print-env)"

Exit codes:
  0  the server was stopped, for example with Ctrl-C
  2  nothing was started: wrong usage or path, no such run, or the port is in use
`;

const LOOPBACK = '127.0.0.1';
const LOOPBACK_PATTERN = /^(?:127\.|::1$|localhost$)/;
const PROGRAM = 'tensorboard-data-server.js';

export function addServeCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('serve')
    .summary('serve runs to a TensorBoard of yours')
    .description(
      'Read the event files of a root, a run, a directory or a store, follow them, and serve them to TensorBoard as a data provider (gRPC). It is faster than the readers of TensorBoard, needs less memory, and never drops points at random. `polytrack ui` starts it together with TensorBoard.',
    )
    .argument(
      '[path|store]',
      `a root, ${RUN_PATH}, a directory of event files, or the URL of a store; without it, the first default root: ./plx-runs, POLYAXON_OFFLINE_ROOT or /tmp/plx/offline`,
    );
  addOptions(command)
    .addHelpText('after', HELP)
    .action((path: string | undefined, flags: Flags) => runServe(path, flags, context));
}

async function runServe(path: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  const { signal, io, environment } = context;
  try {
    if (flags.printEnv === true) {
      context.stdout(joinLines([`export TENSORBOARD_DATA_SERVER_BINARY=${quote(findProgram())}`]));
      return;
    }
    const host = parseFlag(flags, 'host') ?? LOOPBACK;
    const token = parseFlag(flags, 'token');
    if (token === undefined && !LOOPBACK_PATTERN.test(host))
      throw new ConfigError(
        `--host ${host} is not a local address, and no --token is set`,
        'Pass --token, or keep the server local and open an SSH tunnel to it.',
      );
    const place = path?.includes('://') ? path : await findLogDirectory(path, context);
    await using server = await serveRuns(place, {
      ...{ host, token, port: parseFlag(flags, 'port') ?? 0, io, environment, flags },
      capacity: toCapacity(parseFlag(flags, 'points')),
      onProblem: (message) => context.stderr(joinLines([message])),
    });
    context.setExitCode(EXIT.complete);
    context.stdout(joinLines([`localhost:${server.port}`]));
    context.stderr(
      joinLines([
        `Serving ${place}; Ctrl-C stops it. tensorboard --grpc_data_provider localhost:${server.port}`,
      ]),
    );
    if (!signal.aborted) await once(signal, 'abort');
  } catch (error) {
    reportFailure(context, path ?? '.', error);
  }
}

function findProgram(): string {
  const command = findCommand();
  const path = command === undefined ? undefined : join(dirname(command), PROGRAM);
  if (path !== undefined && existsSync(path)) return path;
  throw new ConfigError('the data server is not installed', 'Install the package polytrack.');
}

/** For a POSIX shell. */
function quote(path: string): string {
  return /^[\w/.@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
