/**
 * What a reader of event files uses while it reads. Readers that take turns can share one: the memory is allocated once, and a scalar whose tag was in
 * an earlier file needs no general decoder.
 */

import { ScalarDecoder } from './scalar-decoder.js';

/** A decoder that knows more tags is replaced: runs may have nothing in common. */
const MAX_SOURCES = 4096;
/** Larger memory, which only a large record needs, is not kept. */
const MAX_KEPT_BYTES = 4 * 1024 * 1024;

export class ReadingMemory {
  #decoder = new ScalarDecoder();
  #bytes = new Uint8Array();

  /** The decoder for the next reader. */
  get decoder(): ScalarDecoder {
    if (this.#decoder.sources.length > MAX_SOURCES) this.#decoder = new ScalarDecoder();
    return this.#decoder;
  }

  /** At least `sizeBytes` bytes with any content. */
  reserve(sizeBytes: number): Uint8Array {
    if (this.#bytes.length >= sizeBytes && this.#bytes.length <= Math.max(sizeBytes, MAX_KEPT_BYTES))
      return this.#bytes;
    this.#bytes = new Uint8Array(sizeBytes);
    return this.#bytes;
  }
}
