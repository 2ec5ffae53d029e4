/** `polytrack check`: whether a store can be used, before anything is sent there. */

import { type Command, Option } from 'commander';
import { CodedError } from '../../src/base/errors.js';
import { StoreBucketError, StoreClockError, StoreCredentialsError, StoreError } from '../base/errors.js';
import { checkStore, type StoreCheck } from '../operations/check/check-store.js';
import { toCheckJson, toCheckText } from '../operations/check/check-text.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import { resolveConfig, type SyncFlags } from '../settings/sync-config.js';
import { type CommandContext, EXIT, type ExitCode } from './context.js';
import { toCauseText, toErrorText } from './print-error.js';

type Flags = SyncFlags & { json?: boolean; verbose?: boolean };

const EXIT_HELP = `
Exit codes:
  0  the store can be used
  1  not now, or not for everything: it is not reached, or a permission is missing
  2  not like this: URL, configuration, credentials, bucket or clock
`;

export function addCheckCommand(program: Command, context: CommandContext): void {
  program
    .command('check')
    .summary('say whether a store can be used, and what it can do')
    .description(
      'Asks a store for everything that the uploader relies on. Nothing is sent but a few objects below .plx/probe/, which are removed again.',
    )
    .argument(
      '[store]',
      's3://bucket/prefix, file:///path or polyaxon://host/owner/project (POLYTRACK_STORE)',
    )
    .option('--json', 'print one JSON document')
    .option('--endpoint <url>', 'S3 endpoint other than AWS (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)')
    .option('--region <name>', 'S3 region (AWS_REGION, AWS_DEFAULT_REGION)')
    .addOption(new Option('--path-style', 'bucket in the path of requests (POLYTRACK_PATH_STYLE)'))
    .addOption(new Option('--no-path-style', 'bucket in the host of requests'))
    .option('--state-dir <path>', 'where what was found is kept for a week (POLYTRACK_STATE_DIR)')
    .option('--config <file>', 'JSON with any of these settings (POLYTRACK_CONFIG)')
    .option('--verbose', 'also say the causes of errors')
    .addHelpText('after', EXIT_HELP)
    .action((store: string | undefined, flags: Flags) => runCheck(store, flags, context));
}

async function runCheck(store: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  const { environment, io, signal } = context;
  try {
    const given = store === undefined ? flags : { ...flags, store };
    const { config } = await resolveConfig('.', given, environment, io.fileSystem);
    const { s3, stateDirectory } = config;
    const polyaxon = config.polyaxon?.();
    const check = await checkStore(config.store, { io, s3, polyaxon, stateDirectory, signal });
    context.stdout(flags.json === true ? toCheckJson(check) : toCheckText(check));
    if (flags.json !== true && flags.verbose === true && check.error !== null)
      context.stderr(toCauseText(check.error));
    context.setExitCode(toExitCode(check));
  } catch (error) {
    context.stderr(toErrorText(error, flags.verbose === true));
    context.setExitCode(error instanceof CodedError ? EXIT.refused : EXIT.unsent);
  }
}

/** What a later call would meet again. */
const REFUSALS: readonly string[] = [
  'ERR_API_UNAUTHORIZED',
  'ERR_API_MISSING',
  'ERR_API_PROJECT_MISSING',
  'ERR_API_REDIRECTED',
];

function toExitCode({ isUsable, error }: StoreCheck): ExitCode {
  if (isUsable) return EXIT.complete;
  const isRefused =
    error instanceof StoreCredentialsError ||
    error instanceof StoreBucketError ||
    error instanceof StoreClockError ||
    (error instanceof PolyaxonApiError && REFUSALS.includes(error.code)) ||
    (error !== null && !(error instanceof StoreError));
  return isRefused ? EXIT.refused : EXIT.unsent;
}
