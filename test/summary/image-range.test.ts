import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ImagePixels, parseRawImage, splitBatch } from '../../src/summary/image.js';
import { findRangeProblem } from '../../src/summary/image-range.js';

type Pixels = ImagePixels['pixels'];

/** Every array that can hold integers 0–255. */
const ARRAYS: readonly ((values: readonly number[]) => Pixels)[] = [
  (values) => Uint8Array.from(values),
  (values) => Uint8ClampedArray.from(values),
  (values) => Uint16Array.from(values),
  (values) => Int16Array.from(values),
  (values) => Uint32Array.from(values),
  (values) => Int32Array.from(values),
  (values) => Float32Array.from(values),
  (values) => Float64Array.from(values),
  (values) => values,
];

function bytesOf(pixels: Pixels): number[] {
  return [...parseRawImage({ pixels, height: 1, width: pixels.length, channels: 1 }).pixels];
}

describe('parseRawImage', () => {
  it('makes the same image of integers 0–255 in every type of array', () => {
    const values = fc
      .array(fc.integer({ min: 0, max: 255 }), { minLength: 2 })
      .filter((list) => Math.max(...list) > 1);
    fc.assert(
      fc.property(values, fc.constantFrom(...ARRAYS), (list, create) => {
        expect(bytesOf(create(list))).toEqual(list);
      }),
    );
  });

  it('takes 0 and 1 as black and white in arrays of fractions, and as integers in other arrays', () => {
    expect(bytesOf([0, 1])).toEqual([0, 255]);
    expect(bytesOf(Float32Array.of(0, 0.5, 1))).toEqual([0, 128, 255]);
    expect(bytesOf(Int32Array.of(0, 1))).toEqual([0, 1]);
  });

  it('clamps values outside the range', () => {
    expect(bytesOf(Int16Array.of(-5, 300))).toEqual([0, 255]);
    expect(bytesOf(Uint16Array.of(0, 65_535))).toEqual([0, 255]);
    expect(bytesOf([-0.5, 1.5, Number.NaN])).toEqual([0, 255, 0]);
  });

  it('decides once for all images of a batch', () => {
    const batch = { pixels: [0, 1, 1, 200], count: 2, height: 1, width: 2, channels: 1 } as const;

    expect(splitBatch(batch).map((image) => [...(image as ImagePixels).pixels])).toEqual([
      [0, 1],
      [1, 200],
    ]);
  });

  it.each<[unknown, string]>([
    [BigInt64Array.of(1n), 'pixels is a BigInt64Array of length 1, expected an array of numbers'],
    [new DataView(new ArrayBuffer(1)), 'pixels is an object (DataView)'],
    [new ArrayBuffer(1), 'pixels is an object (ArrayBuffer)'],
    ['x', 'pixels is "x"'],
    [undefined, 'pixels is undefined'],
    [['1'], 'pixels[0] is "1", expected a number'],
    [[1n], 'pixels[0] is 1 (bigint), expected a number'],
    [[undefined], 'pixels[0] is undefined'],
  ])('rejects the pixels %o', (pixels, message) => {
    for (const call of [
      () => parseRawImage({ pixels: pixels as Pixels, height: 1, width: 1 }),
      () => splitBatch({ pixels: pixels as Pixels, count: 1, height: 1, width: 1 }),
    ]) {
      expect(call).toThrow(
        expect.objectContaining({ code: 'ERR_IMAGE_INVALID', message: expect.stringContaining(message) }),
      );
    }
  });
});

describe('findRangeProblem', () => {
  it.each<[Pixels, string | undefined]>([
    [Uint8Array.of(0, 255), undefined],
    [Int32Array.of(0, 255), undefined],
    [[0, 255], undefined],
    [[0, 0.5, 1], undefined],
    [Float32Array.of(0, 1), undefined],
    [Uint16Array.of(0, 65_535), 'with values from 0 to 65535; integers outside 0–255 are clamped'],
    [Int8Array.of(-1), 'with values from -1 to -1; integers outside 0–255 are clamped'],
    [[0, 256], 'with values from 0 to 256; integers outside 0–255 are clamped'],
    [
      Float32Array.of(0, 255),
      'with values from 0 to 255, which are taken as 0–255; pass a Uint8Array to say so',
    ],
    [[0.5, 127.5], 'with values from 0.5 to 127.5; fractions outside 0–1 are clamped'],
    [Float64Array.of(-1, 1), 'with values from -1 to 1; fractions outside 0–1 are clamped'],
  ])('%o: %s', (pixels, problem) => {
    if (problem === undefined) expect(findRangeProblem(pixels)).toBeUndefined();
    else expect(findRangeProblem(pixels)).toContain(problem);
  });
});
