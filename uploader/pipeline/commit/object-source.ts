/** Reads an object of the store as the source of another object. */

import { OutcomeError } from '../../base/retry-table.js';
import type { ByteSource, Store } from '../../store/base/store.js';

export class ObjectSource implements ByteSource {
  readonly #store: Store;
  readonly #key: string;
  readonly #signal: AbortSignal | undefined;

  constructor(store: Store, key: string, signal: AbortSignal | undefined) {
    this.#store = store;
    this.#key = key;
    this.#signal = signal;
  }

  async read(start: number, end: number): Promise<Buffer> {
    if (start === end) return Buffer.alloc(0);
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of this.#store.read(this.#key, { range: { start, end }, signal: this.#signal }))
        pieces.push(piece);
    } catch (error) {
      // Return fewer bytes: the commit then reports `changed`. A deleted object has no content to keep.
      if (!(error instanceof OutcomeError)) throw error;
    }
    return Buffer.concat(pieces);
  }
}
