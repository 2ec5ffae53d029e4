/** Bounds the bytes that are in memory at once: whoever needs more than is free waits its turn. */

interface Waiting {
  readonly sizeBytes: number;
  readonly start: () => void;
}

export class ByteBudget {
  readonly #capacityBytes: number;
  #freeBytes: number;
  readonly #waiting: Waiting[] = [];

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes;
    this.#freeBytes = capacityBytes;
  }

  /** Runs `work` while it holds `sizeBytes` (at most the whole budget). First come, first served. */
  async use<Result>(sizeBytes: number, work: () => Promise<Result>): Promise<Result> {
    const held = Math.min(sizeBytes, this.#capacityBytes);
    await this.#acquire(held);
    try {
      return await work();
    } finally {
      this.#freeBytes += held;
      this.#startWaiting();
    }
  }

  #acquire(sizeBytes: number): Promise<void> {
    return new Promise((start) => {
      this.#waiting.push({ sizeBytes, start });
      this.#startWaiting();
    });
  }

  #startWaiting(): void {
    for (
      let next = this.#waiting[0];
      next !== undefined && next.sizeBytes <= this.#freeBytes;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#freeBytes -= next.sizeBytes;
      next.start();
    }
  }
}
