// Measures how far a store lags behind, from the sizes of files and objects. The store must keep its objects as files on this machine.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { sizesOnDisk } from './caught-up.mjs';

/** Measures, for each size of each file, the time until the object has that size. The resolution is the interval between calls of `sample`. */
export class LagMeter {
  #runs;
  #objects;
  #waiting = new Map();
  #known = new Map();
  #lags = [];

  constructor(runs, objects) {
    this.#runs = runs;
    this.#objects = objects;
  }

  /** Number of files whose newest size is not stored. */
  get waiting() {
    return this.#waiting.size;
  }

  sample() {
    const nowMs = performance.now();
    for (const [path, size] of sizesOnDisk(this.#runs)) {
      if (this.#known.get(path) === size) continue;
      this.#known.set(path, size);
      this.#waiting.set(path, [...(this.#waiting.get(path) ?? []), { size, atMs: nowMs }]);
    }
    for (const [path, sizes] of this.#waiting) {
      const stored = statSync(join(this.#objects, path), { throwIfNoEntry: false })?.size ?? -1;
      const left = sizes.filter(({ size, atMs }) => {
        if (stored < size) return true;
        this.#lags.push(nowMs - atMs);
        return false;
      });
      if (left.length === 0) this.#waiting.delete(path);
      else this.#waiting.set(path, left);
    }
  }

  quantile(q) {
    const sorted = this.#lags.sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  }
}
