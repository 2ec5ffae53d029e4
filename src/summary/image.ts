/**
 * Images: encoded bytes unchanged, or pixels encoded as PNG; a single image, or a batch with one step.
 *
 * TensorBoard's form is a string tensor of [width, height, image, …] with the sizes as decimal text.
 * Source: tensorboard/plugins/image/summary_v2.py.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { DataType, type SummaryValue } from '../format/wire/messages.js';
import { encodeUtf8 } from '../format/wire/proto-bytes.js';
import { type Encoding, joinEncodings, mapEncoding, ready } from './encoding.js';
import { type IntegerPixels, isPixels, type NumberPixels, toBytes } from './image-range.js';
import { readImageSize } from './image-size.js';
import { createMetadata, type SeriesLabels } from './plugin-data.js';
import { createPngEncoding, type RawImage } from './png.js';

/** The pixels of one image. Shape: H×W×C, row-major, C ∈ {1 gray, 2 gray and alpha, 3 RGB, 4 RGBA}. */
export interface ImagePixels {
  /**
   * Integers 0–255 in an array of integers; fractions 0–1 in a float array or plain array, or whole numbers 0–255 if any is above 1.
   * Values outside the range are clamped, with a warning; NaN is 0. Length: height × width × channels.
   */
  readonly pixels: IntegerPixels | NumberPixels;
  readonly height: number;
  readonly width: number;
  /** The number of channels. Default: computed from the length of `pixels`. */
  readonly channels?: 1 | 2 | 3 | 4 | undefined;
  /** The order of the dimensions. Default `HWC`; PyTorch's tensors use `CHW`; `HW` has one channel. */
  readonly dataFormat?: 'HWC' | 'CHW' | 'HW' | undefined;
}

/** An image: PNG, JPEG, GIF or BMP bytes, or pixels. */
export type ImageInput = Uint8Array | ImagePixels;

/** An encoded image and its size in pixels. */
export interface EncodedImage {
  readonly bytes: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Builds the value of an image, or of several with one step. Throws `ERR_IMAGE_INVALID`. */
export function createImageEncoding(
  tag: string,
  images: ImageInput | readonly ImageInput[],
  labels?: SeriesLabels,
): Encoding<SummaryValue> {
  const encodings = joinEncodings(parseImageList(images).map(encodeImage));
  return mapEncoding(encodings, (encoded) => createEncodedImageValue(tag, encoded, labels));
}

/** Builds the value of encoded images. It has only the size of the first image, which TensorBoard does not show. */
export function createEncodedImageValue(
  tag: string,
  images: readonly EncodedImage[],
  labels?: SeriesLabels,
): SummaryValue {
  const { width, height } = images[0]!;
  const sizes = [encodeUtf8(String(width)), encodeUtf8(String(height))];
  const stringVal = [...sizes, ...images.map(({ bytes }) => bytes)];
  return {
    tag,
    metadata: createMetadata('images', labels),
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape: [stringVal.length], stringVal } },
  };
}

function parseImageList(images: ImageInput | readonly ImageInput[]): readonly ImageInput[] {
  if (!Array.isArray(images)) return [images as ImageInput];
  if (images.length === 0) throw invalidImage('images is empty, expected at least one image');
  return images;
}

/** Encodes pixels as PNG, or reads the size of encoded bytes. Throws `ERR_IMAGE_INVALID`. */
function encodeImage(image: ImageInput): Encoding<EncodedImage> {
  if (!(image instanceof Uint8Array)) {
    const raw = parseRawImage(image);
    const { height, width } = raw;
    return mapEncoding(createPngEncoding(raw), (bytes) => ({ bytes, height, width }));
  }
  const size = readImageSize(image);
  if (size !== undefined) return ready({ bytes: new Uint8Array(image), ...size });
  throw invalidImage(`image has ${image.length} bytes, which are not PNG, JPEG, GIF or BMP`);
}

