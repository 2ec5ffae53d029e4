/** Bins and counts equal those of numpy, for every rule. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createBinnedRows, createNumpyRows } from '../../src/summary/histogram-bins.js';
import { BIN_RULES, countBins, type HistogramBins } from '../../src/summary/numpy-bins.js';
import { readFixture } from '../support/fixture-json.js';

interface BinCase {
  readonly sample: string;
  readonly bins: HistogramBins;
  readonly heights: number[];
  readonly edges: number[];
}

const { samples, cases } = readFixture<{ samples: Record<string, number[]>; cases: BinCase[] }>(
  'sklearn/histograms.json',
);

const MANY = 100_000;

describe('countBins', () => {
  it('is compared for every rule of numpy', () => {
    expect(new Set(cases.map(({ bins }) => bins))).toEqual(expect.objectContaining(new Set(BIN_RULES)));
    expect(cases.length).toBeGreaterThan(150);
  });

  it.each(cases)('equals np.histogram of $sample with bins $bins', ({ sample, bins, heights, edges }) => {
    const values = Float64Array.from(samples[sample]!);

    const counted = countBins(values, bins, MANY);

    expect(Array.from(counted.counts)).toEqual(heights);
    expect(Array.from(counted.edges, withoutSign)).toEqual(edges.map(withoutSign));
  });

  it('returns bins for no values, as numpy does', () => {
    expect(countBins(new Float64Array(), 'auto', MANY)).toEqual({
      edges: Float64Array.of(0, 1),
      counts: Float64Array.of(0),
    });
  });

  it('counts every value once with any rule', () => {
    const values = fc.array(fc.integer({ min: -1000, max: 1000 }), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(values, fc.constantFrom(...BIN_RULES), (list, rule) => {
        const { counts, edges } = countBins(Float64Array.from(list), rule, MANY);

        expect(Array.from(counts).reduce((sum, count) => sum + count, 0)).toBe(list.length);
        expect(edges).toHaveLength(counts.length + 1);
      }),
    );
  });

  it.each([
    ['an unknown rule', [1], 'best', 'bins is best, expected one of auto, doane'],
    ['no bins', [1], 0, 'bins is 0, expected a whole number of 1 or more'],
    ['half a bin', [1], 1.5, 'bins is 1.5'],
    ['an object', [1], {}, 'bins is an empty object'],
    ['descending edges', [1], [0, 2, 1], 'bins[2] is 1'],
    ['one edge', [1], [0], 'bins has 1 edges'],
    ['values whose range overflows', [-1.7e308, 1.7e308], 5, 'which overflows a double'],
    ['more bins than fit in memory', [0, 1e-9, 2e-9, 3e-9, 1e9], 'fd', 'bins, expected at most 100000'],
    ['values that are too close together', [1, 1 + 2 ** -52], 10, 'too close together for 10 bins'],
  ])('rejects %s', (_, values, bins, message) => {
    expect(() => countBins(Float64Array.from(values), bins as HistogramBins, MANY)).toThrow(
      expect.objectContaining({ code: 'ERR_HISTOGRAM_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

/** numpy returns 0 in some cases where -0 is equally correct. */
function withoutSign(value: number): number {
  return value === 0 ? 0 : value;
}

describe('createBinnedRows', () => {
  it('returns rows of left edge, right edge and count, without non-finite values', () => {
    const binned = createBinnedRows([1, 2, Number.NaN, 4, Number.NEGATIVE_INFINITY], { bins: 3 });

    expect(binned).toEqual({ rows: Float64Array.of(1, 2, 1, 2, 3, 1, 3, 4, 1), nonFinite: 2 });
  });

  it('uses 30 buckets unless bins are given', () => {
    expect(createBinnedRows([1, 2], {}).rows).toHaveLength(30 * 3);
    expect(createBinnedRows({ edges: [0, 1], counts: [2] }, { bins: 7 }).rows).toEqual(
      Float64Array.of(0, 1, 2),
    );
  });

  it.each([
    [[1, 2], { bins: 513 }, 'has 513 bins, expected at most 512'],
    [[1, 2], { bins: 5, maxBins: 4 }, 'has 5 bins, expected at most 4'],
    [[1, 2], { bins: 5, maxBins: 0 }, 'maxBins is 0'],
    [[1, 2], { bins: 5, buckets: 5 }, 'bins and buckets are given'],
    [[1, '2'], { bins: 5 }, 'values[1] is "2"'],
    ['12', { bins: 5 }, 'values is "12"'],
  ])('rejects %j with %j', (values, options, message) => {
    expect(() => createBinnedRows(values as number[], options)).toThrow(
      expect.objectContaining({ code: 'ERR_HISTOGRAM_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('createNumpyRows', () => {
  it("accepts heights and edges in numpy's order", () => {
    expect(createNumpyRows([3, 5], Float64Array.of(0, 0.5, 1), undefined).rows).toEqual(
      Float64Array.of(0, 0.5, 3, 0.5, 1, 5),
    );
  });

  it.each([
    [[1, 2], [0, 1], '2 edges and 2 counts'],
    [undefined, [0, 1], 'heights is undefined'],
    [new Array(513).fill(0), Array.from({ length: 514 }, (_, i) => i), 'has 513 bins'],
  ])('rejects heights and edges that do not match', (heights, edges, message) => {
    expect(() => createNumpyRows(heights as number[], edges, undefined)).toThrow(
      expect.objectContaining({ code: 'ERR_HISTOGRAM_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
