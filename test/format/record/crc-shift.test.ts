import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyShift, shiftOf } from '../../../src/format/record/crc-shift.js';
import { crc32c, updateCrc, updateCrcInt32 } from '../../../src/format/record/crc32c.js';

describe('shiftOf', () => {
  it('works for any bytes of that length, with a constant for each', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(bytes, fc.array(fc.integer(), { minLength: 1 }), (known, registers) => {
        const shift = shiftOf(known.length);
        const constant = updateCrc(0, known, 0, known.length);

        for (const register of registers) {
          expect(applyShift(shift, register) ^ constant).toBe(updateCrc(register, known, 0, known.length));
        }
      }),
    );
  });

  it('equals crc32c without its inversions', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(~updateCrc(-1, bytes, 0, bytes.length) >>> 0).toBe(crc32c(bytes));
      }),
    );
  });
});

describe('updateCrcInt32', () => {
  it('returns the register after an integer and zeros', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(12), (value, zeros) => {
        const bytes = new Uint8Array(4 + zeros);
        new DataView(bytes.buffer).setInt32(0, value, true);

        expect(updateCrcInt32(value, zeros)).toBe(updateCrc(0, bytes, 0, bytes.length));
      }),
    );
  });
});
