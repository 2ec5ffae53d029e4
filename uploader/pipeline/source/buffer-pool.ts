/** A limited number of buffers for all reads, so that memory use is bounded. While nothing is read, one buffer is kept. */

export const BUFFER_BYTES = 1024 * 1024;

export class BufferPool {
  readonly #free: Buffer[] = [];
  readonly #waiting: ((buffer: Buffer) => void)[] = [];
  readonly #count: number;
  #inUse = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** Runs `work` with exclusive use of a buffer. Waits for one when all are in use; first come, first served. */
  async use<Result>(work: (buffer: Buffer) => Promise<Result>): Promise<Result> {
    const buffer = await this.#take();
    try {
      return await work(buffer);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#release(buffer);
      else next(buffer);
    }
  }

  #release(buffer: Buffer): void {
    this.#inUse -= 1;
    if (this.#inUse === 0) this.#free.length = 0;
    this.#free.push(buffer);
  }

  #take(): Promise<Buffer> | Buffer {
    if (this.#inUse === this.#count) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#inUse += 1;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }
}
