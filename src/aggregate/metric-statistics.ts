/** Mean, standard deviation, minimum and maximum of one metric over several runs, for each step. Pure. */

import type { MetricPoints } from '../reading/metric-points.js';

/** The statistics of one metric: one row for each step, in ascending order. */
export interface AggregatedMetric {
  /** As in `MetricPoints`. */
  readonly name: string;
  readonly steps: Float64Array;
  /** The steps as integers. Present only if a step is beyond 2^53, and so not exact in `steps`. */
  readonly exactSteps?: BigInt64Array;
  /** The number of runs with a finite value at the step. */
  readonly counts: Float64Array;
  readonly means: Float64Array;
  /** Sample standard deviations (divided by n − 1); 0 where only one run has the step. */
  readonly deviations: Float64Array;
  readonly minima: Float64Array;
  readonly maxima: Float64Array;
  /** Seconds since 1970: the mean time since the first point of a run, after the earliest first point. */
  readonly wallTimes: Float64Array;
  /** The number of values that are left out because they are NaN or infinite. */
  readonly nonFiniteCount: number;
}

/** A bigint if it is beyond 2^53. */
type Step = number | bigint;

interface Row {
  readonly step: Step;
  count: number;
  mean: number;
  /** The sum of the squared differences from the mean. */
  squares: number;
  min: number;
  max: number;
  /** The mean time since the first point. */
  elapsed: number;
}

export class MetricStatistics {
  readonly #name: string;
  readonly #rows = new Map<Step, Row>();
  #firstWallTime = Number.POSITIVE_INFINITY;
  #nonFiniteCount = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Adds the points of a run. Of several points with one step, the last one counts. */
  add({ steps, exactSteps, values, wallTimes }: MetricPoints): void {
    const start = wallTimes.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY);
    this.#firstWallTime = Math.min(this.#firstWallTime, start);
    const last = new Map<Step, number>();
    for (let index = 0; index < values.length; index++)
      last.set(toStep(steps[index]!, exactSteps?.[index]), index);
    for (const [step, index] of last) {
      const value = values[index]!;
      if (Number.isFinite(value)) addValue(this.#rowOf(step), value, wallTimes[index]! - start);
      else this.#nonFiniteCount += 1;
    }
  }

  /** The steps that at least `minRuns` runs have; undefined if there are none. */
  finish(minRuns: number): AggregatedMetric | undefined {
    const rows = [...this.#rows.values()].filter(({ count }) => count >= minRuns);
    if (rows.length === 0) return undefined;
    rows.sort((a, b) => (a.step < b.step ? -1 : 1));
    const column = (read: (row: Row) => number): Float64Array => Float64Array.from(rows, read);
    const isExact = rows.every(({ step }) => typeof step === 'number');
    return {
      name: this.#name,
      steps: column(({ step }) => Number(step)),
      ...(isExact ? {} : { exactSteps: BigInt64Array.from(rows, ({ step }) => BigInt(step)) }),
      counts: column(({ count }) => count),
      means: column(({ mean }) => mean),
      deviations: column(({ count, squares }) => (count === 1 ? 0 : Math.sqrt(squares / (count - 1)))),
      minima: column(({ min }) => min),
      maxima: column(({ max }) => max),
      wallTimes: column(({ elapsed }) => this.#firstWallTime + elapsed),
      nonFiniteCount: this.#nonFiniteCount,
    };
  }

  #rowOf(step: Step): Row {
    let row = this.#rows.get(step);
    if (row === undefined) {
      const [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      row = { step, count: 0, mean: 0, squares: 0, min, max, elapsed: 0 };
      this.#rows.set(step, row);
    }
    return row;
  }
}

/** Welford's method, which keeps its precision if the values are large and close to each other. */
function addValue(row: Row, value: number, elapsed: number): void {
  row.count += 1;
  const difference = value - row.mean;
  row.mean += difference / row.count;
  row.squares += difference * (value - row.mean);
  row.min = Math.min(row.min, value);
  row.max = Math.max(row.max, value);
  row.elapsed += (elapsed - row.elapsed) / row.count;
}

/** Equal steps of two runs are equal keys, although only one of the runs may have exact steps. */
function toStep(step: number, exact: bigint | undefined): Step {
  return Number.isSafeInteger(step) ? step : (exact ?? BigInt(step));
}
