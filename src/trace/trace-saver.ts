/** Saves the spans of open traces in a journal, so that they survive the process: at an interval, and on request. */

import { messageOf } from '../base/errors.js';
import type { OpenTraceKeeper, OpenTraceSource } from './open-traces.js';
import type { TracerContext } from './recorded-span.js';
import type { OpenSpanJournal } from './span.js';

/** The interval in which emitted traces reach the disk, and the longest time for which a started span is only in memory. */
const SAVE_INTERVAL_MS = 2000;
/** The shortest time between the end of a span of an open trace and its save. Spans that end at the same time are saved at once. */
const MIN_DELAY_MS = 50;
/** Saving takes at most this part of the time. */
const MAX_SHARE = 0.05;

export class TraceSaver {
  readonly #journal: OpenSpanJournal;
  readonly #sources: OpenTraceSource[];
  readonly #context: TracerContext;
  #savedMs: number;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #delayMs = MIN_DELAY_MS;

  constructor(journal: OpenSpanJournal, source: OpenTraceSource, context: TracerContext) {
    this.#journal = journal;
    this.#sources = [source];
    this.#context = context;
    this.#savedMs = context.clock.monotonicMs();
    this.arm();
  }

  keep(source: OpenTraceSource): OpenTraceKeeper {
    this.#sources.push(source);
    return {
      changed: () => this.saveSoon(),
      save: () => this.save(false),
      emitted: (key) => this.#guard(() => this.#journal.emitted(key)),
    };
  }

  /** Saves open traces later. Does not keep the process alive. */
  arm(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      let isDone = false;
      this.#guard(() => {
        this.#save();
        isDone = !this.#journal.tick() && this.#isIdle();
      });
      if (!isDone) this.arm();
    }, SAVE_INTERVAL_MS).unref();
  }

  /** Saves when the event loop runs; now if the timer is late, as in a program that never lets it run. */
  saveSoon(): void {
    if (this.#context.clock.monotonicMs() - this.#savedMs > 2 * SAVE_INTERVAL_MS) this.save(false);
    this.arm();
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      const startMs = this.#context.clock.monotonicMs();
      this.save(false);
      const tookMs = this.#context.clock.monotonicMs() - startMs;
      this.#delayMs = Math.min(SAVE_INTERVAL_MS, Math.max(MIN_DELAY_MS, tookMs / MAX_SHARE));
    }, this.#delayMs).unref();
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
    clearTimeout(this.#soon);
  }

  #isIdle(): boolean {
    return this.#sources.every((source) => source.openTraces()[Symbol.iterator]().next().done === true);
  }

  #save(): void {
    this.#savedMs = this.#context.clock.monotonicMs();
    for (const source of this.#sources) {
      for (const { key, unsaved } of source.openTraces()) {
        if (unsaved.size === 0) continue;
        this.#journal.save(
          key,
          Array.from(unsaved.values(), (toJson) => toJson()),
        );
        unsaved.clear();
      }
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
