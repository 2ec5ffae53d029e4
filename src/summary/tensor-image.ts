/** Images given as tensors: their size, channels and order of dimensions follow from the shape. */

import { describe } from '../base/describe.js';
import { type Encoding, joinEncodings, mapEncoding, ready } from './encoding.js';
import { type ImageBatch, type ImagePixels, invalidImage } from './image.js';
import { isTensor, type ParsedTensor, parseTensor, type Tensor, type TensorValues } from './tensor.js';

/**
 * An image, or several of one size: a tensor of shape H×W, H×W×C, C×H×W, N×H×W×C or N×C×H×W. Without `dataFormat`, the last dimension has
 * the channels if it is 1, 3 or 4, otherwise the first of an image; for tensors with `dims`, as in onnxruntime, the first if it is 1 or 3,
 * otherwise the last. Values as in `ImagePixels`, by the type of the tensor; booleans are black and white.
 */
export interface TensorImage {
  readonly pixels: Tensor;
  readonly dataFormat?: ImageBatch['dataFormat'];
}

/** A tensor of an image, with or without its `dataFormat`. */
export type ImageTensor = Tensor | TensorImage;

const FORMATS = ['HW', 'HWC', 'CHW', 'NHW', 'NHWC', 'NCHW'] as const;
type Format = (typeof FORMATS)[number];
const MAX_CHANNELS = 4;

/** Whether a value is a tensor, or has one as its pixels. */
function isImageTensor(image: unknown): image is ImageTensor {
  return isTensor(image) || (isObject(image) && 'pixels' in image && isTensor(image.pixels));
}

/** The image of a tensor as a batch of one or more. Throws `ERR_IMAGE_INVALID` and `ERR_TENSOR_INVALID`. */
function parseImageTensor(image: ImageTensor): Encoding<ImageBatch> {
  const { layout, pixels } = parse(image);
  return mapEncoding(pixels, (read) => ({ ...layout, pixels: read }));
}

/** An image that may be a tensor, which has only one. Throws the errors of `parseImageTensor`. */
export function parseSingleImage(image: ImageTensor | ImagePixels): Encoding<ImagePixels> {
  if (!isImageTensor(image)) return ready(image);
  const { layout, pixels } = parse(image);
  const { count, dataFormat, ...size } = layout;
  if (count !== 1) throw invalidImage(`the image is a tensor of ${count} images, expected one`);
  const format = dataFormat?.replace(/^N/, '') as ImagePixels['dataFormat'];
  return mapEncoding(pixels, (read) => ({ ...size, dataFormat: format, pixels: read }));
}

/** Images of which some are tensors. Copies the others if a tensor has to be read first. Throws the errors of `parseImageTensor`. */
export function parseImages<Single, Batch>(
  images: Single | Batch | ImageTensor | readonly (Single | ImageTensor)[],
): Encoding<Single | Batch | ImageBatch | readonly (Single | ImagePixels)[]> {
  if (!Array.isArray(images)) {
    return isImageTensor(images) ? parseImageTensor(images) : ready(images as Single | Batch);
  }
  const list = images as readonly (Single | ImageTensor)[];
  const parsed = Array.from(
    list,
    (image): Encoding<Single | ImagePixels> =>
      isImageTensor(image) ? parseSingleImage(image) : ready(image),
  );
  if (!parsed.some(({ mustRead }) => mustRead)) return joinEncodings(parsed);
  return joinEncodings(parsed.map((each) => (each.mustRead ? each : ready(copyImage(each.now())))));
}

function parse(image: ImageTensor): {
  layout: Omit<ImageBatch, 'pixels'>;
  pixels: Encoding<ImagePixels['pixels']>;
} {
  const { pixels, dataFormat } = isTensor(image) ? { pixels: image } : image;
  const tensor = parseTensor('the image', pixels);
  const layout = parseLayout(tensor, dataFormat);
  return { layout, pixels: mapEncoding(tensor.values, (values) => toPixels(values, tensor.isBool)) };
}

function copyImage<T>(image: T): T {
  if (ArrayBuffer.isView(image)) return new Uint8Array(image as unknown as Uint8Array) as T;
  const isRaw = isObject(image) && 'pixels' in image && 'slice' in Object(image.pixels);
  return isRaw ? { ...image, pixels: (image.pixels as number[]).slice() } : image;
}

function parseLayout(tensor: ParsedTensor, given: unknown): Omit<ImageBatch, 'pixels'> {
  const { shape } = tensor;
  const format = given === undefined ? findFormat(tensor) : FORMATS.find((known) => known === given);
  if (format === undefined) {
    throw given === undefined
      ? invalidImage(
          `the image is a tensor of shape ${toText(shape)}, expected H×W, or 1–${MAX_CHANNELS} channels first or last`,
        )
      : invalidImage(`dataFormat is ${describe(given)}, expected one of ${FORMATS.join(', ')}`);
  }
  // A format without N also describes each image of a batch.
  const axes = shape.length === format.length + 1 && !format.startsWith('N') ? `N${format}` : format;
  if (axes.length !== shape.length) {
    throw invalidImage(`the image is a tensor of shape ${toText(shape)}, expected the dimensions ${format}`);
  }
  const lengthOf = (axis: string): number => shape[axes.indexOf(axis)] ?? 1;
  const channels = lengthOf('C');
  if (shape.includes(0) || channels > MAX_CHANNELS) {
    throw invalidImage(
      `the image is a tensor of shape ${toText(shape)} (${axes}), expected no empty dimension and 1–${MAX_CHANNELS} channels`,
    );
  }
  return {
    count: lengthOf('N'),
    height: lengthOf('H'),
    width: lengthOf('W'),
    channels: channels as ImageBatch['channels'],
    dataFormat: axes as Format,
  };
}

/** The likely numbers of channels, in the order in which they are tried. RGBA is rare where channels come first. */
const CHANNELS_LAST = [[1, 3, 4], [2]];
const CHANNELS_FIRST = [[1, 3], [4], [2]];

function findFormat({ shape, isChannelsFirst }: ParsedTensor): Format | undefined {
  if (shape.length === 2) return 'HW';
  if (shape.length !== 3 && shape.length !== 4) return undefined;
  const formats = shape.length === 3 ? (['CHW', 'HWC'] as const) : (['NCHW', 'NHWC'] as const);
  const ordered = isChannelsFirst ? formats : formats.toReversed();
  for (const counts of isChannelsFirst ? CHANNELS_FIRST : CHANNELS_LAST) {
    const found = ordered.find((format) => counts.includes(shape[format.indexOf('C')]!));
    if (found !== undefined) return found;
  }
  return undefined;
}

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };

function toPixels(values: TensorValues, isBool: boolean): ImagePixels['pixels'] {
  if (isBool) return Uint8Array.from(values as ArrayLike<number>, (value) => (Number(value) === 0 ? 0 : 255));
  if (!(values instanceof BigInt64Array || values instanceof BigUint64Array)) return values;
  return Int32Array.from(values, (value) => Math.min(Math.max(Number(value), INT32.min), INT32.max));
}

function toText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
