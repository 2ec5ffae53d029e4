/** `polytrack pull`: restores run directories from a store. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { ConfigError } from '../base/errors.js';
import { formatBytes, formatCount } from '../base/format.js';
import { pull } from '../operations/pull/pull.js';
import type { PulledRun, PullReport } from '../operations/pull/pull-report.js';
import { findStoredUuid, parseReferenceUrl } from '../operations/runs/find-run.js';
import { resolveConfig } from '../settings/sync-config.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp } from './context.js';
import { openStoreRuns } from './open-store-runs.js';
import { addOptions } from './options.js';
import { reportError } from './print-error.js';
import { toJsonProblem, toProblemLines } from './verify.js';

const EXIT_HELP = `
Exit codes:
  0    all files are restored, and their checksums match
  1    some files are not restored, and are printed: pull again to resume
  2    nothing was pulled: wrong URL, setting, credentials or bucket
${toInterruptHelp('pull again to resume')}`;

export function addPullCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('pull')
    .summary('restore runs from a store')
    .description(
      'Restore each run as <directory>/runs/<uuid>, with its original names and bytes, checked against the checksums of the store and of the manifest. Keeps files that exist already.',
    )
    .argument(
      '<url...>',
      'one or more runs, such as s3://bucket/prefix/<run> or file:///path/<run>, or <run> of the store in POLYTRACK_STORE, then the directory; <run> is a name, the first digits of a uuid, or latest',
    )
    .usage('[options] <url>/<run>... <directory>');
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((names: string[], flags: Flags) => runPull(names, flags, context));
}

async function runPull(names: readonly string[], flags: Flags, context: CommandContext): Promise<void> {
  const { io, signal, environment } = context;
  try {
    const { byStore, directory } = await findTargets(names, flags, context);
    const reports: PullReport[] = [];
    for (const [store, runUuids] of byStore) {
      const { config } = await resolveConfig('.', { ...flags, store }, environment, io.fileSystem);
      const overwrites = flags.overwrite === true;
      const withPreviousVersions = flags.previousVersions === true;
      const onNotice = ({ message }: { message: string }): void =>
        context.stderr(joinLines([`notice: ${message}`]));
      reports.push(
        await pull(config, runUuids, directory, { io, signal, onNotice, overwrites, withPreviousVersions }),
      );
    }
    context.stdout(flags.json === true ? toJson(reports) : reports.map(toText).join(''));
    context.setExitCode(reports.every(({ isComplete }) => isComplete) ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportError(context, error, flags.verbose === true);
  }
}

/** Finds the runs, and groups them by store in the order of the command line. A run without a URL is one of the configured store. */
async function findTargets(
  names: readonly string[],
  flags: Flags,
  context: CommandContext,
): Promise<{ byStore: Map<string, string[]>; directory: string }> {
  const hint = 'Use the form: polytrack pull s3://bucket/prefix/<run> <directory>.';
  const directory = names.at(-1);
  if (names.length < 2 || directory === undefined || directory.includes('://'))
    throw new ConfigError('the target directory is missing', hint);
  const byStore = new Map<string, string[]>();
  for (const url of names.slice(0, -1)) {
    const target = url.includes('://')
      ? parseReferenceUrl(url)
      : { store: await findConfiguredStore(flags, context), reference: url };
    const { store } = target;
    const openStore = (location: string) => openStoreRuns(location, flags, context);
    const runUuid = await findStoredUuid(
      target,
      { ...context, openStore },
      url.includes('://') ? url : undefined,
    );
    const runs = byStore.get(store) ?? [];
    if (!runs.includes(runUuid)) byStore.set(store, [...runs, runUuid]);
  }
  return { byStore, directory };
}

async function findConfiguredStore(flags: Flags, { environment, io }: CommandContext): Promise<string> {
  const { config } = await resolveConfig('.', flags, environment, io.fileSystem);
  return config.store;
}

function toJson(reports: readonly PullReport[]): string {
  const all = reports.map((report) => ({
    ...report,
    runs: report.runs.map((run) => ({ ...run, problems: run.problems.map(toJsonProblem) })),
  }));
  return `${JSON.stringify(all.length === 1 ? all[0] : all, null, 2)}\n`;
}

function toText({ runs, isAborted }: PullReport): string {
  const lines = runs.flatMap(toRunLines);
  if (isAborted) lines.push('Interrupted. Pull again to resume.');
  return joinLines(lines);
}

function toRunLines({ directory, files, bytes, problems }: PulledRun): string[] {
  const unverified =
    files.unverified === 0 ? '' : `; ${formatCount(files.unverified, 'file')} not verified (no checksum)`;
  const counts = `${formatCount(files.pulled, 'file')} (${formatBytes(bytes)}), ${files.present} already present`;
  const state = problems.length === 0 ? 'Pulled' : 'INCOMPLETE';
  return toProblemLines(`${state} ${directory}: ${counts}${unverified}`, problems);
}
