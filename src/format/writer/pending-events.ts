/**
 * Holds events whose values are still being encoded, and writes them in call order. All are written when `settle` resolves.
 *
 * Later events of a waiting tag wait behind it, so each tag keeps its order. Memory is bounded. When most of it is in use, a call
 * encodes its own value, because the threads are busy with older ones. When it is full, and at process exit, the oldest values are
 * encoded synchronously.
 */

import type { Diagnostics } from '../../base/diagnostics.js';
import { EventsDroppedError } from '../../base/errors.js';
import { addExitListener, removeExitListener } from '../../base/process-exit.js';
import type { SummaryValue } from '../wire/messages.js';
import type { EventFileWriter } from './event-file-writer.js';
import { stepAfter } from './step.js';

/** A value that can be encoded synchronously (`now`) or in the background (`later`). */
export interface PendingValue {
  readonly sizeBytes: number;
  now(): readonly SummaryValue[];
  later(): Promise<readonly SummaryValue[]>;
}

/** The part of the memory from which calls encode their own values. The rest holds encoded values that wait for earlier ones. */
const BUSY_PART = 0.75;

interface PendingEvent {
  readonly tag: string;
  readonly step: number | bigint;
  readonly wallTime: number;
  readonly value: PendingValue;
  encoded: readonly SummaryValue[] | undefined;
}

export class PendingEvents {
  readonly #writer: EventFileWriter;
  readonly #diagnostics: Diagnostics;
  readonly #maxBytes: number;
  /** In call order. */
  readonly #events: PendingEvent[] = [];
  /** For each waiting tag: the number of its events, and the step after the last of them. */
  readonly #tags = new Map<string, { count: number; nextStep: number | bigint }>();
  #sizeBytes = 0;
  #settled: (() => void)[] = [];

  constructor(writer: EventFileWriter, diagnostics: Diagnostics, maxBytes: number) {
    this.#writer = writer;
    this.#diagnostics = diagnostics;
    this.#maxBytes = maxBytes;
  }

  get isWaiting(): boolean {
    return this.#events.length > 0;
  }

  /** Whether events of this tag are waiting. */
  has(tag: string): boolean {
    return this.#tags.has(tag);
  }

  /** The step for the next value of this tag without a step. */
  nextStep(tag: string): number | bigint {
    return this.#tags.get(tag)?.nextStep ?? this.#writer.nextStep(tag);
  }

  /** Adds an event whose value is encoded in the background. */
  add(tag: string, step: number | bigint, wallTime: number, value: PendingValue): void {
    if (this.#events.length === 0) addExitListener(this);
    const isBusy = this.#sizeBytes + value.sizeBytes > this.#maxBytes * BUSY_PART;
    const event: PendingEvent = { tag, step, wallTime, value, encoded: undefined };
    this.#events.push(event);
    this.#tags.set(tag, { count: (this.#tags.get(tag)?.count ?? 0) + 1, nextStep: stepAfter(step) });
    this.#sizeBytes += value.sizeBytes;
    if (isBusy) this.#encoded(event, undefined);
    else {
      value
        .later()
        .then(
          (encoded) => this.#encoded(event, encoded),
          // The worker threads ran out of memory: encode here instead.
          () => this.#encoded(event, undefined),
        )
        .catch((cause: unknown) => {
          this.#diagnostics.error(new EventsDroppedError(this.#writer.directory, 1, { cause }));
        });
    }
    while (this.#sizeBytes > this.#maxBytes) this.#encodeFirst();
  }

  /** Resolves once all events so far have been passed to the writer. */
  settle(): Promise<void> {
    if (this.#events.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#settled.push(resolve);
    });
  }

  /** @internal At exit, no promise can be awaited. */
  drain(): void {
    while (this.#events.length > 0) this.#encodeFirst();
    this.#writer.drain();
  }

  #encoded(event: PendingEvent, encoded: readonly SummaryValue[] | undefined): void {
    event.encoded ??= encoded ?? this.#encodeNow(event);
    this.#writeEncoded();
  }

  #encodeFirst(): void {
    const first = this.#events[0]!;
    first.encoded ??= this.#encodeNow(first);
    this.#writeEncoded();
  }

  /** The encoded values. Returns none, and reports a dropped event, if memory is exhausted here too. */
  #encodeNow({ value }: PendingEvent): readonly SummaryValue[] {
    try {
      return value.now();
    } catch (cause) {
      this.#diagnostics.error(new EventsDroppedError(this.#writer.directory, 1, { cause }));
      return [];
    }
  }

  #writeEncoded(): void {
    for (let event = this.#events[0]; event?.encoded !== undefined; event = this.#events[0]) {
      this.#events.shift();
      this.#sizeBytes -= event.value.sizeBytes;
      const waiting = this.#tags.get(event.tag)!;
      waiting.count--;
      if (waiting.count === 0) this.#tags.delete(event.tag);
      this.#write(event, event.encoded);
    }
    if (this.#events.length > 0) return;
    removeExitListener(this);
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #write({ step, wallTime }: PendingEvent, encoded: readonly SummaryValue[]): void {
    if (encoded.length === 0) return;
    try {
      this.#writer.writeSummary(encoded, step, wallTime);
    } catch (error) {
      // With `onQueueFull: 'throw'`. The call has already returned; the writer has counted and reported the drop.
      if (!(error instanceof EventsDroppedError)) throw error;
    }
  }
}
