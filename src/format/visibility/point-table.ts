/**
 * The points of a run, in columns: tag, step and wall time of every value, in the order of reading.
 *
 * A point is a value of a summary, a graph, or tagged run metadata. Points are numbered from 0. Holds no values, and 20 bytes for each point.
 */

const FIRST_SIZE = 1024;

export class PointTable {
  readonly tags: string[] = [];
  readonly #indices = new Map<string, number>();
  #tagIndices = new Int32Array(FIRST_SIZE);
  #steps = new Float64Array(FIRST_SIZE);
  #wallTimes = new Float64Array(FIRST_SIZE);
  /** Steps that are not exact as a number. */
  readonly #bigSteps = new Map<number, bigint>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The index of a tag, which is new or known. */
  indexOf(tag: string): number {
    let index = this.#indices.get(tag);
    if (index === undefined) {
      index = this.tags.length;
      this.tags.push(tag);
      this.#indices.set(tag, index);
    }
    return index;
  }

  /** Adds a point and returns its number. */
  add(tagIndex: number, step: number | bigint, wallTime: number): number {
    const point = this.#count++;
    if (point === this.#steps.length) this.#grow(point * 2);
    this.#tagIndices[point] = tagIndex;
    this.#steps[point] = Number(step);
    this.#wallTimes[point] = wallTime;
    if (typeof step === 'bigint') this.#bigSteps.set(point, step);
    return point;
  }

  tagIndexOf(point: number): number {
    return this.#tagIndices[point]!;
  }

  stepOf(point: number): number | bigint {
    return (this.#bigSteps.size === 0 ? undefined : this.#bigSteps.get(point)) ?? this.#steps[point]!;
  }

  /** Seconds since the Unix epoch. */
  wallTimeOf(point: number): number {
    return this.#wallTimes[point]!;
  }

  #grow(size: number): void {
    const tagIndices = new Int32Array(size);
    const steps = new Float64Array(size);
    const wallTimes = new Float64Array(size);
    tagIndices.set(this.#tagIndices);
    steps.set(this.#steps);
    wallTimes.set(this.#wallTimes);
    this.#tagIndices = tagIndices;
    this.#steps = steps;
    this.#wallTimes = wallTimes;
  }
}

/** One byte for each point: what a viewer does with it (src/format/visibility/reasons.ts). */
export class CodeColumn {
  #codes = new Uint8Array(FIRST_SIZE);

  at(point: number): number {
    return this.#codes[point] ?? 0;
  }

  set(point: number, code: number): void {
    if (point >= this.#codes.length) {
      const grown = new Uint8Array(Math.max(point + 1, this.#codes.length * 2));
      grown.set(this.#codes);
      this.#codes = grown;
    }
    this.#codes[point] = code;
  }
}
