// How late files are in a store, by sizes alone: those on disk, and those of the objects, which a store on the same machine keeps as files.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { sizesOnDisk } from './caught-up.mjs';

/** How long each size of each file took to be that of its object, as far as a look a second can tell. */
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

  /** Files whose newest size is not stored. */
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
