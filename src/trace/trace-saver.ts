/** Saves the spans of open traces in a journal, so that they survive the process: at an interval, and on request. */

import { messageOf } from '../base/errors.js';
import type { RecordedSpan, TracerContext } from './recorded-span.js';
import type { OpenSpanJournal } from './span.js';

/** The longest time for which an ended span of an open trace is only in memory. */
const SAVE_INTERVAL_MS = 2000;

export class TraceSaver {
  readonly #journal: OpenSpanJournal;
  readonly #roots: ReadonlySet<RecordedSpan>;
  readonly #context: TracerContext;
  #savedMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(journal: OpenSpanJournal, roots: ReadonlySet<RecordedSpan>, context: TracerContext) {
    this.#journal = journal;
    this.#roots = roots;
    this.#context = context;
    this.#savedMs = context.clock.monotonicMs();
    this.arm();
  }

  /** Saves open traces later. Does not keep the process alive. */
  arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      let isDone = false;
      this.#guard(() => {
        this.#save();
        isDone = !this.#journal.tick() && this.#roots.size === 0;
      });
      if (!isDone) this.arm();
    }, SAVE_INTERVAL_MS).unref();
  }

  /** Saves now if the timer is late, as in a program that never lets the event loop run. */
  saveIfLate(): void {
    if (this.#context.clock.monotonicMs() - this.#savedMs > 2 * SAVE_INTERVAL_MS) this.save(false);
  }

  /** `isSettled`: all emitted traces are on disk. */
  save(isSettled: boolean): void {
    this.#guard(() => {
      this.#save();
      if (isSettled) this.#journal.settle();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #save(): void {
    this.#savedMs = this.#context.clock.monotonicMs();
    for (const root of this.#roots) {
      const { unsaved } = root.trace;
      if (unsaved.size === 0) continue;
      this.#journal.save(
        root.uuid,
        Array.from(unsaved.values(), (toJson) => toJson()),
      );
      unsaved.clear();
    }
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#context.diagnostics.warn('WARN_SPAN_LOST', `open spans could not be saved: ${messageOf(cause)}`);
    }
  }
}
