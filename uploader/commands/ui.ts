/** `polytrack ui`: shows runs in TensorBoard. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { TensorBoardFailedError } from '../base/errors.js';
import { findLogDirectory } from '../operations/tensorboard/find-log-directory.js';
import { openBrowser } from '../operations/tensorboard/open-browser.js';
import { serveRuns } from '../operations/tensorboard/serve-runs.js';
import { MAX_SHOWN_POINTS, serveTensorBoard } from '../operations/tensorboard/serve-tensorboard.js';
import { parseFlag } from '../settings/settings.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { addOptions } from './options.js';
import { reportFailure, toErrorText } from './print-error.js';
import { RUN_PATH } from './run-names.js';

const HELP = `
Arguments of TensorBoard follow after \`--\`, such as: polytrack ui -- --reload_interval 1

Exit codes:
  0  TensorBoard was stopped, for example with Ctrl-C
  1  TensorBoard failed
  2  nothing was started: wrong usage or path, no such run, or TensorBoard is not installed
  128 + number of the signal: stopped before TensorBoard answered
`;

const LOOPBACK = '127.0.0.1';

export function addUiCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('ui')
    .summary('show runs in TensorBoard')
    .description(
      'Start the TensorBoard that is installed on this machine (pip install tensorboard) for a root, a run or a store, print its address, and open it in the browser. It shows up to 1,000,000 points of a curve instead of 1,000.',
    )
    .argument(
      '[path]',
      `a root, ${RUN_PATH}, a directory of event files, or the URL of a store; without it, the first default root: ./plx-runs, POLYAXON_OFFLINE_ROOT or /tmp/plx/offline`,
    )
    .argument('[arguments...]', 'arguments of TensorBoard, after --');
  addOptions(command)
    .addHelpText('after', HELP)
    .action((path: string | undefined, args: string[], flags: Flags) =>
      // Commander drops `--`. A path that begins with a dash is written `./-path`.
      path?.startsWith('-') === true
        ? runUi(undefined, [path, ...args], flags, context)
        : runUi(path, args, flags, context),
    );
}

async function runUi(
  path: string | undefined,
  args: readonly string[],
  flags: Flags,
  context: CommandContext,
): Promise<void> {
  const { environment, signal, output } = context;
  try {
    const port = parseFlag(flags, 'port');
    const host = parseFlag(flags, 'host') ?? LOOPBACK;
    const place = path?.includes('://') ? path : await findLogDirectory(path, context);
    context.setExitCode(EXIT.unsent); // until TensorBoard answers
    context.stderr(joinLines([`Starting TensorBoard for ${place}; Ctrl-C stops it.`]));
    await using server = choosesReader(args) ? undefined : await startServer(place, flags, context);
    await serveTensorBoard({
      ...{ logDirectory: place, host, port, args, environment, signal, dataServerPort: server?.port },
      onOutput: flags.verbose === true ? context.stderr : undefined,
      onReady: (url) => {
        context.stdout(joinLines([url]));
        context.setExitCode(EXIT.complete);
        if (flags.open !== false && output?.isTerminal === true) openBrowser(url, environment);
      },
    });
  } catch (error) {
    if (error instanceof TensorBoardFailedError) {
      context.stderr(toErrorText(error, false));
      context.setExitCode(EXIT.unsent);
    } else reportFailure(context, path ?? '.', error);
  }
}

/** Whether the user wants one of TensorBoard's own readers. */
function choosesReader(args: readonly string[]): boolean {
  return args.some((arg) =>
    /^--(?:load_fast|grpc_data_provider|logdir_spec|detect_file_replacement)\b/.test(arg),
  );
}

function startServer(place: string, flags: Flags, { io, environment, stderr }: CommandContext) {
  return serveRuns(place, {
    ...{ host: LOOPBACK, port: 0, io, environment, flags, capacity: MAX_SHOWN_POINTS },
    onProblem: (message) => stderr(joinLines([message])),
  });
}
