/**
 * A bounded pool of buffers for request bodies. Allocating a buffer of megabytes for each request costs 60 MB more memory in a process that
 * uploads a gigabyte: such buffers are freed late, and the allocator keeps the fragments.
 */

import { ByteBudget } from './byte-budget.js';
import type { ByteSource } from './store.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Smaller buffers are allocated for each request and not kept. */
const MIN_KEPT_BYTES = 256 * KIB;
/** Kept while no request is in flight, for the next tail of a growing file. */
const IDLE_BYTES = 32 * MIB;

export class BodyMemory {
  readonly #budget: ByteBudget;
  readonly #capacityBytes: number;
  readonly #largestBytes: number;
  readonly #free: Buffer[] = [];
  /** Total size of the pooled buffers, free and in use. */
  #keptBytes = 0;
  #users = 0;

  /** Hands out at most `capacityBytes` at once. Bodies larger than `largestBytes` get no buffer. */
  constructor(options: { capacityBytes: number; largestBytes: number }) {
    this.#capacityBytes = options.capacityBytes;
    this.#largestBytes = options.largestBytes;
    this.#budget = new ByteBudget(options.capacityBytes);
  }

  /**
   * Runs `work` with a buffer of `sizeBytes` that no other caller uses until `work` ends. Waits while the capacity is used up. The buffer is null
   * for a body above `largestBytes`, which the caller must read in pieces.
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

  /** Drops free buffers until the pool has at most this size. */
  #shrink(toBytes: number): void {
    while (this.#keptBytes > toBytes) {
      const buffer = this.#free.shift();
      if (buffer === undefined) return;
      this.#keptBytes -= buffer.length;
    }
  }
}

/** Reads `[start, end)` of a source, into `buffer` if one is given. Returns fewer bytes when the source has become shorter. */
export async function readBody(
  source: ByteSource,
  { start, end }: { readonly start: number; readonly end: number },
  buffer: Buffer | null,
): Promise<Buffer> {
  if (buffer === null || source.readInto === undefined) return source.read(start, end);
  return buffer.subarray(0, await source.readInto(buffer.subarray(0, end - start), start));
}

/** The next power of two, so that later requests of a similar size can reuse the buffer. */
function toBufferBytes(sizeBytes: number): number {
  return sizeBytes === 0 ? 0 : 2 ** Math.ceil(Math.log2(sizeBytes));
}
