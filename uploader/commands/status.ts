/** `polytrack status`: shows what is stored and pending, from the state directory and the disk. It does not contact the store. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { type FoundStatus, findStatus, listStatus } from '../engine/monitor/find-status.js';
import { type RunUploadStatus, sumUpRuns, type Totals } from '../engine/monitor/status-file.js';
import { readSettings } from '../settings/settings.js';
import { resolveConfig, toStateDirectory } from '../settings/sync-config.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { formatBytes, formatCount, formatSeconds } from './format.js';
import { addOptions } from './options.js';
import { reportError } from './print-error.js';
import { toTable } from './table.js';

const EXIT_HELP = `
Exit codes:
  0  nothing is pending
  1  something is pending, or cannot be uploaded
  2  nothing is known: wrong usage or setting, or no uploader has run
`;

export function addStatusCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .summary('show what is stored and what is pending')
    .description(
      'Show for each run what is stored and what is pending: as the running uploader reports it, otherwise from journal and disk. Without a path, show everything in the state directory.',
    )
    .argument('[path]', 'the path that sync or watch got');
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((path: string | undefined, flags: Flags) => runStatus(path, flags, context));
}

async function runStatus(path: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  try {
    const found = path === undefined ? await findAll(flags, context) : [await findOne(path, flags, context)];
    context.stdout(
      flags.json === true ? `${JSON.stringify(found, null, 2)}\n` : found.map(toText).join('\n'),
    );
    const isDone = found.every(
      ({ total, problems = [] }) =>
        total.pendingFiles === 0 && total.lostBytes === 0 && problems.length === 0,
    );
    context.setExitCode(isDone ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportError(context, error, false);
  }
}

async function findOne(path: string, flags: Flags, context: CommandContext): Promise<FoundStatus> {
  const { config } = await resolveConfig(path, flags, context.environment, context.io.fileSystem);
  return findStatus(config, context.io, context.signal);
}

async function findAll(flags: Flags, context: CommandContext): Promise<FoundStatus[]> {
  const { values } = await readSettings(flags, context.environment, context.io.fileSystem);
  return listStatus(toStateDirectory(values.stateDir, context.environment), context.io);
}

function toText(status: FoundStatus): string {
  const lines = [
    `${status.root} → ${status.store}`,
    `  ${toStateText(status)}`,
    ...toTable(
      ['run', 'phase', '>stored', '>pending', '>lag', 'Polyaxon', 'last error'],
      status.runs.map(toRow),
    ).map((line) => `  ${line}`),
    ...(status.problems ?? []).map(({ code, message }) => `  ${code}: ${message}`),
    `  total: ${toTotalText(sumUpRuns(status.runs))}`,
  ];
  return joinLines(lines);
}

function toStateText({ state, pid, reason, storeOutageMs, isRunning, ageMs }: FoundStatus): string {
  const parts = [
    isRunning ? `${state} (process ${pid}, updated ${formatSeconds(ageMs)} ago)` : 'no uploader is running',
  ];
  if (reason !== null && isRunning) parts.push(reason);
  if (storeOutageMs !== null && isRunning)
    parts.push(`the store has not answered for ${formatSeconds(storeOutageMs)}`);
  return parts.join('; ');
}

function toRow(run: RunUploadStatus): string[] {
  const { lastError } = run;
  return [
    run.uuid,
    run.phase,
    formatBytes(run.storedBytes),
    run.pendingFiles === 0
      ? '0'
      : `${formatCount(run.pendingFiles, 'file')}, ${formatBytes(run.pendingBytes)}`,
    formatSeconds(run.lagMs),
    toApiText(run),
    lastError === null ? '' : `${lastError.code} ${lastError.path}`,
  ];
}

const API_STATES: Readonly<Record<NonNullable<RunUploadStatus['api']>['state'], string>> = {
  synced: 'up to date',
  pending: 'pending',
  waiting: 'waiting',
  rejected: 'rejected',
};

/** The state of the run in Polyaxon, its last error, and the number of rejected items. */
function toApiText({ api }: RunUploadStatus): string {
  if (api == null) return '';
  const { state, lastError, refused } = api;
  const error = lastError === null ? '' : ` ${lastError.code}`;
  const count = refused.length === 0 ? '' : `, ${formatCount(refused.length, 'item')} rejected`;
  return `${API_STATES[state]}${state === 'synced' ? '' : error}${count}`;
}

function toTotalText(total: Totals): string {
  const stored = `${formatCount(total.storedFiles, 'file')} (${formatBytes(total.storedBytes)}) stored`;
  const pending = `${total.pendingFiles} (${formatBytes(total.pendingBytes)}) pending`;
  const lost = total.lostBytes === 0 ? '' : `, ${formatBytes(total.lostBytes)} lost`;
  const events = total.eventsLagMs === 0 ? '' : ` (Polyaxon events: ${formatSeconds(total.eventsLagMs)})`;
  return `${stored}, ${pending}, lag ${formatSeconds(total.lagMs)}${events}${lost}`;
}
