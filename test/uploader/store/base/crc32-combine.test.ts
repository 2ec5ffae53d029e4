import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../../../../src/format/record/crc32c.js';
import { combineCrc32, combineCrc32c } from '../../../../uploader/store/base/crc32-combine.js';

describe('combineCrc32', () => {
  it('returns the CRC-32 that zlib computes for both pieces together', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ maxLength: 5000 }), (a, b) => {
        expect(combineCrc32(crc32(a), crc32(b), b.length)).toBe(crc32(b, crc32(a)));
      }),
    );
  });

  it('combines pieces larger than 4 GiB', () => {
    const piece = crc32(Buffer.alloc(1024 ** 2, 7));
    let whole = 0;
    for (let index = 0; index < 5000; index += 1) whole = combineCrc32(whole, piece, 1024 ** 2);

    const half = Array.from({ length: 2500 }).reduce<number>((crc) => combineCrc32(crc, piece, 1024 ** 2), 0);
    expect(combineCrc32(half, half, 2500 * 1024 ** 2)).toBe(whole);
  });
});

describe('combineCrc32c', () => {
  it('returns the CRC-32C of both pieces together', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.uint8Array({ maxLength: 5000 }), (a, b) => {
        expect(combineCrc32c(crc32c(a), crc32c(b), b.length)).toBe(crc32c(b, 0, b.length, crc32c(a)));
      }),
    );
  });
});
