/**
 * The points of a series that a viewer holds: all that nothing has removed (`alive`), and the random sample of them that it keeps.
 *
 * Both are in the order of reading. The two readers draw and remove differently, so the methods of both stand side by side.
 */

import { ChaChaRandom } from './chacha-random.js';
import { IntStack } from './int-stack.js';
import { PythonRandom } from './python-random.js';

export class SeriesSample {
  readonly alive = new IntStack();
  /** The sample; as long as nothing was left out it equals `alive`. */
  readonly kept: number[] = [];
  /** The most points to keep. */
  capacity: number;
  /** The estimated number of points that the sample stands for. */
  #seen = 0;
  #chacha: ChaChaRandom | undefined;
  #python: PythonRandom | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Adds a point as the fast reader does. Source: tensorboard/data/server/reservoir.rs. */
  offerFast(point: number): void {
    this.alive.push(point);
    if (this.capacity === 0) return;
    this.#seen++;
    if (this.#seen > this.capacity) {
      this.#chacha ??= new ChaChaRandom(0n);
      const drawn = this.#chacha.below(this.#seen);
      if (drawn >= this.capacity) this.kept.pop();
      else if (this.kept.length >= this.capacity) this.kept.splice(drawn, 1);
    }
    this.kept.push(point);
  }

  /** Adds a point as the Python reader does. Source: tensorboard/backend/event_processing/reservoir.py. */
  offerPython(point: number): void {
    this.alive.push(point);
    if (this.kept.length < this.capacity) this.kept.push(point);
    else {
      this.#python ??= new PythonRandom(0);
      const drawn = this.#python.below(this.#seen + 1);
      if (drawn < this.capacity) this.kept.splice(drawn, 1);
      else this.kept.pop();
      this.kept.push(point);
    }
    this.#seen++;
  }

  /** Removes points from the end while `isRemoved`, as the fast reader does, and reports each. */
  popFast(isRemoved: (point: number) => boolean, onRemoved: (point: number) => void): void {
    const { alive, kept } = this;
    while (alive.last !== undefined && isRemoved(alive.last)) {
      onRemoved(alive.last);
      alive.pop();
    }
    const before = kept.length;
    while (kept.length > 0 && isRemoved(kept[kept.length - 1]!)) kept.pop();
    if (kept.length < before) this.#seen = Math.floor((this.#seen * kept.length) / before);
  }

  /** Removes all points for which `isRemoved`, as the Python reader does, and reports each. */
  filterPython(isRemoved: (point: number) => boolean, onRemoved: (point: number) => void): void {
    this.alive.filter((point) => {
      const isKept = !isRemoved(point);
      if (!isKept) onRemoved(point);
      return isKept;
    });
    const { kept } = this;
    const before = kept.length;
    let length = 0;
    for (const point of kept) if (!isRemoved(point)) kept[length++] = point;
    kept.length = length;
    this.#seen = roundHalfToEven(before === 0 ? 0 : this.#seen * (length / before));
  }
}

/** Python's `round`. */
function roundHalfToEven(number: number): number {
  const rounded = Math.round(number);
  return rounded - number === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
