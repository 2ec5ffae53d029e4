/** `polytrack status`: shows what is stored and pending, from the state directory and the disk. It does not contact the store. */

import { relative } from 'node:path';
import type { Command } from 'commander';
import { toPrintable } from '../../src/base/printable-text.js';
import { ConfigError } from '../base/errors.js';
import { formatBytes, formatCount, formatSeconds } from '../base/format.js';
import { formatAge } from '../base/format-age.js';
import type { FoundRun } from '../engine/monitor/describe-runs.js';
import { type FoundStatus, findKnownStatus, findStatus, listStatus } from '../engine/monitor/find-status.js';
import { type RunUploadStatus, sumUpRuns, type Totals } from '../engine/monitor/status-file.js';
import { findRunPath } from '../operations/runs/find-run.js';
import { readSettings } from '../settings/settings.js';
import { resolveConfig, toStateDirectory } from '../settings/sync-config.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toTableOptions } from './context.js';
import { addOptions } from './options.js';
import { joinPainted } from './paint.js';
import { reportError } from './print-error.js';
import { RUN_PATH } from './run-names.js';
import { type Cell, type Column, type TableOptions, toTable } from './table.js';

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
      'Show for each run what is stored and what is pending: as the running uploader reports it, otherwise from journal and disk. Without --store, for every store that the path was uploaded to. Without a path, show everything that the state directory knows, as of the last sync or watch.',
    )
    .argument('[path]', `the path that sync or watch got, or ${RUN_PATH}`);
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((path: string | undefined, flags: Flags) => runStatus(path, flags, context));
}

