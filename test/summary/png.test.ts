import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { createPngEncoding, encodePng, type RawImage } from '../../src/summary/png.js';

const image: fc.Arbitrary<RawImage> = fc
  .record({
    height: fc.integer({ min: 1, max: 4 }),
    width: fc.integer({ min: 1, max: 11 }),
    channels: fc.constantFrom(1, 2, 3, 4),
  })
  .chain(({ height, width, channels }) => {
    const count = height * width * channels;
    const byte = fc.oneof(fc.constantFrom(0, 1, 127, 128, 254, 255), fc.nat(255));
    return fc.array(byte, { minLength: count, maxLength: count }).map((values) => ({
      pixels: Uint8Array.from(values),
      height,
      width,
      channels: channels as 1 | 2 | 3 | 4,
    }));
  });

/** The content of the only IDAT chunk, which follows the signature and the header. */
function rowsOf(png: Uint8Array): Uint8Array {
  const at = 8 + 25;
  const length = new DataView(png.buffer).getUint32(at);
  return inflateSync(png.subarray(at + 8, at + 8 + length));
}

describe('encodePng', () => {
  it('stores pixels as differences to those above, or on the left in the first row, at any width', () => {
    fc.assert(
      fc.property(image, (raw) => {
        const { pixels, height, width, channels } = raw;
        const rowBytes = width * channels;
        const expected = Array.from({ length: height }, (_, row) => [
          row === 0 ? 1 : 2,
          ...Array.from({ length: rowBytes }, (_, i) => {
            const at = row * rowBytes + i;
            const other = row > 0 ? pixels[at - rowBytes]! : i < channels ? 0 : pixels[at - channels]!;
            return (pixels[at]! - other) & 255;
          }),
        ]);

        expect([...rowsOf(encodePng(raw))]).toEqual(expected.flat());
      }),
      { numRuns: 500 },
    );
  });
});

describe('createPngEncoding', () => {
  it('returns the bytes of encodePng for more images than are compressed at a time', async () => {
    const images = Array.from({ length: 20 }, (_, i) => ({
      pixels: Uint8Array.from({ length: 300 }, (_, at) => at * i),
      height: 10,
      width: 10,
      channels: 3 as const,
    }));

    const encoded = await Promise.all(images.map((raw) => createPngEncoding(raw).later()));

    expect(encoded).toEqual(images.map(encodePng));
    expect(PNG.sync.read(Buffer.from(encoded[7]!)).width).toBe(10);
  });

  it('encodes the same pixels of a large image synchronously and in the background', async () => {
    const pixels = Uint8Array.from({ length: 200 * 150 * 3 }, (_, at) => (at * at) >> 7);
    const encoding = createPngEncoding({ pixels, height: 200, width: 150, channels: 3 });

    for (const bytes of [encoding.now(), await encoding.later()]) {
      const { data, height, width } = PNG.sync.read(Buffer.from(bytes));
      expect([height, width]).toEqual([200, 150]);
      expect([...data.filter((_, at) => at % 4 !== 3)]).toEqual([...pixels]);
    }
  });
});
