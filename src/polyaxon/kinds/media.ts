/**
 * Builds events for Polyaxon with videos, and with images and audio clips in formats that TensorBoard does not show.
 *
 * Source of the forms: traceml 1.3.0, `V1EventImage`, `V1EventAudio`, `V1EventVideo`; a video's content type is its file extension.
 */

import { describe } from '../../base/describe.js';
import { invalidArgument } from '../../base/errors.js';
import { mapEncoding } from '../../summary/encoding.js';
import { createEncodedImageValue, type ImagePixels, splitBatch } from '../../summary/image.js';
import { readImageSize } from '../../summary/image-size.js';
import { encodeVideo, type VideoFrames, type VideoInput, type VideoOptions } from '../../summary/video.js';
import type { KindEvent } from './kind-event.js';

/** The bytes of a video file in any format. */
export interface EncodedVideo {
  readonly bytes: Uint8Array;
  /** `mp4`, or `video/mp4`. */
  readonly contentType: string;
}

/** A video: frames, which become a GIF; bytes of GIF, MP4 or WebM; or bytes of another format with its content type. */
export type VideoSource = VideoInput | EncodedVideo;

/** Builds a video; TensorBoard shows GIF only. Throws `ERR_VIDEO_INVALID`, `ERR_IMAGE_INVALID`. */
export function createVideo(video: VideoSource, options: VideoOptions = {}): KindEvent {
  const file = parseEncoded(video);
  if (file === undefined) return createGif(video as VideoInput, options);
  const { bytes, extension } = file;
  if (extension === 'gif') return createGif(bytes, options);
  return {
    kind: 'video',
    value: { content_type: extension },
    asset: { extension, bytes: new Uint8Array(bytes) },
  };
}

function createGif(video: VideoInput, options: VideoOptions): KindEvent {
  const gif = encodeVideo(video, options);
  const { height, width } = sizeOf(video);
  return {
    kind: 'video',
    value: { height, width, colorspace: 3, content_type: 'gif' },
    asset: { extension: 'gif', inPreview: true },
    preview: {
      series: 'video',
      pluginName: 'images',
      create: (tag, labels) => mapEncoding(gif, (image) => createEncodedImageValue(tag, [image], labels)),
    },
  };
}

/** Returns the size of a video that `encodeVideo` has checked. */
function sizeOf(video: VideoInput): { readonly height: number; readonly width: number } {
  if (video instanceof Uint8Array) return readImageSize(video)!;
  return splitBatch(video as VideoFrames)[0] as ImagePixels;
}

/** Returns the bytes and extension of an encoded video; undefined for frames and GIF bytes. */
function parseEncoded(video: VideoSource): { bytes: Uint8Array; extension: string } | undefined {
  if (video instanceof Uint8Array) {
    const extension = sniffVideo(video);
    return extension === undefined ? undefined : { bytes: video, extension };
  }
  if (typeof video !== 'object' || video === null || !('bytes' in video)) return undefined;
  const { bytes, contentType } = video;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) {
    throw invalid(`bytes is ${describe(bytes)}, expected the bytes of a video`);
  }
  const extension = toExtension(contentType);
  if (extension !== undefined) return { bytes, extension };
  throw invalid(`contentType is ${describe(contentType)}, expected a format such as mp4 or video/mp4`);
}

/** MP4 starts with a box `ftyp`, WebM with an EBML header. Source: ISO/IEC 14496-12; RFC 9559. */
function sniffVideo(bytes: Uint8Array): string | undefined {
  if (bytes.length < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(4) === 0x66747970) return 'mp4';
  return view.getUint32(0) === 0x1a45dfa3 ? 'webm' : undefined;
}

const EXTENSIONS_BY_TYPE: ReadonlyMap<string, string> = new Map([
  ['quicktime', 'mov'],
  ['x-msvideo', 'avi'],
  ['x-matroska', 'mkv'],
]);

function toExtension(contentType: unknown): string | undefined {
  if (typeof contentType !== 'string') return undefined;
  const name = contentType.toLowerCase().replace(/^video\/|^image\/|^\.|;.*$/g, '');
  const extension = EXTENSIONS_BY_TYPE.get(name) ?? name;
  return isExtension(extension) ? extension : undefined;
}

/** Returns whether a text is a valid file extension, without the dot. */
export function isExtension(text: string): boolean {
  return /^[a-z0-9]{1,16}$/.test(text);
}

/** Builds an event with an unchanged image file, for Polyaxon only. */
export function createImageFile(bytes: Uint8Array, extension: string): KindEvent {
  return { kind: 'image', value: {}, asset: { extension, bytes: new Uint8Array(bytes) } };
}

const AUDIO_TYPES: ReadonlyMap<string, string> = new Map([
  ['mp3', 'mpeg'],
  ['m4a', 'mp4'],
  ['oga', 'ogg'],
]);

/** Builds an event with an unchanged audio file, for Polyaxon only. */
export function createAudioFile(bytes: Uint8Array, extension: string): KindEvent {
  const contentType = `audio/${AUDIO_TYPES.get(extension) ?? extension}`;
  return {
    kind: 'audio',
    value: { content_type: contentType },
    asset: { extension, bytes: new Uint8Array(bytes) },
  };
}

const invalid = invalidArgument(
  'ERR_VIDEO_INVALID',
  'Pass frames, bytes of GIF, MP4 or WebM, { bytes, contentType }, or the path of a file.',
);
