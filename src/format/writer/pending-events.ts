/**
 * Holds events whose values are still being read or encoded, and writes them in call order. All are written when `settle` resolves.
 *
 * Later events of a waiting tag wait behind it, so each tag keeps its order. Memory is bounded. When most of it is in use, a call
 * encodes its own value, because the threads are busy with older ones. When it is full, and at process exit, the oldest values are
 * encoded synchronously.
 */

import { inBackground } from '../../base/background.js';
import { EventsDroppedError } from '../../base/errors.js';
import { addExitListener, removeExitListener } from '../../base/process-exit.js';
import type { EventFileWriter } from './event-file-writer.js';
import { stepAfter } from './step.js';

/** A value that can be encoded synchronously (`now`) or in the background (`later`). The result writes it. */
export interface PendingValue {
  readonly sizeBytes: number;
  now(): () => void;
  later(): Promise<() => void>;
}

/** The part of the memory from which calls encode their own values. The rest holds encoded values that wait for earlier ones. */
const BUSY_PART = 0.75;

interface PendingEvent {
  readonly tags: readonly string[];
  readonly value: PendingValue;
  write: (() => void) | undefined;
}

export class PendingEvents {
  readonly #writer: EventFileWriter;
  readonly #maxBytes: number;
  readonly #onLost: (tag: string, cause: unknown) => void;
  /** In call order. */
  readonly #events: PendingEvent[] = [];
  /** For each waiting tag: the number of its events, and the step after the last of them. */
  readonly #tags = new Map<string, { count: number; nextStep: number | bigint }>();
  #sizeBytes = 0;
  #settled: (() => void)[] = [];

  /** Calls `onLost` for a value that can be neither read nor encoded. */
  constructor(writer: EventFileWriter, maxBytes: number, onLost: (tag: string, cause: unknown) => void) {
    this.#writer = writer;
    this.#maxBytes = maxBytes;
    this.#onLost = onLost;
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

  /** Adds an event of one or more tags, with the same step, whose value is encoded in the background. */
  add(tags: readonly string[], step: number | bigint, value: PendingValue): void {
    if (this.#events.length === 0) addExitListener(this);
    const isBusy = this.#sizeBytes + value.sizeBytes > this.#maxBytes * BUSY_PART;
    const event: PendingEvent = { tags, value, write: undefined };
    this.#events.push(event);
    for (const tag of tags)
      this.#tags.set(tag, { count: (this.#tags.get(tag)?.count ?? 0) + 1, nextStep: stepAfter(step) });
    this.#sizeBytes += value.sizeBytes;
    if (isBusy) this.#encoded(event, undefined);
    else {
      const encoded = value.later().then(
        (write) => this.#encoded(event, write),
        // The worker threads ran out of memory, or the value could not be read: try here instead.
        () => this.#encoded(event, undefined),
      );
      inBackground(encoded, (cause) => this.#onLost(tags[0] ?? '', cause));
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

  #encoded(event: PendingEvent, write: (() => void) | undefined): void {
    event.write ??= write ?? this.#encodeNow(event);
    this.#writeEncoded();
  }

  #encodeFirst(): void {
    const first = this.#events[0]!;
    first.write ??= this.#encodeNow(first);
    this.#writeEncoded();
  }

  /** Encodes a value; writes nothing, and reports that, if it fails here too. */
  #encodeNow({ tags, value }: PendingEvent): () => void {
    try {
      return value.now();
    } catch (cause) {
      this.#onLost(tags[0] ?? '', cause);
      return () => undefined;
    }
  }

  #writeEncoded(): void {
    for (let event = this.#events[0]; event?.write !== undefined; event = this.#events[0]) {
      this.#events.shift();
      this.#sizeBytes -= event.value.sizeBytes;
      for (const tag of event.tags) {
        const waiting = this.#tags.get(tag)!;
        waiting.count--;
        if (waiting.count === 0) this.#tags.delete(tag);
      }
      this.#write(event.tags, event.write);
    }
    if (this.#events.length > 0) return;
    removeExitListener(this);
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #write(tags: readonly string[], write: () => void): void {
    try {
      write();
    } catch (error) {
      // With `onQueueFull: 'throw'`. The call has already returned; the writer has counted and reported the drop.
      if (!(error instanceof EventsDroppedError)) this.#onLost(tags[0] ?? '', error);
    }
  }
}
