/**
 * The numbers of a series in columns, in the order of reading. A long series is thinned while it grows: of each group of consecutive points the
 * smallest and the largest stay, the first NaN, and of the whole series the first and the last point. The groups have the same size throughout.
 *
 * Memory: 20 bytes for each point that is kept, at most 2 × `capacity` of them.
 */

/** Points of a series. Arrays may be longer than `count`. */
export interface NumberPoints {
  readonly count: number;
  /** How many points were added ever: the points are the same while this number is. Undefined for points that were joined for one answer. */
  readonly added: number | undefined;
  /** The largest step and wall time that were ever added, if they are known. */
  readonly last: { readonly step: number; readonly wallTime: number } | undefined;
  readonly steps: Float64Array;
  readonly wallTimes: Float64Array;
  readonly values: Float32Array;
  /** By position: the steps that a number cannot represent. */
  readonly exactSteps: ReadonlyMap<number, bigint> | undefined;
}

const INITIAL_ROWS = 16;

export class NumberColumns implements NumberPoints {
  readonly #capacity: number;
  count = 0;
  added = 0;
  readonly last = { step: Number.NEGATIVE_INFINITY, wallTime: Number.NEGATIVE_INFINITY };
  steps = new Float64Array(INITIAL_ROWS);
  wallTimes = new Float64Array(INITIAL_ROWS);
  values = new Float32Array(INITIAL_ROWS);
  exactSteps: Map<number, bigint> | undefined;
  /** How many consecutive points one kept point stands for. */
  #stride = 1;
  /** The points before this position are thinned with `#stride`. Later ones are complete. */
  #thinned = 0;

  /** `capacity`: how many points to keep at least of a longer series. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(step: number | bigint, wallTime: number, value: number): void {
    const at = this.count;
    if (at === this.steps.length) this.#grow();
    if (typeof step === 'bigint') {
      this.exactSteps ??= new Map();
      this.exactSteps.set(at, step);
    }
    this.steps[at] = Number(step);
    if (this.steps[at] > this.last.step) this.last.step = this.steps[at];
    if (wallTime > this.last.wallTime) this.last.wallTime = wallTime;
    this.wallTimes[at] = wallTime;
    this.values[at] = value;
    this.count = at + 1;
    this.added++;
    if (this.#stride > 1 && this.count - this.#thinned >= 2 * this.#stride) this.#thinGroup();
    if (this.count >= 2 * this.#capacity) this.#thinAll();
  }

  #grow(): void {
    const rows = this.steps.length * 2;
    const grow = <Column extends Float64Array | Float32Array>(grown: Column, column: Column): Column => {
      grown.set(column);
      return grown;
    };
    this.steps = grow(new Float64Array(rows), this.steps);
    this.wallTimes = grow(new Float64Array(rows), this.wallTimes);
    this.values = grow(new Float32Array(rows), this.values);
  }

  /** Replaces the complete points at the end, which are a group, by its extremes. */
  #thinGroup(): void {
    const kept: number[] = [];
    pickExtremes(this.values, this.#thinned, this.count, kept);
    this.#keep(this.#thinned, kept);
    this.#thinned = this.count;
  }

  /** Joins each two groups to one. */
  #thinAll(): void {
    const kept = [0];
    let at = 1;
    for (; at + 4 <= this.count; at += 4) pickExtremes(this.values, at, at + 4, kept);
    for (; at < this.count; at++) kept.push(at);
    this.#keep(0, kept);
    this.#stride *= 2;
    this.#thinned = this.count;
  }

  /** Keeps only these of the points from `start` on. */
  #keep(start: number, kept: readonly number[]): void {
    const { steps, wallTimes, values, exactSteps } = this;
    let at = start;
    for (const index of kept) {
      steps[at] = steps[index]!;
      wallTimes[at] = wallTimes[index]!;
      values[at] = values[index]!;
      if (exactSteps !== undefined && at !== index) {
        const exact = exactSteps.get(index);
        exactSteps.delete(at);
        if (exact !== undefined) exactSteps.set(at, exact);
      }
      at++;
    }
    if (exactSteps !== undefined)
      for (const index of [...exactSteps.keys()]) if (index >= at) exactSteps.delete(index);
    this.count = at;
  }
}

/** Adds the positions of the smallest and the largest value in `[start, end)`, and of the first NaN, in ascending order. */
function pickExtremes(values: Float32Array, start: number, end: number, kept: number[]): void {
  let low = -1;
  let high = -1;
  let nan = -1;
  for (let i = start; i < end; i++) {
    const value = values[i]!;
    if (Number.isNaN(value)) {
      if (nan === -1) nan = i;
    } else {
      if (low === -1 || value < values[low]!) low = i;
      // The later one of equal values, so that a constant series keeps both ends.
      if (high === -1 || value >= values[high]!) high = i;
    }
  }
  // Without an array and a sort, which would take most of the time of a reply.
  const first = low === -1 ? high : Math.min(low, high);
  const second = Math.max(low, high);
  if (nan !== -1 && (first === -1 || nan < first)) kept.push(nan);
  if (first !== -1) kept.push(first);
  if (nan !== -1 && first !== -1 && nan > first && nan < second) kept.push(nan);
  if (second !== first) kept.push(second);
  if (nan !== -1 && first !== -1 && nan > second) kept.push(nan);
}

/** About `target` positions of `count`: the first, the last, and the extremes between them. All if there are no more, or `target` is 0. */
export function selectPoints(values: Float32Array, count: number, target: number): number[] | undefined {
  if (target === 0 || count <= target) return undefined;
  if (target === 1) return [count - 1];
  const kept = [0];
  const groups = Math.floor((target - 2) / 2);
  const inner = count - 2;
  for (let group = 0; group < groups; group++) {
    const start = 1 + Math.floor((group * inner) / groups);
    pickExtremes(values, start, 1 + Math.floor(((group + 1) * inner) / groups), kept);
  }
  kept.push(count - 1);
  return kept;
}

/** `target` of the items, evenly, with the first and the last one. All if there are no more, or `target` is 0. */
export function selectEvenly<Item>(items: readonly Item[], target: number): readonly Item[] {
  if (target === 0 || items.length <= target) return items;
  if (target === 1) return items.slice(-1);
  const last = items.length - 1;
  return Array.from({ length: target }, (_, i) => items[Math.round((i * last) / (target - 1))]!);
}
