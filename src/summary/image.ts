/**
 * Images: PNG or JPEG bytes as they are, or pixels encoded to PNG.
 *
 * TensorBoard's form is a string tensor of [width, height, image, …] with the sizes as decimal text.
 * Source: tensorboard/plugins/image/summary_v2.py.
 */

import { PNG } from 'pngjs';
import { InvalidArgumentError } from '../errors.js';
import { DataType, type SummaryValue } from '../wire/messages.js';
import { encodeUtf8 } from '../wire/proto-bytes.js';
import { describe } from './arguments.js';
import { createMetadata, type SeriesLabels } from './plugin-data.js';

/** Pixels of one image. Shape: H×W×C, row-major, C ∈ {1 gray, 2 gray and alpha, 3 RGB, 4 RGBA}. */
export interface ImagePixels {
  /**
   * Integers 0–255 in a `Uint8Array` or `Uint8ClampedArray`; fractions 0–1 in a float array or a plain array (outside it
   * they are clamped, NaN is 0). Length: height × width × channels.
   */
  readonly pixels: Uint8Array | Uint8ClampedArray | Float32Array | Float64Array | readonly number[];
  readonly height: number;
  readonly width: number;
  /** Default: what the length says. */
  readonly channels?: 1 | 2 | 3 | 4 | undefined;
}

/** An image: PNG or JPEG bytes, or pixels. */
export type ImageInput = Uint8Array | ImagePixels;

/** An encoded image and its size in pixels. */
export interface EncodedImage {
  readonly bytes: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** Builds the value of an image. Throws `ERR_IMAGE_INVALID`. */
export function createImageValue(tag: string, image: ImageInput, labels?: SeriesLabels): SummaryValue {
  const { bytes, height, width } = encodeImage(image);
  const stringVal = [encodeUtf8(String(width)), encodeUtf8(String(height)), bytes];
  return {
    tag,
    metadata: createMetadata('images', labels),
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape: [stringVal.length], stringVal } },
  };
}

/** Encodes pixels to PNG; reads the size of PNG or JPEG bytes. Throws `ERR_IMAGE_INVALID`. */
export function encodeImage(image: ImageInput): EncodedImage {
  if (image instanceof Uint8Array) return readImageSize(image);
  if (typeof image !== 'object' || image === null || !('pixels' in image)) {
    throw invalid(`image is ${describe(image)}, expected PNG or JPEG bytes or { pixels, height, width }`);
  }
  const { height, width } = image;
  if (!isSize(height) || !isSize(width)) {
    throw invalid(`image is ${height}×${width}, expected whole numbers of 1 or more`);
  }
  const channels = image.channels ?? image.pixels.length / (height * width);
  if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4) {
    throw invalid(
      `pixels has ${image.pixels.length} bytes for ${height}×${width}: ${channels} channels, expected 1, 2, 3 or 4`,
    );
  }
  const expected = height * width * channels;
  if (image.pixels.length !== expected) {
    throw invalid(
      `pixels has ${image.pixels.length} values, expected ${height}×${width}×${channels} = ${expected}`,
    );
  }
  return { bytes: encodePng(toBytes(image.pixels), height, width, channels), height, width };
}

const PNG_COLOR_TYPE = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;
const PNG_FILTER_SUB = 1;

function encodePng(pixels: Uint8Array, height: number, width: number, channels: 1 | 2 | 3 | 4): Uint8Array {
  const colorType = PNG_COLOR_TYPE[channels];
  const png = Object.assign(new PNG({ width, height }), {
    data: Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength),
  });
  // Filter Sub and zlib's default strategy: 100 times smaller on gradients than the library's default RLE strategy.
  const options = {
    colorType,
    inputColorType: colorType,
    inputHasAlpha: channels === 2 || channels === 4,
    filterType: PNG_FILTER_SUB,
    deflateLevel: 6,
    deflateStrategy: 0,
  };
  return PNG.sync.write(png, options);
}

function toBytes(pixels: ImagePixels['pixels']): Uint8Array {
  if (pixels instanceof Uint8Array) return pixels;
  if (pixels instanceof Uint8ClampedArray)
    return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const bytes = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i++) bytes[i] = pixels[i]! * 255;
  return new Uint8Array(bytes.buffer);
}

/** Reads width and height from the bytes' own header: PNG's IHDR, or JPEG's first frame header. */
function readImageSize(bytes: Uint8Array): EncodedImage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 24 && view.getUint32(0) === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a) {
    return { bytes, width: view.getUint32(16), height: view.getUint32(20) };
  }
  if (bytes.length >= 4 && view.getUint16(0) === 0xffd8) {
    const frame = findJpegFrame(view);
    if (frame !== undefined)
      return { bytes, height: view.getUint16(frame + 5), width: view.getUint16(frame + 7) };
    throw invalid('image has a JPEG signature but no frame header');
  }
  throw invalid(`image has ${bytes.length} bytes that are neither PNG nor JPEG`);
}

/** Offset of the marker of a JPEG's frame header (SOF0–SOF15 without DHT, JPG and DAC); undefined if there is none. */
function findJpegFrame(view: DataView): number | undefined {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return at;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}

function isSize(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1;
}

function invalid(message: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_IMAGE_INVALID',
    message,
    'Pass PNG or JPEG bytes, or { pixels, height, width, channels } with height × width × channels values.',
  );
}
