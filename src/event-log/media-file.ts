/**
 * Loads images, audio clips and videos from paths, as values for TensorBoard or as events for Polyaxon.
 */

import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { describe, shorten } from '../base/describe.js';
import { InvalidArgumentError, messageOf } from '../base/errors.js';
import type { OptionTable } from '../base/options.js';
import type { KindEvent } from '../polyaxon/kinds/kind-event.js';
import {
  createAudioFile,
  createImageFile,
  type EncodedVideo,
  isExtension,
  type VideoSource,
} from '../polyaxon/kinds/media.js';
import { type AudioInput, isWav } from '../summary/audio.js';
import {
  type ImageBatch,
  type ImageInput,
  type ImagePixels,
  invalidImage,
  parseRawImage,
} from '../summary/image.js';
import { tileBatch } from '../summary/image-grid.js';
import { resizeImage } from '../summary/image-resize.js';
import { readImageSize } from '../summary/image-size.js';

/** An image, or the path of a file that holds one. */
export type ImageSource = ImageInput | string;
/** An audio clip, or the path of a file that holds one. */
export type AudioSource = AudioInput | string;

export interface ImageChange {
  /** The factor for the sides of an image of pixels; sides are rounded down. Uses a Lanczos filter. Default 1. */
  readonly rescale?: number | undefined;
  /** The format of bytes that are not PNG, JPEG, GIF or BMP, such as `webp`. For a path, its extension is used. */
  readonly ext?: string | undefined;
}
export const IMAGE_CHANGE: OptionTable<ImageChange> = { rescale: 'any', ext: 'string' };

/** The result of loading: values that TensorBoard shows, or an event for Polyaxon only. */
export type Loaded<T> = { readonly shown: T | readonly T[] } | { readonly event: KindEvent };

/** Larger files do not belong in an event file, because readers load each event as a whole. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

type MediaCode = 'ERR_IMAGE_INVALID' | 'ERR_AUDIO_INVALID' | 'ERR_VIDEO_INVALID';

interface MediaFile {
  readonly bytes: Uint8Array;
  /** In lower case, without the dot; undefined if the name has none. */
  readonly extension: string | undefined;
}

/** Reads paths, resizes pixels and tiles a batch to one image. Throws `ERR_IMAGE_INVALID`. */
export function loadImages(
  images: ImageSource | readonly ImageSource[] | ImageBatch,
  { rescale = 1, ext }: ImageChange,
): Loaded<ImageInput> {
  if (Array.isArray(images))
    return { shown: images.map((image: ImageSource) => resize(read(image), rescale)) };
  if (isBatch(images)) return { shown: resize(tileBatch(images), rescale) };
  const { bytes, extension } = toMedia(images, 'ERR_IMAGE_INVALID');
  if (bytes === undefined) return { shown: resize(images as ImagePixels, rescale) };
  const format = extension ?? ext?.toLowerCase().replace(/^\./, '');
  if (readImageSize(bytes) !== undefined || format === undefined) return { shown: resize(bytes, rescale) };
  if (!isExtension(format)) throw invalidImage(`ext is ${describe(format)}, expected letters and digits`);
  return { event: createImageFile(bytes, format) };
}

/** Reads audio clips from paths. Throws `ERR_AUDIO_INVALID`. */
export function loadAudio(clips: AudioSource | readonly AudioSource[]): Loaded<AudioInput> {
  if (Array.isArray(clips)) {
    return {
      shown: clips.map((clip: AudioSource) =>
        typeof clip === 'string' ? readMedia(clip, 'ERR_AUDIO_INVALID').bytes : clip,
      ),
    };
  }
  const { bytes, extension } = toMedia(clips as AudioSource, 'ERR_AUDIO_INVALID');
  if (bytes === undefined) return { shown: clips as AudioInput };
  if (isWav(bytes) || extension === undefined) return { shown: bytes };
  return { event: createAudioFile(bytes, extension) };
}

/** Reads a video from a path. Throws `ERR_VIDEO_INVALID`. */
export function loadVideo(video: VideoSource | string): VideoSource {
  if (typeof video !== 'string') return video;
  const { bytes, extension } = readMedia(video, 'ERR_VIDEO_INVALID');
  if (extension === undefined || extension === 'gif') return bytes;
  return { bytes, contentType: extension } satisfies EncodedVideo;
}

function read(image: ImageSource): ImageInput {
  return typeof image === 'string' ? readMedia(image, 'ERR_IMAGE_INVALID').bytes : image;
}

function resize(image: ImageInput, rescale: number): ImageInput {
  if (rescale === 1) return image;
  if (!(image instanceof Uint8Array)) return resizeImage(parseRawImage(image), rescale);
  throw invalidImage(`rescale is ${describe(rescale)} for an encoded image, expected pixels`);
}

function isBatch(images: ImageSource | readonly ImageSource[] | ImageBatch): images is ImageBatch {
  return typeof images === 'object' && images !== null && 'count' in images && 'pixels' in images;
}

/** Returns the bytes of a source or of the file at its path; undefined for sources without bytes. */
function toMedia(
  source: unknown,
  code: MediaCode,
): { bytes: Uint8Array | undefined; extension: string | undefined } {
  if (typeof source === 'string') return readMedia(source, code);
  return { bytes: source instanceof Uint8Array ? source : undefined, extension: undefined };
}

function readMedia(path: string, code: MediaCode): MediaFile {
  const extension = extname(path).slice(1).toLowerCase();
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes, expected at most ${MAX_FILE_BYTES}`);
    return { bytes: readFileSync(path), extension: isExtension(extension) ? extension : undefined };
  } catch (cause) {
    const message = `${shorten(path)} cannot be read: ${shorten(messageOf(cause), 200)}`;
    throw new InvalidArgumentError(
      code,
      message,
      'Pass the path of a readable file, or log a large file as an artifact.',
      { cause },
    );
  }
}
