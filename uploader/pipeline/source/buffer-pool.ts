/** A fixed number of buffers for all reads, so that memory use is bounded. */

export const BUFFER_BYTES = 1024 * 1024;

export class BufferPool {
  readonly #free: Buffer[] = [];
  readonly #waiting: ((buffer: Buffer) => void)[] = [];
  #left: number;

  constructor(count: number) {
    this.#left = count;
  }

  /** Runs `work` with exclusive use of a buffer. Waits for one when all are in use; first come, first served. */
  async use<Result>(work: (buffer: Buffer) => Promise<Result>): Promise<Result> {
    const buffer = await this.#take();
    try {
      return await work(buffer);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(buffer);
      else next(buffer);
    }
  }

  #take(): Promise<Buffer> | Buffer {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#left > 0) {
      this.#left -= 1;
      return Buffer.allocUnsafeSlow(BUFFER_BYTES);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
