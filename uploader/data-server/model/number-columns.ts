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

/** Consecutive numbers in columns, as an event file is read. */
interface NumberBatch {
  readonly steps: Float64Array;
  readonly wallTimes: Float64Array;
  readonly values: Float64Array;
}

const ROW_BYTES = 20;
/** By how much a series that grows is enlarged at least. */
const GROWTH = 1.5;
/** The most points of a group that stay. */
const MAX_EXTREMES = 3;
/** Fewer would not hold two groups, so that thinning could not remove anything. */
const MIN_ROWS = 6;

export class NumberColumns implements NumberPoints {
  readonly #maxRows: number;
  count = 0;
  added = 0;
  readonly last = { step: Number.NEGATIVE_INFINITY, wallTime: Number.NEGATIVE_INFINITY };
  steps = new Float64Array();
  wallTimes = new Float64Array();
  values = new Float32Array();
  exactSteps: Map<number, bigint> | undefined;
  /** How many consecutive points one kept point stands for. */
  #stride = 1;
  /** The points before this position are thinned with `#stride`. Later ones are complete. */
  #thinned = 0;

  /** `capacity`: how many points to keep at least of a longer series; 3 or more. */
  constructor(capacity: number) {
    this.#maxRows = Math.max(MIN_ROWS, 2 * capacity);
  }

  add(step: number | bigint, wallTime: number, value: number): void {
    const at = this.count;
    this.#reserve(at + 1);
    if (typeof step === 'bigint') {
      this.exactSteps ??= new Map();
      this.exactSteps.set(at, step);
    }
    this.steps[at] = Number(step);
    this.wallTimes[at] = wallTime;
    this.values[at] = value;
    this.#extend(1);
  }

  /** Adds the points at the positions `rows[start, end)` of a batch. The result is that of `add` for each of them. */
  addRows(batch: NumberBatch, rows: Int32Array, start: number, end: number): void {
    for (let next = start; next < end; ) {
      const at = this.count;
      this.#reserve(Math.min(this.#maxRows, at + end - next));
      const groupEnd = this.#stride === 1 ? this.#maxRows : this.#thinned + 2 * this.#stride;
      const added = Math.min(end - next, groupEnd - at, this.#maxRows - at);
      copyRows(batch, rows, next, added, this, at);
      this.#extend(added);
      next += added;
    }
  }

  /** Counts points that were put behind the others, and thins the series when it is time. */
  #extend(added: number): void {
    const { steps, wallTimes, last } = this;
    const end = this.count + added;
    for (let i = this.count; i < end; i++) {
      if (steps[i]! > last.step) last.step = steps[i]!;
      if (wallTimes[i]! > last.wallTime) last.wallTime = wallTimes[i]!;
    }
    this.count = end;
    this.added += added;
    if (this.#stride > 1 && end - this.#thinned >= 2 * this.#stride) this.#thinGroup();
    if (this.count >= this.#maxRows) this.#thinAll();
  }

  /** The columns share one buffer: a thousand runs have ten thousand series. */
  #reserve(rows: number): void {
    const { steps, wallTimes, values } = this;
    if (rows <= steps.length) return;
    const grown = Math.min(this.#maxRows, Math.max(rows, Math.ceil(steps.length * GROWTH)));
    const buffer = new ArrayBuffer(grown * ROW_BYTES);
    this.steps = new Float64Array(buffer, 0, grown);
    this.wallTimes = new Float64Array(buffer, grown * 8, grown);
    this.values = new Float32Array(buffer, grown * 16, grown);
    this.steps.set(steps);
    this.wallTimes.set(wallTimes);
    this.values.set(values);
  }

  /** Replaces the complete points at the end, which are a group, by its extremes. */
  #thinGroup(): void {
    this.#cut(this.#keepExtremes(this.#thinned, this.count, this.#thinned));
    this.#thinned = this.count;
  }

  /** Joins each two groups to one. */
  #thinAll(): void {
    let read = 1;
    let at = 1;
    for (; read + 4 <= this.count; read += 4) at = this.#keepExtremes(read, read + 4, at);
    for (; read < this.count; read++) this.#move(read, at++);
    this.#cut(at);
    this.#stride *= 2;
    this.#thinned = this.count;
  }

