/** Images are resized to the same pixels as in Pillow, and batches are arranged as in Polyaxon's client. */

import { describe, expect, it } from 'vitest';
import { type ImageBatch, type ImagePixels, parseRawImage } from '../../src/summary/image.js';
import { tileBatch } from '../../src/summary/image-grid.js';
import { resizeImage } from '../../src/summary/image-resize.js';
import { readFixture } from '../support/fixture-json.js';

interface ResizeCase {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly rescale: number;
  readonly pixels: number[];
  readonly size: [height: number, width: number];
  readonly resized: number[];
}

describe('resizeImage', () => {
  it.each(readFixture<ResizeCase[]>('sklearn/images.json'))(
    'equals Pillow: $channels channels times $rescale',
    ({ rescale, pixels, size, resized, ...image }) => {
      const result = resizeImage({ ...image, pixels: Uint8Array.from(pixels) }, rescale);

      expect([result.height, result.width, result.channels]).toEqual([...size, image.channels]);
      expect(Array.from(result.pixels)).toEqual(resized);
    },
  );

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 0.01, 1e6])('rejects a rescale of %d', (rescale) => {
    const image = { pixels: new Uint8Array(4), height: 2, width: 2, channels: 1 } as const;
    expect(() => resizeImage(image, rescale)).toThrow(expect.objectContaining({ code: 'ERR_IMAGE_INVALID' }));
  });
});

describe('tileBatch', () => {
  it('arranges images in rows of eight and fills the rest with black', () => {
    const count = 10;
    const pixels = Uint8Array.from({ length: count }, (_, i) => i + 1);

    const grid = tileBatch({ pixels, count, height: 1, width: 1, dataFormat: 'NHWC' });

    expect([grid.height, grid.width, grid.channels]).toEqual([2, 8, 1]);
    expect([...grid.pixels]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0, 0]);
  });

  it('accepts colour planes, as in PyTorch', () => {
    const pixels = Uint8Array.of(1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16);

    const grid = tileBatch({ pixels, count: 2, height: 1, width: 2, channels: 3, dataFormat: 'NCHW' });

    expect([grid.height, grid.width, grid.channels]).toEqual([1, 4, 3]);
    expect([...grid.pixels]).toEqual([1, 3, 5, 2, 4, 6, 11, 13, 15, 12, 14, 16]);
  });

  it('rejects a batch without images', () => {
    const batch: ImageBatch = { pixels: [], count: 0, height: 1, width: 1 };
    expect(() => tileBatch(batch)).toThrow(expect.objectContaining({ code: 'ERR_IMAGE_INVALID' }));
  });
});

describe('parseRawImage', () => {
  it('accepts rows of one channel', () => {
    const image: ImagePixels = { pixels: [0, 0.5, 1, 1], height: 2, width: 2, dataFormat: 'HW' };

    expect(parseRawImage(image)).toMatchObject({ channels: 1, pixels: Uint8Array.of(0, 128, 255, 255) });
  });

  it.each([
    [{ pixels: new Uint8Array(12), height: 2, width: 2, channels: 3, dataFormat: 'HW' }, 'channels is 3'],
    [{ pixels: new Uint8Array(12), height: 2, width: 2, dataFormat: 'HW' }, 'pixels has 12 values'],
    [{ pixels: new Uint8Array(4), height: 2, width: 2, dataFormat: 'NCHW' }, 'dataFormat is "NCHW"'],
  ])('rejects %j', (image, message) => {
    expect(() => parseRawImage(image as ImagePixels)).toThrow(
      expect.objectContaining({ code: 'ERR_IMAGE_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
