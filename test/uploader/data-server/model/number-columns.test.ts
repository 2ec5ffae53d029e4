/** The columns of a series: points that arrive in batches, and thinning. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberColumns } from '../../../../uploader/data-server/model/number-columns.js';
import { RowGroups } from '../../../../uploader/data-server/model/row-groups.js';

const points = fc.array(
  fc.record({
    step: fc.nat(1000),
    wallTime: fc.nat(1000),
    value: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -3, max: 3 }) }, fc.constant(Number.NaN)),
    series: fc.nat(2),
  }),
  { maxLength: 300 },
);

function toPlain({ count, added, last, steps, wallTimes, values }: NumberColumns): unknown {
  const columns = [steps, wallTimes, values].map((column) => Array.from(column.subarray(0, count)));
  return { count, added, last, columns };
}

describe('NumberColumns.addRows', () => {
  it('keeps what add keeps, for any batches, series and capacities', () => {
    const property = fc.property(
      points,
      fc.integer({ min: 1, max: 60 }),
      fc.nat(40),
      (all, size, capacity) => {
        const [single, batched] = [0, 1].map(() => [0, 1, 2].map(() => new NumberColumns(capacity)));
        const groups = new RowGroups();

        for (const { step, wallTime, value, series } of all) single![series]!.add(step, wallTime, value);
        for (let at = 0; at < all.length; at += size) {
          const rows = all.slice(at, at + size);
          groups.begin(rows.length);
          // Sparse numbers of series.
          for (const [row, { series }] of rows.entries()) groups.put(row, series * 50);
          const [steps, wallTimes, values] = (['step', 'wallTime', 'value'] as const).map((name) =>
            Float64Array.from(rows, (row) => row[name]),
          );
          const batch = { steps: steps!, wallTimes: wallTimes!, values: values! };
          for (const { series, start, end } of groups.finish())
            batched![series / 50]!.addRows(batch, groups.rows, start, end);
        }

        expect(batched!.map(toPlain)).toEqual(single!.map(toPlain));
      },
    );
    fc.assert(property, { numRuns: 500 });
  });
});
