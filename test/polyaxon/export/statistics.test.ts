import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuantileSketch, RELATIVE_ERROR } from '../../../src/polyaxon/export/quantile-sketch.js';
import { Statistics, type StatisticsState } from '../../../src/polyaxon/export/statistics.js';

function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function statisticsOf(values: readonly number[], exactValues = 2048): Statistics {
  const statistics = new Statistics(exactValues);
  for (const value of values) statistics.add(value);
  return statistics;
}

function sorted(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** Computes the statistics by definition, from all values at once. */
function describeExactly(values: readonly number[]) {
  const ascending = sorted(values);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const quantile = (fraction: number): number => {
    const position = (values.length - 1) * fraction;
    const low = ascending[Math.floor(position)]!;
    const high = ascending[Math.ceil(position)]!;
    return low + (high - low) * (position - Math.floor(position));
  };
  return {
    mean,
    std: Math.sqrt(squares / (values.length - 1)),
    quartiles: [quantile(0.25), quantile(0.5), quantile(0.75)],
  };
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const moderate = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe('QuantileSketch', () => {
  it('estimates every rank within the relative error, for any values in any order', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 1, maxLength: 60 }), (values) => {
        const sketch = new QuantileSketch();
        for (const value of values) sketch.add(value);

        for (const [rank, value] of sorted(values).entries()) {
          // Values below the smallest normal double count as 0.
          const allowed = Math.abs(value) * RELATIVE_ERROR * (1 + 1e-9) + 2 ** -1022;
          expect(Math.abs(sketch.valueAt(rank) - value)).toBeLessThanOrEqual(allowed);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('gives the same result after a merge and after JSON', () => {
    fc.assert(
      fc.property(fc.array(finite), fc.array(finite), (first, second) => {
        const together = new QuantileSketch();
        for (const value of [...first, ...second]) together.add(value);
        const one = new QuantileSketch();
        for (const value of first) one.add(value);
        const other = new QuantileSketch();
        for (const value of second) other.add(value);

        const restored = new QuantileSketch(throughJson(one.toState()));
        restored.merge(other);

        expect(restored.toState()).toEqual(together.toState());
      }),
    );
  });

  it('needs a few kilobytes of JSON for a million values', () => {
    const sketch = new QuantileSketch();
    for (let i = 1; i <= 1_000_000; i++) sketch.add(i / 1000);

    expect(JSON.stringify(sketch.toState()).length).toBeLessThan(50_000);
    expect(sketch.valueAt(500_000)).toBeCloseTo(500, 0);
  });
});

describe('Statistics', () => {
  it('agrees with the definitions', () => {
    fc.assert(
      fc.property(fc.array(moderate, { minLength: 2, maxLength: 50 }), (values) => {
        const expected = describeExactly(values);
        // The squares of smaller numbers underflow, here and in pandas.
        const scale = Math.max(...values.map(Math.abs)) * 1e-12 + 1e-150;

        const summary = statisticsOf(values).summarize();

        expect(summary.count).toBe(values.length);
        expect(Math.abs(summary.mean! - expected.mean)).toBeLessThanOrEqual(scale);
        expect(Math.abs(summary.std! - expected.std)).toBeLessThanOrEqual(scale);
        const quartiles = [summary['25%']!, summary['50%']!, summary['75%']!];
        for (const [i, quartile] of quartiles.entries()) {
          expect(Math.abs(quartile - expected.quartiles[i]!)).toBeLessThanOrEqual(scale);
        }
        expect([summary.min, summary.max, summary.last]).toEqual([
          Math.min(...values) + 0,
          Math.max(...values) + 0,
          values.at(-1)! + 0,
        ]);
      }),
      { numRuns: 1000 },
    );
  });

  it('estimates quartiles within the error of the sketch once exact values are dropped', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 2, maxLength: 80 }), fc.nat(20), (values, exactValues) => {
        const { quartiles } = describeExactly(values);
        const ascending = sorted(values);
        const summary = statisticsOf(values, exactValues).summarize();

        for (const [i, field] of (['25%', '50%', '75%'] as const).entries()) {
          const position = (values.length - 1) * (0.25 * (i + 1));
          const neighbours = [ascending[Math.floor(position)]!, ascending[Math.ceil(position)]!];
          const allowed = Math.max(...neighbours.map(Math.abs)) * RELATIVE_ERROR * (1 + 1e-9) + 2 ** -1021;
          const found = summary[field];
          // The interpolation overflows between numbers that are too far apart.
          if (found === null) expect(Math.abs(neighbours[1]! - neighbours[0]!)).toBeGreaterThan(1e308);
          else expect(Math.abs(found - quartiles[i]!)).toBeLessThanOrEqual(allowed);
        }
        expect([summary.min, summary.max]).toEqual([ascending[0]! + 0, ascending.at(-1)! + 0]);
      }),
      { numRuns: 1000 },
    );
  });

  it('continues from its state with the same result', () => {
    const number = fc.oneof(finite, fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -Infinity, -0));
    fc.assert(
      fc.property(fc.array(number), fc.array(number), fc.nat(8), (first, second, exactValues) => {
        const whole = statisticsOf([...first, ...second], exactValues);
        const state: StatisticsState = throughJson(statisticsOf(first, exactValues).toState());

        const restored = new Statistics(exactValues, state);
        for (const value of second) restored.add(value);

        expect(restored.summarize()).toEqual(whole.summarize());
        expect(restored.toState()).toEqual(whole.toState());
      }),
      { numRuns: 1000 },
    );
  });

  it('keeps finite quartiles next to infinities, where numpy returns NaN', () => {
    const summary = statisticsOf([1, 2, 3, 4, Number.POSITIVE_INFINITY]).summarize();

    expect(summary).toEqual({
      count: 5,
      mean: null,
      std: null,
      min: 1,
      '25%': 2,
      '50%': 3,
      '75%': 4,
      max: null,
      last: null,
    });
  });

  it('keeps precision with a large mean', () => {
    const values = Array.from({ length: 100_000 }, (_, i) => 1e9 + (i % 2));

    const { mean, std } = statisticsOf(values).summarize();

    expect(mean).toBe(1e9 + 0.5);
    expect(std).toBeCloseTo(Math.sqrt(0.25 * (100_000 / 99_999)), 12);
  });

  it('returns null for all fields without numbers', () => {
    const { count, ...rest } = statisticsOf([Number.NaN]).summarize();

    expect(count).toBe(0);
    expect(Object.values(rest).every((value) => value === null)).toBe(true);
  });
});
