/** Shows the progress of a sync: a bar on a terminal, plain lines elsewhere. */

import { joinLines } from '../../src/base/printable-text.js';
import { describeFailure } from '../base/describe-failure.js';
import { StoreError } from '../base/errors.js';
import type { OnSyncEvent, SyncEvent } from '../pipeline/report/progress.js';
import type { CommandContext } from './context.js';
import { formatBytes, formatCount, formatSeconds } from './format.js';
import { toErrorLines } from './print-error.js';

export interface ProgressDisplay {
  readonly onEvent: OnSyncEvent;
  /** Clears the bar. */
  readonly end: () => void;
}

/** What an event shows: nothing, a line, or several. */
type Line = string | readonly string[] | null;

/** Creates a bar if stderr is a terminal, else plain lines. `isQuiet` shows only problems; `isEndless` disables the bar. */
export function createProgressDisplay(
  context: CommandContext,
  options: { isQuiet: boolean; isVerbose: boolean; isEndless?: boolean },
): ProgressDisplay {
  const toLine = (event: SyncEvent): Line => toPlainLine(event, options);
  if (context.columns() !== undefined && !options.isQuiet && options.isEndless !== true)
    return new ProgressBar(context, toLine);
  return {
    onEvent: (event) => {
      const line = toLine(event);
      if (line !== null) context.stderr(joinLines([line].flat()));
    },
    end: () => undefined,
  };
}

const LASTING: readonly SyncEvent['kind'][] = [
  'unsent',
  'notice',
  'retry',
  'lost',
  'paused',
  'resumed',
  'store-unavailable',
  'store-available',
  'api-rejected',
  'draining',
];
const BAR_WIDTH = 24;
const REDRAW_MS = 100;

class ProgressBar implements ProgressDisplay {
  readonly #context: CommandContext;
  readonly #toLine: (event: SyncEvent) => Line;
  readonly #sentByKey = new Map<string, number>();
  #plannedBytes = 0;
  #plannedFiles = 0;
  #doneBytes = 0;
  #doneFiles = 0;
  #drawnMs = Number.NEGATIVE_INFINITY;

  constructor(context: CommandContext, toLine: (event: SyncEvent) => Line) {
    this.#context = context;
    this.#toLine = toLine;
  }

  readonly onEvent = (event: SyncEvent): void => {
    this.#count(event);
    // Lines about problems stay on the screen above the bar; other events only move the bar.
    const line = LASTING.includes(event.kind) ? this.#toLine(event) : null;
    if (line !== null) this.#context.stderr(joinLines([line].flat()), { clearsLine: true });
    this.#draw(line !== null);
  };

  readonly end = (): void => this.#context.stderr('', { clearsLine: true });

  #count(event: SyncEvent): void {
    switch (event.kind) {
      case 'planned':
        this.#plannedBytes = event.uploadBytes;
        this.#plannedFiles = event.uploads + event.verifications;
        break;
      case 'started':
        this.#sentByKey.set(event.key, 0);
        break;
      case 'sent':
        this.#sentByKey.set(event.key, (this.#sentByKey.get(event.key) ?? 0) + event.sizeBytes);
        break;
      case 'stored':
      case 'verified':
      case 'unsent':
        this.#doneFiles += 1;
        this.#doneBytes += event.kind === 'stored' ? event.sizeBytes : 0;
        this.#sentByKey.delete(event.key);
        break;
    }
  }

  #draw(isForced: boolean): void {
    const nowMs = this.#context.io.clock.monotonicMs();
    if (!isForced && nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    let sentBytes = this.#doneBytes;
    for (const bytes of this.#sentByKey.values()) sentBytes += bytes;
    const totalBytes = Math.max(this.#plannedBytes, sentBytes);
    const share =
      totalBytes === 0 ? this.#doneFiles / Math.max(1, this.#plannedFiles) : sentBytes / totalBytes;
    const filled = Math.floor(Math.min(1, share) * BAR_WIDTH);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
    const files = `${this.#doneFiles}/${formatCount(this.#plannedFiles, 'file')}`;
    const text = `${bar} ${files}  ${formatBytes(sentBytes)} of ${formatBytes(totalBytes)}`;
    this.#context.stderr(text.slice(0, (this.#context.columns() ?? 80) - 1), { clearsLine: true });
  }
}

function toPlainLine(event: SyncEvent, options: { isQuiet: boolean; isVerbose: boolean }): Line {
  switch (event.kind) {
    case 'notice':
      return `notice: ${event.message}`;
    case 'retry':
      return `${event.operation}: ${describeFailure(event.cause)}; retrying in ${formatSeconds(event.delayMs)}`;
    case 'unsent': {
      // A problem of the store fails every file alike, so only the summary reports it.
      const isCommon = event.error instanceof StoreError && event.error.concernsAllFiles;
      if (options.isQuiet || isCommon) return null;
      return `unsent ${event.key}: ${toErrorLines(event.error)[0]}`;
    }
    case 'scanned':
      return options.isQuiet
        ? null
        : `found ${formatCount(event.files, 'file')} (${formatBytes(event.sizeBytes)}) in ${formatCount(event.runs, 'run')}`;
    case 'planned':
      return options.isQuiet
        ? null
        : `to upload: ${formatCount(event.uploads, 'file')} (${formatBytes(event.uploadBytes)}); to verify: ${event.verifications}; unchanged: ${event.unchanged}`;
    case 'stored':
      return options.isQuiet
        ? null
        : `stored ${event.key} (${event.reason}, ${formatBytes(event.sizeBytes)})`;
    case 'verified':
      return options.isVerbose ? `verified ${event.key} (${formatBytes(event.sizeBytes)})` : null;
    case 'requeued':
      return options.isVerbose ? `${event.key} changed while it was read; retrying later` : null;
    case 'lost':
      return `lost ${event.key}: deleted on disk before ${formatBytes(event.sizeBytes)} were stored`;
    case 'removed':
      return event.copy === null
        ? `removed ${event.key}: the local file was deleted`
        : `removed ${event.key}: the local file was deleted; a copy is stored as ${event.copy}`;
    case 'paused':
      return `paused: ${event.reason}; nothing is deleted, and uploads resume when the directory is available again`;
    case 'resumed':
      return 'resumed: the root directory is available again';
    case 'store-unavailable':
      return `the store has not answered for ${formatSeconds(event.forMs)}; retrying until it does`;
    case 'store-available':
      return `the store answers again after ${formatSeconds(event.afterMs)}`;
    case 'run-complete':
      return options.isQuiet ? null : `run ${event.runUuid} has ended and is completely stored`;
    case 'draining':
      return `stopping: ${formatCount(event.pendingFiles, 'file')} (${formatBytes(event.pendingBytes)}) not stored yet`;
    case 'api':
      return options.isQuiet ? null : toApiLine(event);
    case 'api-rejected':
      return [`${toSubject(event)} cannot be reported to Polyaxon:`, ...toErrorLines(event.error)];
    case 'run':
      return options.isVerbose ? `found run ${event.runUuid} in ${event.directory}` : null;
    case 'started':
    case 'sent':
      return null;
  }
}

/** An error that concerns all runs names none of them. */
function toSubject({ runUuid, error }: Extract<SyncEvent, { kind: 'api-rejected' }>): string {
  return error instanceof StoreError && error.concernsAllFiles ? 'runs' : `run ${runUuid}`;
}

function toApiLine({ runUuid, change, detail }: Extract<SyncEvent, { kind: 'api' }>): string {
  return change === 'created'
    ? `created run ${runUuid} in Polyaxon project ${detail}`
    : `set run ${runUuid} to ${detail} in Polyaxon`;
}
