/**
 * Estimates quantiles of any number of values with a relative error of at most 0.1 %, by counts in buckets of equal relative width.
 *
 * Bucket i holds (γ^(i-1), γ^i], γ = (1 + α) / (1 - α); its middle 2γ^i / (γ + 1) is within α of all its values. The order of values does
 * not matter, and sketches can be merged. Source: Masson, Rim, Lee, "DDSketch", PVLDB 12 (2019).
 */

export const RELATIVE_ERROR = 0.001;

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);
/** The factor from the lower end of a bucket to its middle. */
const MIDDLE = (2 * GAMMA) / (GAMMA + 1);
/** The smallest normal double: smaller ones have too few digits for the relative error. */
const SMALLEST = 2 ** -1022;

/** Counts in chunks of `CHUNK` neighbouring buckets, by chunk number; three times as fast as a map of single counts. */
type Buckets = Map<number, Float64Array<ArrayBuffer>>;
const CHUNK_BITS = 8;
const CHUNK = 2 ** CHUNK_BITS;

/** Alternating: the gap to the previous bucket (the first counts from 0), and the count. Keeps the JSON short. */
type PackedBuckets = readonly number[];

export interface QuantileSketchState {
  readonly zeros: number;
  readonly positive: PackedBuckets;
  readonly negative: PackedBuckets;
}

export class QuantileSketch {
  /** Zeros and subnormal values. */
  #zeros = 0;
  readonly #positive: Buckets = new Map();
  readonly #negative: Buckets = new Map();
  /** Middles and counts of all buckets, ascending; undefined after a change. */
  #sorted: (readonly [middle: number, count: number])[] | undefined;

  /** The chunk of the last value. */
  #lastBuckets: Buckets | undefined;
  #lastKey = 0;
  #lastChunk = new Float64Array();

  constructor(state?: QuantileSketchState) {
    if (state === undefined) return;
    this.#zeros = state.zeros;
    unpack(state.positive, this.#positive);
    unpack(state.negative, this.#negative);
  }

  /** Counts a finite number. */
  add(value: number): void {
    this.#sorted = undefined;
    const size = Math.abs(value);
    if (size < SMALLEST) this.#zeros++;
    else this.#count(value > 0 ? this.#positive : this.#negative, Math.ceil(Math.log(size) / LOG_GAMMA));
  }

  #count(buckets: Buckets, index: number): void {
    const key = index >> CHUNK_BITS;
    // The values of a metric are usually close to each other.
    if (buckets !== this.#lastBuckets || key !== this.#lastKey) {
      this.#lastBuckets = buckets;
      this.#lastKey = key;
      this.#lastChunk = chunkOf(buckets, index);
    }
    this.#lastChunk[index & (CHUNK - 1)]! += 1;
  }

  /** Adds the counts of another sketch. */
  merge(other: QuantileSketch): void {
    this.#sorted = undefined;
    this.#zeros += other.#zeros;
    for (const [index, number] of ascending(other.#positive)) count(this.#positive, index, number);
    for (const [index, number] of ascending(other.#negative)) count(this.#negative, index, number);
  }

  /** Estimates the value of a rank, to within `RELATIVE_ERROR`; rank 0 is the smallest value. */
  valueAt(rank: number): number {
    this.#sorted ??= this.#sort();
    let rest = rank;
    for (const [middle, number] of this.#sorted) {
      if (rest < number) return middle;
      rest -= number;
    }
    return this.#sorted.at(-1)?.[0] ?? Number.NaN;
  }

  toState(): QuantileSketchState {
    return { zeros: this.#zeros, positive: pack(this.#positive), negative: pack(this.#negative) };
  }

  #sort(): (readonly [number, number])[] {
    const negative = ascending(this.#negative).map(([index, number]) => [-toMiddle(index), number] as const);
    const positive = ascending(this.#positive).map(([index, number]) => [toMiddle(index), number] as const);
    return [...negative.reverse(), [0, this.#zeros], ...positive];
  }
}

function toMiddle(index: number): number {
  return Math.min(Math.exp((index - 1) * LOG_GAMMA) * MIDDLE, Number.MAX_VALUE);
}

function count(buckets: Buckets, index: number, number: number): void {
  chunkOf(buckets, index)[index & (CHUNK - 1)]! += number;
}

function chunkOf(buckets: Buckets, index: number): Float64Array<ArrayBuffer> {
  let chunk = buckets.get(index >> CHUNK_BITS);
  if (chunk === undefined) {
    chunk = new Float64Array(CHUNK);
    buckets.set(index >> CHUNK_BITS, chunk);
  }
  return chunk;
}

function ascending(buckets: Buckets): [index: number, count: number][] {
  const chunks = [...buckets].sort(([a], [b]) => a - b);
  return chunks.flatMap(([key, counts]) =>
    Array.from(counts, (number, i): [number, number] => [key * CHUNK + i, number]).filter(
      ([, number]) => number > 0,
    ),
  );
}

function pack(buckets: Buckets): PackedBuckets {
  let before = 0;
  return ascending(buckets).flatMap(([index, number]) => {
    const gap = index - before;
    before = index;
    return [gap, number];
  });
}

function unpack(packed: PackedBuckets, buckets: Buckets): void {
  let index = 0;
  for (let i = 0; i + 1 < packed.length; i += 2) {
    index += packed[i]!;
    count(buckets, index, packed[i + 1]!);
  }
}
