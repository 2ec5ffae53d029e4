/** Shows the progress of a sync or a watch: one line that is redrawn on a terminal, plain lines elsewhere. */

import { joinLines } from '../../src/base/printable-text.js';
import { describeFailure } from '../base/describe-failure.js';
import { StoreError } from '../base/errors.js';
import { formatBytes, formatCount, formatSeconds } from '../base/format.js';
import type { Status } from '../engine/monitor/status-file.js';
import type { OnSyncEvent, SyncEvent } from '../pipeline/report/progress.js';
import type { CommandContext } from './context.js';
import { toErrorLines } from './print-error.js';
import { toProgressLine } from './progress-line.js';
import { ProgressState } from './progress-state.js';

interface ProgressDisplay {
  readonly onEvent: OnSyncEvent;
  /** What a watch has left to do. */
  readonly onStatus: (status: Status) => void;
  /** Clears the bar. */
  readonly end: () => void;
}

/** What an event shows: nothing, a line, or several. */
type Line = string | readonly string[] | null;

/** Creates a bar if stderr is a terminal, else plain lines. `isQuiet` shows only problems; `isEndless`: there is no plan, as in a watch. */
export function createProgressDisplay(
  context: CommandContext,
  options: { isQuiet: boolean; isVerbose: boolean; isEndless?: boolean },
): ProgressDisplay {
  const toLine = (event: SyncEvent): Line => toPlainLine(event, options);
  if (context.columns() !== undefined && !options.isQuiet)
    return new ProgressBar(context, toLine, options.isEndless === true);
  return {
    onEvent: (event) => {
      const line = toLine(event);
      if (line !== null) context.stderr(joinLines([line].flat()));
    },
    onStatus: () => undefined,
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
/** Redraws by time: rate, time left and the countdown of a retry change while no event comes. */
const REDRAW_MS = 200;

class ProgressBar implements ProgressDisplay {
  readonly #context: CommandContext;
  readonly #toLine: (event: SyncEvent) => Line;
  readonly #isEndless: boolean;
  readonly #state: ProgressState;
  readonly #timer: NodeJS.Timeout;

  constructor(context: CommandContext, toLine: (event: SyncEvent) => Line, isEndless: boolean) {
    this.#context = context;
    this.#toLine = toLine;
    this.#isEndless = isEndless;
    this.#state = new ProgressState(isEndless);
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS).unref();
    this.#draw();
  }

  readonly onEvent = (event: SyncEvent): void => {
    this.#state.take(event, this.#context.io.clock.monotonicMs());
    // Lines about problems stay on the screen above the bar. A sync shows all else in the bar; a watch, which has no end, prints it.
    const line = this.#isEndless || LASTING.includes(event.kind) ? this.#toLine(event) : null;
    if (line === null) return;
    this.#context.stderr(joinLines([line].flat()), { clearsLine: true });
    this.#draw();
  };

  readonly onStatus = ({ total }: Status): void => {
    this.#state.setPending(total.pendingFiles, total.pendingBytes);
  };

  readonly end = (): void => {
    clearInterval(this.#timer);
    this.#context.stderr('', { clearsLine: true });
  };

  #draw(): void {
    const { io, columns, hasErrorColor = false } = this.#context;
    const progress = this.#state.at(io.clock.monotonicMs());
    // A line that fills the last column would wrap on some terminals.
    const line = toProgressLine(progress, (columns() ?? 80) - 1, hasErrorColor);
    this.#context.stderr(line, { clearsLine: true, isPainted: true });
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
      return event.pendingFiles === 0
        ? 'stopping'
        : `stopping: ${formatCount(event.pendingFiles, 'file')} (${formatBytes(event.pendingBytes)}) not stored yet`;
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