  /** Moves the extremes of the points in `[start, end)` to `at`. Returns the position after them. */
  #keepExtremes(start: number, end: number, at: number): number {
    const picked = pickExtremes(this.values, start, end, extremes, 0);
    for (let i = 0; i < picked; i++) this.#move(extremes[i]!, at + i);
    return at + picked;
  }

  #move(from: number, to: number): void {
    const { steps, wallTimes, values, exactSteps } = this;
    steps[to] = steps[from]!;
    wallTimes[to] = wallTimes[from]!;
    values[to] = values[from]!;
    if (exactSteps === undefined || from === to) return;
    const exact = exactSteps.get(from);
    exactSteps.delete(to);
    if (exact !== undefined) exactSteps.set(to, exact);
  }

  #cut(count: number): void {
    this.count = count;
    for (const index of this.exactSteps?.keys() ?? []) if (index >= count) this.exactSteps!.delete(index);
  }
}

const extremes = new Int32Array(MAX_EXTREMES);

function copyRows(
  { steps, wallTimes, values }: NumberBatch,
  rows: Int32Array,
  start: number,
  count: number,
  columns: Pick<NumberPoints, 'steps' | 'wallTimes' | 'values'>,
  at: number,
): void {
  const { steps: ownSteps, wallTimes: ownTimes, values: ownValues } = columns;
  for (let i = 0; i < count; i++) {
    const row = rows[start + i]!;
    ownSteps[at + i] = steps[row]!;
    ownTimes[at + i] = wallTimes[row]!;
    ownValues[at + i] = values[row]!;
  }
}

/**
 * Puts the positions of the smallest and the largest value in `[start, end)`, and of the first NaN, in ascending order into `kept` from `at` on.
 * Returns the position after them.
 */
function pickExtremes(
  values: Float32Array,
  start: number,
  end: number,
  kept: Int32Array,
  at: number,
): number {
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
  // Without a sort, which would take most of the time of a reply.
  const first = low === -1 ? high : Math.min(low, high);
  const second = Math.max(low, high);
  let next = at;
  if (nan !== -1 && (first === -1 || nan < first)) kept[next++] = nan;
  if (first !== -1) kept[next++] = first;
  if (nan !== -1 && first !== -1 && nan > first && nan < second) kept[next++] = nan;
  if (second !== first) kept[next++] = second;
  if (nan !== -1 && first !== -1 && nan > second) kept[next++] = nan;
  return next;
}

/** About `target` positions of `count`: the first, the last, and the extremes between them. All if there are no more, or `target` is 0. */
export function selectPoints(values: Float32Array, count: number, target: number): Int32Array | undefined {
  if (target === 0 || count <= target) return undefined;
  if (target === 1) return Int32Array.of(count - 1);
  const groups = Math.floor((target - 2) / 2);
  const inner = count - 2;
  const kept = new Int32Array(2 + MAX_EXTREMES * groups);
  let at = 1;
  for (let group = 0; group < groups; group++) {
    const start = 1 + Math.floor((group * inner) / groups);
    at = pickExtremes(values, start, 1 + Math.floor(((group + 1) * inner) / groups), kept, at);
  }
  kept[at++] = count - 1;
  return kept.subarray(0, at);
}

/** `target` of the items, evenly, with the first and the last one. All if there are no more, or `target` is 0. */
export function selectEvenly<Item>(items: readonly Item[], target: number): readonly Item[] {
  if (target === 0 || items.length <= target) return items;
  if (target === 1) return items.slice(-1);
  const last = items.length - 1;
  return Array.from({ length: target }, (_, i) => items[Math.round((i * last) / (target - 1))]!);
}
