/** Formats the report of a sync as text for people and as JSON for programs. */

import { joinLines, toPrintable } from '../../src/base/printable-text.js';
import { formatBytes, formatCount, formatSeconds } from '../base/format.js';
import type { LogDirectory, SyncReport, UnsentFile } from '../pipeline/report/sync-report.js';
import { NO_STORE } from '../polyaxon-api/polyaxon-url.js';
import { joinPainted, paint } from './paint.js';
import { toCauseLines, toErrorLines, toErrorText } from './print-error.js';

const SHOWN_PATHS = 20;

/** The summary at the end of a sync. With `hasColor`, its first word says at a glance how it went. */
export function toSummaryText(report: SyncReport, isVerbose: boolean, hasColor = false): string {
  const lines = [
    ...(report.isDryRun ? [...toLayoutLines(report), ...report.uploads.map(toPlannedLine)] : []),
    ...toSkippedLines(report),
    ...toUnsentLines(report.unsent, isVerbose),
    ...toLostLines(report),
  ];
  return joinPainted([toColoredHeadline(report, hasColor)]) + joinLines(lines);
}

function toColoredHeadline(report: SyncReport, hasColor: boolean): string {
  const headline = toPrintable(toHeadline(report));
  if (!hasColor || report.isDryRun) return headline;
  const color = report.isShareComplete ? 'green' : report.isAborted ? 'yellow' : 'red';
  return headline.replace(/^\w+/, (word) => paint(word, color));
}

/** One JSON document. */
export function toJson(report: SyncReport, sources: Readonly<Record<string, string>>): string {
  return `${JSON.stringify({ ...toJsonReport(report), configuration: sources }, null, 2)}\n`;
}

/** The report as a plain object. An error has code, message and hint. */
export function toJsonReport(report: SyncReport): object {
  const unsent = report.unsent.map(({ path, sizeBytes, error }) => {
    const { code, message, hint } = error;
    return { path, sizeBytes, code, message, hint };
  });
  return { ...report, unsent };
}

function toHeadline({
  files,
  bytes,
  runs,
  store,
  isDryRun,
  isAborted,
  isComplete,
  isShareComplete,
  durationMs,
}: SyncReport): string {
  if (isDryRun) {
    const kept = `${files.verified} to verify, ${files.unchanged} unchanged`;
    const plan = `upload ${formatCount(files.unsent, 'file')} to ${store}; ${kept}.`;
    return isAborted ? `Interrupted, so the plan is not complete: would ${plan}` : `Would ${plan}`;
  }
  if (store === NO_STORE) {
    const state = isShareComplete ? 'Complete' : isAborted ? 'Interrupted' : 'Incomplete';
    return `${state}: reported ${formatCount(runs.length, 'run')} to Polyaxon in ${formatSeconds(durationMs)}; no store is set, so no files were uploaded.`;
  }
  // An uploader of a group does not know what the others have stored.
  const state = isComplete
    ? 'Complete'
    : isShareComplete
      ? 'Share complete'
      : isAborted
        ? 'Interrupted'
        : 'Incomplete';
  const counts = [
    `${files.stored} stored`,
    `${files.verified} verified`,
    `${files.unchanged} unchanged`,
    ...(files.elsewhere === 0 ? [] : [`${files.elsewhere} assigned to other uploaders`]),
    `${files.unsent} not stored`,
  ];
  return `${state}: ${counts.join(', ')} of ${formatCount(files.total, 'file')} in ${store}; uploaded ${formatBytes(bytes.sent)} in ${formatSeconds(durationMs)}.`;
}

function toPlannedLine({ key, sizeBytes, reason }: SyncReport['uploads'][number]): string {
  return `  ${key} (${reason}, ${formatBytes(sizeBytes)})`;
}

const REASONS: Readonly<Record<LogDirectory['reason'], string>> = {
  'event-files': 'it has event files',
  'hparams-session': 'it has a HParams session',
  phases: 'train, validation, … are phases of one run',
  'beside-phases': 'beside train, validation, …',
  'scalars-line': 'a line of add_scalars',
  'hparams-of-run': 'add_hparams of the run',
  'below-session': 'below a HParams session',
  grouped: '--group',
  split: '--split',
  stored: 'stored so before',
  'hparams-configuration': 'only the configuration of a sweep',
  'no-events': 'nothing is logged yet',
};

/** Which log directory becomes what, in a dry run. */
function toLayoutLines({ logDirectories }: SyncReport): string[] {
  if (logDirectories.length === 0) return [];
  const runs = new Set(logDirectories.map(({ runUuid }) => runUuid).filter((uuid) => uuid !== null));
  const shown = logDirectories.map(({ path, run, reason }) => {
    const what = run === null ? 'no run' : `run ${run}`;
    return `  ${path || '.'} → ${what} (${REASONS[reason]})`;
  });
  return [`Log directories (${logDirectories.length}) and their runs (${runs.size}):`, ...shown];
}

function toSkippedLines({ skipped }: SyncReport): string[] {
  if (skipped.length === 0) return [];
  const shown = skipped.map(({ path, reason }) => `  ${path} (${reason})`);
  return [`Excluded ${formatCount(skipped.length, 'path')}:`, ...limit(shown)];
}

function toLostLines({ bytes }: SyncReport): string[] {
  return bytes.lost === 0
    ? []
    : [`Lost ${formatBytes(bytes.lost)}: deleted on disk before they were stored.`];
}

/** Groups the files by error, so that each error is explained once. */
function toUnsentLines(unsent: readonly UnsentFile[], isVerbose: boolean): string[] {
  const byError = new Map<string, UnsentFile[]>();
  for (const file of unsent) {
    const text = toErrorText(file.error, false);
    byError.set(text, [...(byError.get(text) ?? []), file]);
  }
  return [...byError.values()].flatMap((files) => {
    const [message = '', ...rest] = toErrorLines(files[0]?.error);
    const causes = isVerbose ? toCauseLines(files[0]?.error) : [];
    const paths = files.map(({ path, sizeBytes }) =>
      sizeBytes === null ? `    ${path}` : `    ${path} (${formatBytes(sizeBytes)})`,
    );
    return [`Not stored (${files.length}): ${message}`, ...rest, ...causes, ...limit(paths)];
  });
}

function limit(lines: string[]): string[] {
  const rest = lines.length - SHOWN_PATHS;
  return rest <= 0 ? lines : [...lines.slice(0, SHOWN_PATHS), `    and ${rest} more (--json lists all)`];
}
