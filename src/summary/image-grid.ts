/**
 * Combines several images of one size into one, in rows of eight, like Polyaxon's client.
 *
 * Source: traceml 1.3.0, `events_image_processors.py` (`make_grid`).
 */

import { type ImageBatch, type ImagePixels, parseRawImage, splitBatch } from './image.js';
import type { RawImage } from './png.js';

const MAX_COLUMNS = 8;

/** Combines the images of a batch. Throws `ERR_IMAGE_INVALID`. */
export function tileBatch(batch: ImageBatch): RawImage {
  const images = splitBatch(batch).map((image) => parseRawImage(image as ImagePixels));
  const columns = Math.min(images.length, MAX_COLUMNS);
  return tileImages(images, columns, Math.ceil(images.length / columns));
}

/** Arranges one or more images of one size from left to right, row by row; unused cells are 0. */
export function tileImages(images: readonly RawImage[], columns: number, rows: number): RawImage {
  const { height, width, channels } = images[0]!;
  const rowBytes = columns * width * channels;
  const pixels = new Uint8Array(rows * height * rowBytes);
  for (const [i, image] of images.entries()) {
    const left = (i % columns) * width * channels;
    const top = Math.floor(i / columns) * height;
    for (let y = 0; y < height; y++) {
      const row = image.pixels.subarray(y * width * channels, (y + 1) * width * channels);
      pixels.set(row, (top + y) * rowBytes + left);
    }
  }
  return { pixels, height: rows * height, width: columns * width, channels };
}