/** The pixels as bytes of shape H×W×C; shares the caller's memory where possible. Throws `ERR_IMAGE_INVALID`. */
export function parseRawImage(image: ImagePixels): RawImage {
  if (typeof image !== 'object' || image === null || !('pixels' in image)) {
    throw invalidImage(`image is ${describe(image)}, expected encoded bytes or { pixels, height, width }`);
  }
  const { pixels, height, width, dataFormat = 'HWC' } = image;
  if (!isSize(height) || !isSize(width)) {
    const found = `height is ${describe(height)} and width is ${describe(width)}`;
    throw invalidImage(`${found}, expected whole numbers of 1 or more`);
  }
  checkPixels(pixels);
  const channels = image.channels ?? (dataFormat === 'HW' ? 1 : pixels.length / (height * width));
  if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4) {
    throw invalidImage(
      `pixels has ${pixels.length} values for ${height}×${width}: channels is ${describe(channels)}, expected 1, 2, 3 or 4`,
    );
  }
  const expected = height * width * channels;
  if (pixels.length !== expected) {
    throw invalidImage(
      `pixels has ${pixels.length} values, expected ${height}×${width}×${channels} = ${expected}`,
    );
  }
  if (dataFormat !== 'HWC' && dataFormat !== 'CHW' && dataFormat !== 'HW') {
    throw invalidImage(`dataFormat is ${describe(dataFormat)}, expected HWC, CHW or HW`);
  }
  if (dataFormat === 'HW' && channels !== 1) {
    throw invalidImage(`channels is ${channels} with dataFormat HW, expected 1`);
  }
  const bytes = toBytes(pixels);
  const isPlanar = dataFormat === 'CHW' && channels > 1;
  return { pixels: isPlanar ? interleave(bytes, channels) : bytes, height, width, channels };
}

/** Images of one size, in one array. */
export interface ImageBatch {
  /** Shape: N×H×W×C, or the order of `dataFormat`; values as in `ImagePixels`. */
  readonly pixels: ImagePixels['pixels'];
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels?: 1 | 2 | 3 | 4 | undefined;
  /** The order of the dimensions, with or without N. Default `HWC`. */
  readonly dataFormat?: 'HWC' | 'CHW' | 'HW' | 'NHWC' | 'NCHW' | 'NHW' | undefined;
}

/** The images of a batch or list. Throws `ERR_IMAGE_INVALID`. */
export function splitBatch(batch: ImageBatch | readonly ImageInput[]): readonly ImageInput[] {
  if (Array.isArray(batch)) return batch;
  if (typeof batch !== 'object' || batch === null) {
    throw invalidImage(`images is ${describe(batch)}, expected a list or { pixels, count, height, width }`);
  }
  const { count, pixels, dataFormat, ...image } = batch as ImageBatch;
  if (!isSize(count)) throw invalidImage(`count is ${describe(count)}, expected a whole number of 1 or more`);
  checkPixels(pixels);
  if (pixels.length % count !== 0) {
    throw invalidImage(`pixels has ${pixels.length} values, expected a multiple of ${count} images`);
  }
  // Once for all images, so that one range applies to the batch.
  const bytes = toBytes(pixels);
  const size = pixels.length / count;
  return Array.from({ length: count }, (_, i) => ({
    ...image,
    dataFormat: (typeof dataFormat === 'string'
      ? dataFormat.replace(/^N/, '')
      : dataFormat) as ImagePixels['dataFormat'],
    pixels: bytes.subarray(i * size, (i + 1) * size),
  }));
}

/** Throws unless pixels are an array of numbers. */
function checkPixels(pixels: unknown): void {
  if (!isPixels(pixels)) {
    throw invalidImage(`pixels is ${describe(pixels)}, expected an array of numbers or a typed array`);
  }
  if (!Array.isArray(pixels)) return;
  const odd = pixels.findIndex((value) => typeof value !== 'number');
  if (odd >= 0) throw invalidImage(`pixels[${odd}] is ${describe(pixels[odd])}, expected a number`);
}

/** C×H×W → H×W×C. */
function interleave(planes: Uint8Array, channels: number): Uint8Array {
  const out = new Uint8Array(planes.length);
  const size = planes.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < size; i++) out[i * channels + channel] = planes[channel * size + i]!;
  }
  return out;
}

function isSize(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1;
}

/** The error for an image that cannot be written. */
export const invalidImage = invalidArgument(
  'ERR_IMAGE_INVALID',
  'Pass PNG, JPEG, GIF or BMP bytes, or { pixels, height, width, channels } with height × width × channels values.',
);
