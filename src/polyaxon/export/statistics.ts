/**
 * Computes pandas' `describe` of a metric incrementally, without keeping all values.
 *
 * Source: traceml 1.3.0, `V1Events.get_summary`; pandas 2.2.3: NaN is not counted, the standard deviation is that of a sample, and
 * quartiles are interpolated linearly. NaN and infinite results are null (clipped, `sanitize_np_types`).
 */

import { toFinite } from '../number-text.js';
import { QuantileSketch, type QuantileSketchState } from './quantile-sketch.js';

/** The fields of a metric's summary, in pandas' order. */
export interface MetricSummary {
  readonly count: number;
  readonly mean: number | null;
  readonly std: number | null;
  readonly min: number | null;
  readonly '25%': number | null;
  readonly '50%': number | null;
  readonly '75%': number | null;
  readonly max: number | null;
  readonly last: number | null;
}

/** The state of `Statistics` as JSON: numbers that JSON lacks are text. */
export interface StatisticsState {
  readonly finite: number;
  readonly negativeInfinities: number;
  readonly positiveInfinities: number;
  readonly sum: number | string;
  readonly compensation: number | string;
  readonly origin: number;
  readonly distance: number | string;
  readonly squares: number | string;
  readonly min: number | string;
  readonly max: number | string;
  readonly last: number | string;
  /** All finite values in order of arrival, while their number is small. */
  readonly values?: readonly number[];
  readonly sketch?: QuantileSketchState;
}

export class Statistics {
  readonly #exactValues: number;
  #finite = 0;
  #negativeInfinities = 0;
  #positiveInfinities = 0;
  /** The sum of the finite values, and its rounding error (Neumaier's summation). */
  #sum = 0;
  #compensation = 0;
  /** The first finite value. Distances from it keep the precision that a large mean would cost. */
  #origin = 0;
  /** The mean distance from the origin, and the sum of squared distances from the mean (Welford's recurrence). */
  #distance = 0;
  #squares = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #last = Number.NaN;
  #values: number[] | undefined = [];
  #sketch: QuantileSketch | undefined;

  /** Quartiles are exact for up to `exactValues` finite values, and within 0.1 % for more. */
  constructor(exactValues: number, state?: StatisticsState) {
    this.#exactValues = exactValues;
    if (state === undefined) return;
    this.#finite = state.finite;
    this.#negativeInfinities = state.negativeInfinities;
    this.#positiveInfinities = state.positiveInfinities;
    this.#sum = Number(state.sum);
    this.#compensation = Number(state.compensation);
    this.#origin = state.origin;
    this.#distance = Number(state.distance);
    this.#squares = Number(state.squares);
    this.#min = Number(state.min);
    this.#max = Number(state.max);
    this.#last = Number(state.last);
    this.#values = state.values === undefined ? undefined : [...state.values];
    this.#sketch = state.sketch === undefined ? undefined : new QuantileSketch(state.sketch);
  }

  /** The last value; NaN before the first. */
  get last(): number {
    return this.#last;
  }

  add(value: number): void {
    // Turn -0 into 0, because JSON does not keep it.
    this.#last = value + 0;
    if (value - value !== 0) {
      if (value === Number.POSITIVE_INFINITY) this.#positiveInfinities++;
      else if (value === Number.NEGATIVE_INFINITY) this.#negativeInfinities++;
      return;
    }
    if (this.#finite++ === 0) this.#origin = value + 0;
    const fromMean = value - this.#origin - this.#distance;
    this.#distance += fromMean / this.#finite;
    this.#squares += fromMean * (value - this.#origin - this.#distance);
    const sum = this.#sum + value;
    this.#compensation +=
      Math.abs(this.#sum) >= Math.abs(value) ? this.#sum - sum + value : value - sum + this.#sum;
    this.#sum = sum;
    if (value < this.#min) this.#min = value + 0;
    if (value > this.#max) this.#max = value + 0;
    this.#remember(value);
  }

  summarize(): MetricSummary {
    const count = this.#finite + this.#negativeInfinities + this.#positiveInfinities;
    const allFinite = count === this.#finite && count > 0;
    const sorted = this.#values === undefined ? undefined : Float64Array.from(this.#values).sort();
    return {
      count,
      mean: toFinite(allFinite ? (this.#sum + this.#compensation) / count : Number.NaN),
      std: toFinite(allFinite && count > 1 ? Math.sqrt(this.#squares / (count - 1)) : Number.NaN),
      min: toFinite(this.#valueAt(0, sorted)),
      '25%': toFinite(this.#quantile(0.25, count, sorted)),
      '50%': toFinite(this.#quantile(0.5, count, sorted)),
      '75%': toFinite(this.#quantile(0.75, count, sorted)),
      max: toFinite(this.#valueAt(count - 1, sorted)),
      last: toFinite(this.#last),
    };
  }

  toState(): StatisticsState {
    return {
      finite: this.#finite,
      negativeInfinities: this.#negativeInfinities,
      positiveInfinities: this.#positiveInfinities,
      sum: toJson(this.#sum),
      compensation: toJson(this.#compensation),
      origin: this.#origin,
      distance: toJson(this.#distance),
      squares: toJson(this.#squares),
      min: toJson(this.#min),
      max: toJson(this.#max),
      last: toJson(this.#last),
      ...(this.#values === undefined ? {} : { values: [...this.#values] }),
      ...(this.#sketch === undefined ? {} : { sketch: this.#sketch.toState() }),
    };
  }

  #remember(value: number): void {
    if (this.#values !== undefined && this.#values.length < this.#exactValues) {
      this.#values.push(value + 0);
      return;
    }
    if (this.#sketch === undefined) {
      this.#sketch = new QuantileSketch();
      for (const earlier of this.#values ?? []) this.#sketch.add(earlier);
      this.#values = undefined;
    }
    this.#sketch.add(value);
  }

  /** numpy's linear interpolation, except that infinite neighbours with weight 0 do not cause NaN. */
  #quantile(fraction: number, count: number, sorted: Float64Array | undefined): number {
    const position = (count - 1) * fraction;
    const rank = Math.floor(position);
    const weight = position - rank;
    const low = this.#valueAt(rank, sorted);
    if (weight === 0) return low;
    const high = this.#valueAt(rank + 1, sorted);
    return weight < 0.5 ? low + (high - low) * weight : high - (high - low) * (1 - weight);
  }

  /** Returns the value of a rank, counted from 0 and including infinities; NaN if the rank does not exist. */
  #valueAt(rank: number, sorted: Float64Array | undefined): number {
    const inFinite = rank - this.#negativeInfinities;
    if (rank >= 0 && inFinite < 0) return Number.NEGATIVE_INFINITY;
    if (inFinite >= this.#finite + this.#positiveInfinities || inFinite < 0) return Number.NaN;
    if (inFinite >= this.#finite) return Number.POSITIVE_INFINITY;
    if (inFinite === 0) return this.#min;
    if (inFinite === this.#finite - 1) return this.#max;
    const value = sorted?.[inFinite] ?? this.#sketch?.valueAt(inFinite) ?? Number.NaN;
    return Math.min(this.#max, Math.max(this.#min, value));
  }
}

function toJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
