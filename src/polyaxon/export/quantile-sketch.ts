/**
 * Counts of numbers in buckets of equal relative width: any rank of any number of values, to a relative error of 0.1 %.
 *
 * Bucket i holds (γ^(i-1), γ^i], γ = (1 + α) / (1 - α); its middle 2γ^i / (γ + 1) is within α of all of it. Does not depend on the
 * order of the values, and two sketches add up. Source: Masson, Rim, Lee, "DDSketch", PVLDB 12 (2019).
 */

export const RELATIVE_ERROR = 0.001;

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);
/** From the lower end of a bucket to its middle. */
const MIDDLE = (2 * GAMMA) / (GAMMA + 1);
/** The smallest normal double: below it a double has too few digits for the error that is promised. */
const SMALLEST = 2 ** -1022;

/** Counts of buckets in runs of `CHUNK` neighbours, by the number of the run: a third of the time that a map of single counts takes. */
type Buckets = Map<number, Float64Array<ArrayBuffer>>;
const CHUNK_BITS = 8;
const CHUNK = 2 ** CHUNK_BITS;

/** Gap to the bucket before (from 0 for the first), and count, in turn: short as JSON. */
type PackedBuckets = readonly number[];

export interface QuantileSketchState {
  readonly zeros: number;
  readonly positive: PackedBuckets;
  readonly negative: PackedBuckets;
}

export class QuantileSketch {
  /** Zeros, and values nearer to it than any normal double. */
  #zeros = 0;
  readonly #positive: Buckets = new Map();
  readonly #negative: Buckets = new Map();
  /** Middles and counts of all buckets, ascending; undefined once a value has come. */
  #sorted: (readonly [middle: number, count: number])[] | undefined;

  /** The run of neighbours that was counted in last. */
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
    // Values of a metric are near each other.
    if (buckets !== this.#lastBuckets || key !== this.#lastKey) {
      this.#lastBuckets = buckets;
      this.#lastKey = key;
      this.#lastChunk = chunkOf(buckets, index);
    }
    this.#lastChunk[index & (CHUNK - 1)]! += 1;
  }

  /** Counts all that another sketch has. */
  merge(other: QuantileSketch): void {
    this.#sorted = undefined;
    this.#zeros += other.#zeros;
    for (const [index, number] of ascending(other.#positive)) count(this.#positive, index, number);
    for (const [index, number] of ascending(other.#negative)) count(this.#negative, index, number);
  }

  /** The value of a rank, counted from 0 for the smallest; within `RELATIVE_ERROR` of it. */
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
