/** Limits how many bytes are in memory at once. Callers that need more than is free wait in a queue. */

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

  /** Runs `work` while it holds `sizeBytes` of the budget, or all of it if `sizeBytes` is larger. First come, first served. */
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
