/** `polytrack clean`: deletes local data that is safe in a store. */

import type { Command } from 'commander';
import { CodedError } from '../../src/base/errors.js';
import { type CleanedRun, type CleanReport, clean } from '../operations/clean/clean.js';
import type { KeptReason } from '../operations/clean/select-runs.js';
import { type Found, toBytes, toDurationMs, toNumber } from '../settings/settings.js';
import { resolveConfig, type SyncFlags } from '../settings/sync-config.js';
import { type CommandContext, EXIT } from './context.js';
import { formatBytes, formatCount } from './format.js';
import { toErrorText } from './print-error.js';
import { addRunPathOptions, addStoreAccessOptions } from './store-options.js';
import { withoutDefaults } from './sync-options.js';
import { toJsonProblem, toProblemLines } from './verify.js';

type Flags = SyncFlags & {
  json?: boolean;
  verbose?: boolean;
  yes?: boolean;
  deep?: boolean;
  all?: boolean;
  olderThan?: string;
  largerThan?: string;
  keep?: string;
  untilFree?: string;
};

const EXIT_HELP = `
Exit codes:
  0    what the rules name is deleted; without --yes: could be
  1    a run was refused, and is printed: the store does not have it as it is here
  2    nothing was looked at: usage, configuration, credentials or bucket
  130  SIGINT, 143 SIGTERM came before the end: what is marked as being cleaned goes on with the next clean
`;

export function addCleanCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('clean')
    .summary('delete local data that is safe in a store')
    .description(
      'Deletes the local files of runs that have ended, after it has compared every one of them with the store. The run file stays and .plx/cleaned.json says where the data is; `polytrack pull` brings it back. Says only what it would do, unless --yes is given.',
    )
    .argument('<path>', 'a root of runs, a run directory, or a directory of log directories')
    .option('--yes', 'do it')
    .option('--older-than <time>', 'only runs in which nothing has changed for so long, such as 12h or 7d')
    .option('--larger-than <bytes>', 'only runs that take at least so much, such as 500MB')
    .option('--keep <n>', 'leave the newest n runs alone')
    .option('--until-free <bytes>', 'oldest first, and only until so much is free, such as 50GB')
    .option('--all', 'delete the run file and the run directory too')
    .option('--deep', 'read every byte of every object before it is believed');
  addStoreAccessOptions(addRunPathOptions(command))
    .addHelpText('after', EXIT_HELP)
    .action((path: string, flags: Flags) => runClean(path, withoutDefaults(flags), context));
}

async function runClean(path: string, flags: Flags, context: CommandContext): Promise<void> {
  const { io, signal, environment } = context;
  try {
    const { config } = await resolveConfig(path, flags, environment, io.fileSystem);
    const report = await clean(config, {
      ...{ io, signal },
      isDryRun: flags.yes !== true,
      isAll: flags.all === true,
      isDeep: flags.deep === true,
      olderThanMs: toDurationMs(toFound('--older-than', flags.olderThan)),
      largerThanBytes: toBytes(toFound('--larger-than', flags.largerThan)),
      untilFreeBytes: toBytes(toFound('--until-free', flags.untilFree)),
      keep: toNumber(toFound('--keep', flags.keep), { min: 0, max: 1e9, isInteger: true }),
    });
    context.stdout(flags.json === true ? toJson(report) : toText(report));
    context.setExitCode(report.isComplete ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    context.stderr(toErrorText(error, flags.verbose === true));
    context.setExitCode(error instanceof CodedError ? EXIT.refused : EXIT.unsent);
  }
}

function toFound(source: string, value: string | undefined): Found | undefined {
  return value === undefined ? undefined : { source, value };
}

function toJson(report: CleanReport): string {
  const runs = report.runs.map((run) => ({ ...run, problems: run.problems.map(toJsonProblem) }));
  return `${JSON.stringify({ ...report, runs }, null, 2)}\n`;
}

const KEPT: Readonly<Record<KeptReason, string>> = {
  younger: 'changed too lately',
  smaller: 'too small',
  newest: 'one of the newest',
  'enough-free': 'enough is free',
};

function toText(report: CleanReport): string {
  const { runs, isDryRun, isAborted, bytes, freeBytes, store } = report;
  const cleaned = runs.filter(({ outcome }) => outcome === 'cleaned' || outcome === 'would-clean');
  const refused = runs.filter(({ outcome }) => outcome === 'refused');
  const done = `${formatCount(cleaned.length, 'run')} (${formatBytes(bytes)}), all of it in ${store}`;
  const lines = [
    ...runs.filter((run) => run.outcome !== 'refused').map(toLine),
    ...(refused.length === 0 ? [] : ['Refused, because the store does not have them as they are here:']),
    ...refused.flatMap((run) => toProblemLines(run)),
    `${isAborted ? 'Interrupted: deleted' : isDryRun ? 'Would delete' : 'Deleted'} ${done}; ${formatBytes(freeBytes)} free.`,
    ...(isDryRun && cleaned.length > 0 ? ['Nothing was deleted: give --yes to do it.'] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function toLine({ runUuid, outcome, kept, files, bytes, leftOut }: CleanedRun): string {
  if (outcome === 'kept') return `kept ${runUuid}: ${KEPT[kept ?? 'newest']}`;
  if (outcome === 'live') return `kept ${runUuid}: it is still being written`;
  if (outcome === 'done') return `kept ${runUuid}: it was cleaned before`;
  const left = leftOut.length === 0 ? '' : `; ${formatCount(leftOut.length, 'path')} that no store has stay`;
  const verb = outcome === 'cleaned' ? 'deleted' : 'would delete';
  return `${verb} ${runUuid}: ${formatCount(files, 'file')} (${formatBytes(bytes)})${left}`;
}
