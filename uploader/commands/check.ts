/** `polytrack check`: checks whether a store can be used, before anything is uploaded. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { StoreBucketError, StoreClockError, StoreCredentialsError, StoreError } from '../base/errors.js';
import { checkStore, type StoreCheck } from '../operations/check/check-store.js';
import { toCheckJson, toCheckText } from '../operations/check/check-text.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import { resolveConfig } from '../settings/sync-config.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, type ExitCode } from './context.js';
import { addOptions } from './options.js';
import { reportError, toCauseLines } from './print-error.js';

const EXIT_HELP = `
Exit codes:
  0  the store can be used
  1  the store cannot be reached, or a permission is missing
  2  wrong URL, setting, credentials, bucket or clock
`;

export function addCheckCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('check')
    .summary('check whether a store can be used, and what it supports')
    .description(
      'Check a store for everything that uploads need. Writes only a few objects below .plx/probe/, and removes them again.',
    )
    .argument('[store]', 'URL of the store, such as s3://bucket/prefix (POLYTRACK_STORE)');
  addOptions(command)
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
      context.stderr(joinLines(toCauseLines(check.error)));
    context.setExitCode(toExitCode(check));
  } catch (error) {
    reportError(context, error, flags.verbose === true);
  }
}

/** Polyaxon errors that a retry does not fix. */
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
