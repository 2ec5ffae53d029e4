/** Follows the events of an upload: how much is done, how fast, what is being sent, and what it waits for. Times are passed in; no I/O. */

import type { SyncEvent } from '../pipeline/report/progress.js';

/** The rate is that of this time. */
const WINDOW_MS = 10_000;
/** Before this time, a rate says little. */
const LEAST_MS = 1_000;
const SAMPLE_MS = 500;

/** What an upload waits for. */
export type Waiting =
  | { readonly kind: 'retry'; readonly attempt: number; readonly forMs: number }
  | { readonly kind: 'store'; readonly sinceMs: number }
  | { readonly kind: 'paused'; readonly reason: string };

export interface Progress {
  /** `finishing`: all files are done, and the runs are being concluded. `following`: there is no plan, because the runs are still written. */
  readonly phase: 'scanning' | 'comparing' | 'uploading' | 'finishing' | 'following';
  readonly files: { readonly done: number; readonly planned: number };
  readonly bytes: { readonly done: number; readonly planned: number };
  /** Bytes per second, lately; null before it is known. */
  readonly rate: number | null;
  /** Null if it is unknown. */
  readonly leftMs: number | null;
  /** The file that was last worked on, and the number of the others in flight. */
  readonly file: { readonly key: string; readonly others: number } | null;
  readonly waiting: Waiting | null;
}

interface Flight {
  readonly sizeBytes: number;
  sentBytes: number;
}

/** One sample of all that was sent, or of the files that are done. */
interface Sample {
  readonly atMs: number;
  readonly sentBytes: number;
  readonly doneFiles: number;
}

export class ProgressState {
  readonly #isFollowing: boolean;
  #phase: Progress['phase'] = 'scanning';
  /** In flight, the last one that was worked on at the end. */
  readonly #flights = new Map<string, Flight>();
  #plannedFiles = 0;
  #plannedBytes = 0;
  #doneFiles = 0;
  #doneBytes = 0;
  #sentBytes = 0;
  #samples: Sample[] = [];
  #retry: { readonly attempt: number; readonly untilMs: number } | null = null;
  #storeGoneMs: number | null = null;
  #pausedReason: string | null = null;

  /** `isFollowing`: the upload has no plan. */
  constructor(isFollowing: boolean) {
    this.#isFollowing = isFollowing;
  }

  /** What a watch has left to do. */
  setPending(files: number, bytes: number): void {
    this.#plannedFiles = this.#doneFiles + files;
    this.#plannedBytes = this.#doneBytes + bytes;
  }

  take(event: SyncEvent, nowMs: number): void {
    switch (event.kind) {
      case 'scanned':
        this.#phase = this.#isFollowing ? 'following' : 'comparing';
        break;
      case 'planned':
        this.#phase = 'uploading';
        this.#plannedFiles = event.uploads + event.verifications;
        this.#plannedBytes = event.uploadBytes;
        break;
      case 'started':
        this.#flights.set(event.key, { sizeBytes: event.sizeBytes, sentBytes: 0 });
        break;
      case 'sent': {
        const flight = this.#flights.get(event.key) ?? { sizeBytes: Number.POSITIVE_INFINITY, sentBytes: 0 };
        flight.sentBytes += event.sizeBytes;
        this.#flights.delete(event.key);
        this.#flights.set(event.key, flight);
        this.#sentBytes += event.sizeBytes;
        this.#retry = null;
        break;
      }
      case 'stored':
      case 'verified':
      case 'unsent':
        this.#doneFiles += 1;
        this.#doneBytes += event.kind === 'stored' ? event.sizeBytes : 0;
        this.#flights.delete(event.key);
        if (event.kind !== 'unsent') this.#retry = null;
        break;
      case 'requeued':
        this.#flights.delete(event.key);
        break;
      case 'retry':
        this.#retry = { attempt: event.attempt, untilMs: nowMs + event.delayMs };
        break;
      case 'store-unavailable':
        this.#storeGoneMs = nowMs - event.forMs;
        break;
      case 'store-available':
        this.#storeGoneMs = null;
        this.#retry = null;
        break;
      case 'paused':
        this.#pausedReason = event.reason;
        break;
      case 'resumed':
        this.#pausedReason = null;
        break;
    }
  }

  /** The progress at this time. Call it regularly, because the rate is made of what it found before. */
  at(nowMs: number): Progress {
    const first = this.#sample(nowMs);
    let flying = 0;
    for (const { sentBytes, sizeBytes } of this.#flights.values()) flying += Math.min(sentBytes, sizeBytes);
    const bytes = {
      done: this.#doneBytes + flying,
      planned: Math.max(this.#plannedBytes, this.#doneBytes + flying),
    };
    const files = { done: this.#doneFiles, planned: Math.max(this.#plannedFiles, this.#doneFiles) };
    const perMs = (count: number): number | null =>
      nowMs - first.atMs < LEAST_MS ? null : count / (nowMs - first.atMs);
    const bytesPerMs = perMs(this.#sentBytes - first.sentBytes);
    const filesPerMs = perMs(this.#doneFiles - first.doneFiles);
    const isWaiting = this.#toWaiting(nowMs);
    const leftMs =
      bytes.planned > bytes.done
        ? toLeftMs(bytes.planned - bytes.done, bytesPerMs)
        : toLeftMs(files.planned - files.done, filesPerMs);
    const isDone = this.#phase === 'uploading' && files.done >= files.planned && this.#flights.size === 0;
    return {
      phase: isDone ? 'finishing' : this.#phase,
      files,
      bytes,
      rate: bytesPerMs === null ? null : bytesPerMs * 1000,
      leftMs: isWaiting === null ? leftMs : null,
      file: this.#toFile(),
      waiting: isWaiting,
    };
  }

  /** Adds a sample, and returns the first one of the window. */
  #sample(nowMs: number): Sample {
    const sample = { atMs: nowMs, sentBytes: this.#sentBytes, doneFiles: this.#doneFiles };
    const last = this.#samples.at(-1);
    if (last === undefined || nowMs - last.atMs >= SAMPLE_MS) this.#samples.push(sample);
    // The first sample is at or before the begin of the window.
    while (this.#samples.length > 1 && this.#samples[1]!.atMs <= nowMs - WINDOW_MS) this.#samples.shift();
    return this.#samples[0]!;
  }

  #toFile(): Progress['file'] {
    const key = [...this.#flights.keys()].at(-1);
    return key === undefined ? null : { key, others: this.#flights.size - 1 };
  }

  #toWaiting(nowMs: number): Waiting | null {
    if (this.#pausedReason !== null) return { kind: 'paused', reason: this.#pausedReason };
    if (this.#retry !== null) {
      const { attempt, untilMs } = this.#retry;
      return { kind: 'retry', attempt, forMs: Math.max(0, untilMs - nowMs) };
    }
    return this.#storeGoneMs === null ? null : { kind: 'store', sinceMs: nowMs - this.#storeGoneMs };
  }
}

function toLeftMs(left: number, perMs: number | null): number | null {
  if (left === 0) return 0;
  return perMs === null || perMs === 0 ? null : left / perMs;
}
