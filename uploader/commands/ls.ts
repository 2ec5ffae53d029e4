/** `polytrack ls`: lists the runs of a store, or the files of a run. */

import type { Command } from 'commander';
import { formatBytes, formatCount } from '../base/format.js';
import { formatAge } from '../base/format-age.js';
import { type ListedFile, type ListedRun, listFiles, listRuns } from '../operations/list/list-store.js';
import { parseRunUrl } from '../operations/pull/run-url.js';
import { findStoredUuid } from '../operations/runs/find-run.js';
import { resolveConfig } from '../settings/sync-config.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp, toTableOptions } from './context.js';
import { openStoreRuns } from './open-store-runs.js';
import { addOptions } from './options.js';
import { joinPainted } from './paint.js';
import { reportError } from './print-error.js';
import { type TableOptions, toTable } from './table.js';

const EXIT_HELP = `
Exit codes:
  0  the store has runs or files, and all are listed
  1  the store has none, or the list is incomplete
  2  nothing was listed: wrong URL, setting, credentials or bucket
${toInterruptHelp('the list is incomplete')}`;

export function addLsCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('ls')
    .summary('list the runs of a store, or the files of a run')
    .description(
      'List the runs of a store. With the uuid of a run after the URL, and optionally a path, or with --run, list the files of that run.',
    )
    .argument(
      '[url]',
      's3://bucket/prefix[/<uuid>[/<path>]] or file:///path[/<uuid>[/<path>]] (POLYTRACK_STORE)',
    );
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((url: string | undefined, flags: Flags) => runLs(url, flags, context));
}

async function runLs(url: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  const { io, signal, environment } = context;
  const early: ListedRun[] = [];
  const tableOptions = toTableOptions(context);
  try {
    const target = url === undefined ? null : parseRunUrl(url);
    const given = target === null ? flags : { ...flags, store: target.store };
    const { config } = await resolveConfig('.', given, environment, io.fileSystem);
    const openStore = (location: string) => openStoreRuns(location, flags, context);
    const runUuid =
      flags.run === undefined
        ? (target?.runUuid ?? null)
        : await findStoredUuid({ store: config.store, reference: flags.run }, { ...context, openStore });
    const found =
      runUuid === null
        ? await listRuns(config, { io, signal, onRun: (run) => early.push(run) })
        : await listFiles(config, runUuid, target?.path, {
            ...{ io, signal, withPreviousVersions: flags.previousVersions === true },
          });
    if (flags.json === true) context.stdout(`${JSON.stringify(found, null, 2)}\n`);
    else
      context.stdout(
        runUuid === null
          ? toRunsText(found as ListedRun[], tableOptions)
          : toFilesText(found as ListedFile[], tableOptions),
      );
    const problems = runUuid === null ? reportProblems(context, found as ListedRun[]) : 0;
    const isComplete = problems === 0 && (runUuid === null || found.length > 0);
    context.setExitCode(isComplete ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    // JSON is printed whole or not at all, so that a program does not take a part for the list.
    if (signal.aborted && early.length > 0 && flags.json !== true)
      context.stdout(toRunsText(early, tableOptions));
    reportError(context, error, flags.verbose === true);
  }
}

/** Prints why run files could not be read. Returns their number. */
function reportProblems(context: CommandContext, runs: readonly ListedRun[]): number {
  const problems = runs.flatMap(({ problem }) => problem ?? []);
  for (const { code, message, hint } of problems) context.stderr(`${code}: ${message}\n  ${hint}\n`);
  return problems.length;
}

const RUN_COLUMNS = ['run', 'name', 'status', '>files', '>bytes', '>age', 'manifest'];
const FILE_COLUMNS = [{ header: 'path', cut: 'middle' } as const, '>bytes', 'verified'];

function toRunsText(runs: readonly ListedRun[], options: TableOptions): string {
  const rows = runs.map(({ runUuid, name, status, files, bytes, ageMs, hasManifest }) => [
    ...[runUuid, name ?? '', status ?? '', String(files), formatBytes(bytes)],
    ...[ageMs === null ? '' : formatAge(ageMs), hasManifest ? 'yes' : ''],
  ]);
  const table = toTable(RUN_COLUMNS, rows, options);
  const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
  return joinPainted([...table, `${formatCount(runs.length, 'run')}, ${formatBytes(bytes)}`]);
}

function toFilesText(files: readonly ListedFile[], options: TableOptions): string {
  const rows = files.map(({ path, sizeBytes, verifiedAt }) => [
    path,
    formatBytes(sizeBytes),
    verifiedAt ?? '',
  ]);
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const table = toTable(FILE_COLUMNS, rows, options);
  return joinPainted([...table, `${formatCount(files.length, 'file')}, ${formatBytes(bytes)}`]);
}
