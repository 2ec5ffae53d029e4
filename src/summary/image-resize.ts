/**
 * Resizes images with the Lanczos filter. The pixels equal those of Pillow.
 *
 * Source: Pillow 13.0, `src/libImaging/Resample.c`; transparent colours are weighted by their alpha as in `Convert.c`.
 */

import { describe } from '../base/describe.js';
import { invalidImage } from './image.js';
import type { RawImage } from './png.js';

const SUPPORT = 3;
/** Weights are fixed-point numbers with this many fractional bits. */
const PRECISION_BITS = 22;
const MAX_SIDE = 65_535;

/** The image with both sides scaled by `rescale`, rounded down. Throws `ERR_IMAGE_INVALID`. */
export function resizeImage(image: RawImage, rescale: number): RawImage {
  if (!(rescale > 0 && rescale < Number.POSITIVE_INFINITY)) {
    throw invalidImage(`rescale is ${describe(rescale)}, expected a number above 0`);
  }
  const height = Math.floor(image.height * rescale);
  const width = Math.floor(image.width * rescale);
  if (height < 1 || width < 1 || height > MAX_SIDE || width > MAX_SIDE) {
    throw invalidImage(
      `rescale is ${rescale}, which resizes ${image.height}×${image.width} to ${height}×${width}`,
    );
  }
  const wide = width === image.width ? weightColors(image) : resizeRows(weightColors(image), width);
  // Resize the other direction the same way, on the transposed image.
  const high = height === image.height ? wide : transpose(resizeRows(transpose(wide), height));
  return unweightColors(high);
}

function resizeRows({ pixels, height, width, channels }: RawImage, newWidth: number): RawImage {
  const out = new Uint8Array(height * newWidth * channels);
  for (const [x, { first, weights }] of createWeights(width, newWidth).entries()) {
    for (let y = 0; y < height; y++) {
      for (let c = 0; c < channels; c++) {
        let sum = 1 << (PRECISION_BITS - 1);
        let at = (y * width + first) * channels + c;
        for (const weight of weights) {
          sum += pixels[at]! * weight;
          at += channels;
        }
        out[(y * newWidth + x) * channels + c] = Math.min(255, Math.max(0, sum >> PRECISION_BITS));
      }
    }
  }
  return { pixels: out, height, width: newWidth, channels };
}

/** For each new pixel: the first old pixel that contributes, and the weights from there. */
function createWeights(size: number, newSize: number): { first: number; weights: number[] }[] {
  const scale = size / newSize;
  const filterScale = Math.max(1, scale);
  const support = SUPPORT * filterScale;
  return Array.from({ length: newSize }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(size, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, j) =>
      lanczos((j + first - center + 0.5) / filterScale),
    );
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: raw.map((weight) => toFixedPoint(weight / total)) };
  });
}

function toFixedPoint(weight: number): number {
  return Math.trunc(weight * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5));
}

function lanczos(x: number): number {
  return x >= -SUPPORT && x < SUPPORT ? sinc(x) * sinc(x / SUPPORT) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

function transpose({ pixels, height, width, channels }: RawImage): RawImage {
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        out[(x * height + y) * channels + c] = pixels[(y * width + x) * channels + c]!;
      }
    }
  }
  return { pixels: out, height: width, width: height, channels };
}

/** Multiplies colours by their alpha, so that transparent pixels do not bleed into opaque ones. */
function weightColors(image: RawImage): RawImage {
  return mapColors(image, (color, alpha) => {
    const product = color * alpha + 128;
    return ((product >> 8) + product) >> 8;
  });
}

function unweightColors(image: RawImage): RawImage {
  return mapColors(image, (color, alpha) =>
    alpha === 0 || alpha === 255 ? color : Math.min(255, Math.floor((255 * color) / alpha)),
  );
}

/** The image with its colours changed according to their alpha; images without alpha are returned unchanged. */
function mapColors(image: RawImage, map: (color: number, alpha: number) => number): RawImage {
  const { pixels, channels } = image;
  if (channels === 1 || channels === 3) return image;
  const out = Uint8Array.from(pixels);
  for (let at = 0; at < out.length; at += channels) {
    const alpha = out[at + channels - 1]!;
    for (let c = 0; c < channels - 1; c++) out[at + c] = map(out[at + c]!, alpha);
  }
  return { ...image, pixels: out };
}
