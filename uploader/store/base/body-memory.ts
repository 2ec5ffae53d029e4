/**
 * Memory for the bodies of requests: bounded, and used again and again. Buffers of megabytes that are made for each request are freed late,
 * and in pieces that the allocator keeps: with them a process that sends a gigabyte takes 60 MB more.
 */

import { ByteBudget } from './byte-budget.js';
import type { ByteSource } from './store.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Smaller ones are not worth keeping. */
const MIN_KEPT_BYTES = 256 * KIB;
/** What is kept while nothing is sent: the next tail of a growing file needs it. */
const IDLE_BYTES = 32 * MIB;

export class BodyMemory {
  readonly #budget: ByteBudget;
  readonly #capacityBytes: number;
  readonly #largestBytes: number;
  readonly #free: Buffer[] = [];
  /** In buffers that are kept: free and in use. */
  #keptBytes = 0;
  #users = 0;

  /** At most `capacityBytes` at once; bodies above `largestBytes` are not held. */
  constructor(options: { capacityBytes: number; largestBytes: number }) {
    this.#capacityBytes = options.capacityBytes;
    this.#largestBytes = options.largestBytes;
    this.#budget = new ByteBudget(options.capacityBytes);
  }

  /**
   * Runs `work` with a buffer of `sizeBytes`, which is its own until it ends; waits while others take all there is. The buffer is null for a body
   * that is too large to be held: it is to be read piece by piece.
   */
  use<Result>(sizeBytes: number, work: (buffer: Buffer | null) => Promise<Result>): Promise<Result> {
    if (sizeBytes > this.#largestBytes) return this.#budget.use(this.#largestBytes, () => work(null));
    const bufferBytes = toBufferBytes(sizeBytes);
    if (bufferBytes < MIN_KEPT_BYTES)
      return this.#budget.use(sizeBytes, () => work(Buffer.allocUnsafe(sizeBytes)));
    return this.#budget.use(bufferBytes, async () => {
      const buffer = this.#take(bufferBytes);
      this.#users += 1;
      try {
        return await work(buffer.subarray(0, sizeBytes));
      } finally {
        this.#users -= 1;
        this.#free.push(buffer);
        if (this.#users === 0) this.#shrink(IDLE_BYTES);
      }
    });
  }

  #take(sizeBytes: number): Buffer {
    const index = this.#free.findIndex(({ length }) => length === sizeBytes);
    const [kept] = index === -1 ? [] : this.#free.splice(index, 1);
    if (kept !== undefined) return kept;
    this.#shrink(this.#capacityBytes - sizeBytes);
    this.#keptBytes += sizeBytes;
    return Buffer.allocUnsafeSlow(sizeBytes);
  }

  /** Lets free buffers go until no more than this is kept. */
  #shrink(toBytes: number): void {
    while (this.#keptBytes > toBytes) {
      const buffer = this.#free.shift();
      if (buffer === undefined) return;
      this.#keptBytes -= buffer.length;
    }
  }
}

/** Reads `[start, end)` of a source, into the buffer where there is one. Shorter than asked for when the source has become so. */
export async function readBody(
  source: ByteSource,
  { start, end }: { readonly start: number; readonly end: number },
  buffer: Buffer | null,
): Promise<Buffer> {
  if (buffer === null || source.readInto === undefined) return source.read(start, end);
  return buffer.subarray(0, await source.readInto(buffer.subarray(0, end - start), start));
}

/** The next power of two: so that a buffer fits what comes later too. */
function toBufferBytes(sizeBytes: number): number {
  return sizeBytes === 0 ? 0 : 2 ** Math.ceil(Math.log2(sizeBytes));
}
