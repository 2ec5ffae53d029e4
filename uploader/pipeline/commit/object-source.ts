/** Reads objects of the store as the source of another object. */

import { StoreAccessError, StoreError } from '../../base/errors.js';
import { type FailedOutcome, OutcomeError, type RetryOutcome } from '../../base/retry-table.js';
import type { ByteSource, Store } from '../../store/base/store.js';

/** Bytes `[start, end)` of an object. */
export interface ObjectPiece {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** The pieces of one or more objects, one after the other. */
export class ObjectSource implements ByteSource {
  readonly #store: Store;
  readonly #pieces: readonly ObjectPiece[];
  readonly #signal: AbortSignal | undefined;
  /** Why the last read returned fewer bytes, if the store failed: for now, or for good. */
  interruption: RetryOutcome | FailedOutcome | null = null;

  constructor(store: Store, pieces: readonly ObjectPiece[], signal: AbortSignal | undefined) {
    this.#store = store;
    this.#pieces = pieces;
    this.#signal = signal;
  }

  async read(start: number, end: number): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    this.interruption = null;
    try {
      let offset = 0;
      for (const piece of this.#pieces) {
        const from = Math.max(start - offset, 0) + piece.start;
        const to = Math.min(end - offset + piece.start, piece.end);
        offset += piece.end - piece.start;
        if (from >= to) continue;
        const range = { start: from, end: to };
        for await (const chunk of this.#store.read(piece.key, { range, signal: this.#signal }))
          chunks.push(chunk);
      }
    } catch (error) {
      // Return fewer bytes: the commit then reports `changed`. A deleted object has no content to keep.
      if (!(error instanceof OutcomeError)) throw error;
      if (error.outcome.status === 'retry' || isRejected(error.outcome)) this.interruption = error.outcome;
    }
    return Buffer.concat(chunks);
  }
}

/** Whether the store rejects the request for good, although the object may be there. */
function isRejected({ error }: FailedOutcome): boolean {
  return error instanceof StoreError && (error.concernsAllFiles || error instanceof StoreAccessError);
}
