/**
 * Videos: frames encoded as an animated GIF, which the image dashboard plays.
 *
 * A GIF frame has at most 256 colours; frames with more are reduced. Delays are in hundredths of a second.
 * Source: GIF89a; tensorboard/plugins/image/images_plugin.py serves `image/gif`.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import type { OptionTable } from '../base/options.js';
import { type Encoding, inSlices, ready } from './encoding.js';
import { gifenc, type Palette } from './gifenc.js';
import { type EncodedImage, type ImageBatch, type ImagePixels, parseRawImage, splitBatch } from './image.js';
import { readImageSize } from './image-size.js';
import type { RawImage } from './png.js';

/** Frames of one size in order: a list, or one array of shape T×H×W×C with `count` frames. */
export type VideoFrames = readonly ImagePixels[] | ImageBatch;

/** A video: GIF bytes, or frames. */
export type VideoInput = Uint8Array | VideoFrames;

export interface VideoOptions {
  /** 1–50; browsers slow down faster animations. Default 4. */
  readonly framesPerSecond?: number | undefined;
}
export const VIDEO_OPTIONS: OptionTable<VideoOptions> = { framesPerSecond: 'any' };

const MAX_FRAMES_PER_SECOND = 50;
const MAX_COLORS = 256;
const MAX_SIZE = 65_535;

/** Encodes frames as a GIF that loops forever; returns GIF bytes unchanged. Throws `ERR_VIDEO_INVALID` and `ERR_IMAGE_INVALID`. */
export function encodeVideo(
  video: VideoInput,
  { framesPerSecond = 4 }: VideoOptions = {},
): Encoding<EncodedImage> {
  if (video instanceof Uint8Array) {
    const size = readImageSize(video);
    if (size !== undefined && video[0] === 0x47) return ready({ bytes: new Uint8Array(video), ...size });
    throw invalid(`video has ${video.length} bytes, which are not a GIF`);
  }
  if (typeof video !== 'object' || video === null || !(Array.isArray(video) || 'pixels' in video)) {
    throw invalid(
      `video is ${describe(video)}, expected GIF bytes, a list of frames, or { pixels, count, … }`,
    );
  }
  if (!(framesPerSecond >= 1 && framesPerSecond <= MAX_FRAMES_PER_SECOND)) {
    throw invalid(`framesPerSecond is ${describe(framesPerSecond)}, expected 1 to ${MAX_FRAMES_PER_SECOND}`);
  }
  const frames = splitBatch(video).map((frame) => parseRawImage(frame as ImagePixels));
  checkFrames(frames);
  const copies = frames.map(toRgba);
  const { height, width } = frames[0]!;
  const sizeBytes = copies.length * height * width * 4;
  return inSlices(sizeBytes, function* encodeFrames() {
    const gif = gifenc.GIFEncoder();
    for (const copy of copies) {
      const { index, palette } = toIndexed(copy);
      gif.writeFrame(index, width, height, { palette, delay: 1000 / framesPerSecond, repeat: 0 });
      yield;
    }
    gif.finish();
    return { bytes: gif.bytes(), height, width };
  });
}

function checkFrames(frames: readonly RawImage[]): void {
  const [first] = frames;
  if (first === undefined) throw invalid('video has no frames');
  const { height, width } = first;
  if (height > MAX_SIZE || width > MAX_SIZE) {
    throw invalid(`video is ${height}×${width}, expected at most ${MAX_SIZE} per side`);
  }
  for (const [i, frame] of frames.entries()) {
    if (frame.height === height && frame.width === width) continue;
    throw invalid(
      `frame ${i} is ${frame.height}×${frame.width}, expected ${height}×${width} as in the first`,
    );
  }
}

/** The pixels as palette indices; lossless for at most 256 colours. */
function toIndexed(rgba: Uint8Array): { index: Uint8Array; palette: Palette } {
  const colors = new Uint32Array(rgba.buffer);
  const numbers = new Map<number, number>();
  const index = new Uint8Array(colors.length);
  for (let i = 0; i < colors.length; i++) {
    const color = colors[i]!;
    let number = numbers.get(color);
    if (number === undefined) {
      if (numbers.size === MAX_COLORS) {
        const palette = gifenc.quantize(rgba, MAX_COLORS);
        return { index: gifenc.applyPalette(rgba, palette), palette };
      }
      number = numbers.size;
      numbers.set(color, number);
    }
    index[i] = number;
  }
  const bytes = new Uint8Array(Uint32Array.from(numbers.keys()).buffer);
  return { index, palette: Array.from(numbers, (_, i) => [...bytes.subarray(i * 4, i * 4 + 3)]) };
}

/** Opaque RGBA, with transparent pixels blended onto white. */
function toRgba({ pixels, height, width, channels }: RawImage): Uint8Array {
  const count = height * width;
  const out = new Uint8Array(count * 4);
  const isGray = channels < 3;
  for (let i = 0; i < count; i++) {
    const at = i * channels;
    const alpha = channels === 2 || channels === 4 ? pixels[at + channels - 1]! / 255 : 1;
    for (let c = 0; c < 3; c++) {
      const value = pixels[isGray ? at : at + c]!;
      out[i * 4 + c] = Math.round(value * alpha + 255 * (1 - alpha));
    }
    out[i * 4 + 3] = 255;
  }
  return out;
}

const invalid = invalidArgument(
  'ERR_VIDEO_INVALID',
  'Pass GIF bytes, or frames of one size: a list, or { pixels, count, height, width, channels }.',
);
