import CRC32C from 'crc-32/crc32c.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, maskCrc, maskedCrc32c } from '../../../src/format/record/crc32c.js';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

const MASK_DELTA = 0xa282ead8;

/** The inverse of `maskCrc`. */
function unmaskCrc(masked: number): number {
  const rotated = (masked - MASK_DELTA) >>> 0;
  return ((rotated << 15) | (rotated >>> 17)) >>> 0;
}

describe('crc32c', () => {
  it.each([
    ['no bytes', new Uint8Array(), 0x00000000, 0xa282ead8],
    ['a', ascii('a'), 0xc1d04330, 0x28e46e78],
    ['123456789', ascii('123456789'), 0xe3069283, 0xc78ab0e5],
    ['32 zero bytes', new Uint8Array(32), 0x8a9136aa, 0x0fd7fffa],
    ['32 bytes 0xff', new Uint8Array(32).fill(0xff), 0x62a8ab43, 0xf909b029],
    ['bytes 00..1f', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e, 0x951f7892],
    ['the length field 24', Uint8Array.of(24, 0, 0, 0, 0, 0, 0, 0), 0x4a65bfe4, 0x224b7fa3],
    ['the length field 0', new Uint8Array(8), 0x8c28b28a, 0x07980329],
  ])('returns the published value of %s, plain and masked', (_name, bytes, plain, masked) => {
    expect(crc32c(bytes)).toBe(plain);
    expect(maskedCrc32c(bytes)).toBe(masked);
    expect(unmaskCrc(masked)).toBe(plain);
  });

  it('equals the reference library for any range of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (bytes, a, b) => {
        const start = Math.min(a, b, bytes.length);
        const end = Math.min(Math.max(a, b), bytes.length);

        expect(crc32c(bytes, start, end)).toBe(CRC32C.buf(bytes.subarray(start, end)) >>> 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('equals the reference library for ranges that are read as words', () => {
    const range = fc.tuple(fc.uint8Array({ minLength: 600, maxLength: 3000 }), fc.nat(40), fc.nat(40));
    fc.assert(
      fc.property(range, ([bytes, start, cut]) => {
        const end = bytes.length - cut;

        expect(crc32c(bytes, start, end)).toBe(CRC32C.buf(bytes.subarray(start, end)) >>> 0);
        // A view that does not begin at the start of its memory.
        const inner = bytes.subarray(7);
        expect(crc32c(inner, start)).toBe(CRC32C.buf(inner.subarray(start)) >>> 0);
      }),
      { numRuns: 300 },
    );
  });

  it('continues from a previous value', () => {
    const bytes = ascii('the quick brown fox jumps over the lazy dog');

    expect(crc32c(bytes, 17, bytes.length, crc32c(bytes, 0, 17))).toBe(crc32c(bytes));
  });

  it('is restored by unmaskCrc after maskCrc', () => {
    fc.assert(fc.property(fc.nat(0xffffffff), (crc) => unmaskCrc(maskCrc(crc)) === crc));
  });
});