async function runStatus(path: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  try {
    const found = path === undefined ? await findAll(flags, context) : await findPath(path, flags, context);
    context.stdout(
      flags.json === true
        ? `${JSON.stringify(found, null, 2)}\n`
        : found.map((each) => toText(each, toTableOptions(context, INDENT))).join('\n'),
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

/** With a store, the status of the path and this store; else that of every store that the path was uploaded to. */
async function findPath(argument: string, flags: Flags, context: CommandContext): Promise<FoundStatus[]> {
  const { environment, io, signal } = context;
  const path = await findRunPath(argument, context, { mayBeMissing: true });
  const { values } = await readSettings(flags, environment, io.fileSystem);
  if (values.store !== undefined) {
    const { config } = await resolveConfig(path, flags, environment, io.fileSystem);
    return [await findStatus(config, io, signal)];
  }
  // The store of this configuration is not used.
  const { config } = await resolveConfig(
    path,
    { ...flags, defaultStore: 'file:///' },
    environment,
    io.fileSystem,
  );
  const found = await findKnownStatus(config, io, signal);
  if (found.length > 0) return found;
  throw nothingKnown(path, config.stateDirectory);
}

async function findAll(flags: Flags, context: CommandContext): Promise<FoundStatus[]> {
  const { values } = await readSettings(flags, context.environment, context.io.fileSystem);
  const stateDirectory = toStateDirectory(values.stateDir, context.environment);
  const found = await listStatus(stateDirectory, context.io);
  // A program that lists everything gets an empty list.
  if (found.length === 0 && flags.json !== true) throw nothingKnown('any directory', stateDirectory);
  return found;
}

function nothingKnown(what: string, stateDirectory: string): ConfigError {
  return new ConfigError(
    `nothing is known about ${what}: no sync or watch has recorded it in ${stateDirectory}`,
    'Upload first: polytrack sync <path> --store <url>. Or pass the --state-dir that the uploader has.',
  );
}

const INDENT = 2;
/** `run 2` comes before `run 10`. */
const byName = new Intl.Collator('en', { numeric: true }).compare;

function toText(status: FoundStatus, options: TableOptions): string {
  const { problems = [] } = status;
  const runs = [...status.runs].sort((a, b) => byName(a.name, b.name) || byName(a.uuid, b.uuid));
  const hasApi = runs.some(({ api }) => api !== null);
  const isKept = (column: Column): boolean =>
    (hasApi || column !== API_COLUMN) && (hasLag(status) || column !== LAG_COLUMN);
  const columns = COLUMNS.filter(isKept);
  const rows = runs.map((run) => {
    const cells = toCells(run, status);
    return columns.map((column) => cells[COLUMNS.indexOf(column)]!);
  });
  return joinPainted([
    toPrintable(`${status.root} → ${status.store}`),
    toPrintable(`  ${toStateText(status)}`),
    ...(rows.length === 0 ? [] : toTable(columns, rows, options)),
    ...toErrorLines(runs).map(toPrintable),
    ...problems.map(({ code, message }) => toPrintable(`  ${code}: ${message}`)),
    `  total: ${toTotalText(sumUpRuns(runs), hasLag(status))}`,
  ]);
}

/** Only an uploader that has reported knows since when a file is pending. */
function hasLag({ state }: FoundStatus): boolean {
  return state !== 'idle' && state !== 'starting';
}

function toStateText(status: FoundStatus): string {
  const { state, pid, reason, storeOutageMs, isRunning, ageMs } = status;
  if (!isRunning) return `no uploader is running${state === 'idle' ? '' : `; as of ${formatAge(ageMs)} ago`}`;
  const parts = [`${state} (process ${pid}, updated ${formatSeconds(ageMs)} ago)`];
  if (reason !== null) parts.push(reason);
  if (storeOutageMs !== null) parts.push(`the store has not answered for ${formatSeconds(storeOutageMs)}`);
  return parts.join('; ');
}

const API_COLUMN: Column = { header: 'Polyaxon', minColumns: 10 };
const LAG_COLUMN: Column = { header: '>lag' };
const COLUMNS: readonly Column[] = [
  { header: 'run', cut: 'middle', minColumns: 12 },
  { header: 'id', minColumns: 8 },
  { header: 'status', minColumns: 9 },
  { header: 'upload', minColumns: 10 },
  { header: '>stored' },
  { header: '>pending' },
  LAG_COLUMN,
  API_COLUMN,
  { header: 'directory', cut: 'middle', minColumns: 16, omitRank: 1 },
];

function toCells(run: FoundRun, { root }: FoundStatus): Cell[] {
  const isPending = run.pendingFiles > 0;
  return [
    run.name,
    run.uuid.slice(0, 8),
    { text: run.status ?? '', color: isFailure(run.status) ? 'red' : null },
    { text: toUploadText(run), color: run.lastError !== null ? 'red' : isPending ? 'yellow' : null },
    formatBytes(run.storedBytes),
    isPending ? `${run.pendingFiles} (${formatBytes(run.pendingBytes)})` : '0',
    isPending ? formatAge(run.lagMs) : '',
    toApiText(run),
    relative(root, run.directory) || '.',
  ];
}

function isFailure(status: FoundRun['status']): boolean {
  return status === 'failed' || status === 'lost' || status === 'upstream_failed';
}

/** How far the upload is. Without a running uploader, only the files tell. */
function toUploadText({ phase, pendingFiles, lostBytes }: FoundRun): string {
  if (phase !== 'unknown') return phase;
  if (pendingFiles > 0) return 'pending';
  return lostBytes > 0 ? 'incomplete' : 'complete';
}

/** The last error of each run; an error of several runs is printed once. */
function toErrorLines(runs: readonly FoundRun[]): string[] {
  const byText = new Map<string, string[]>();
  for (const { name, lastError } of runs) {
    if (lastError === null) continue;
    const text = `${lastError.code}: ${lastError.message}`;
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  return [...byText].map(([text, names]) => {
    const who = names.length === 1 ? names[0]! : formatCount(names.length, 'run');
    return `  ${who}: ${text}`;
  });
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

function toTotalText(total: Totals, withLag: boolean): string {
  const stored = `${formatCount(total.storedFiles, 'file')} (${formatBytes(total.storedBytes)}) stored`;
  const pending = `${total.pendingFiles} (${formatBytes(total.pendingBytes)}) pending`;
  const lost = total.lostBytes === 0 ? '' : `, ${formatBytes(total.lostBytes)} lost`;
  const events = total.eventsLagMs === 0 ? '' : ` (Polyaxon events: ${formatSeconds(total.eventsLagMs)})`;
  const lag = withLag ? `, lag ${formatSeconds(total.lagMs)}${events}` : '';
  return `${stored}, ${pending}${lag}${lost}`;
}
