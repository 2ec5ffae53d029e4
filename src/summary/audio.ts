/**
 * Audio clips: WAV bytes unchanged, or samples encoded as 16-bit WAV.
 *
 * TensorBoard supports only WAV. It stores k clips as a string tensor of shape [k].
 * Source: tensorboard/plugins/audio/summary_v2.py; WAV: "Multimedia Programming Interface and Data Specifications 1.0".
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { DataType, type SummaryValue } from '../format/wire/messages.js';
import { type Encoding, inSlices, joinEncodings, mapEncoding, ready } from './encoding.js';
import { createMetadata, type SeriesLabels } from './plugin-data.js';

/** The samples of one clip. Shape: L×C, interleaved: all channels of a frame, then the next frame. */
export interface AudioSamples {
  /** Float arrays: −1 to 1; larger values are clamped, NaN becomes 0. `Int16Array`: stored unchanged. */
  readonly samples: Float32Array | Float64Array | Int16Array | readonly number[];
  /** Frames per second, a whole number; 44,100 for CD quality. */
  readonly sampleRateHz: number;
  /** The number of channels; 1 or more. Default 1. */
  readonly channels?: number | undefined;
}

/** An audio clip: WAV bytes, or samples. */
export type AudioInput = Uint8Array | AudioSamples;

/** Builds the value of one audio clip, or of several with one step. Throws `ERR_AUDIO_INVALID`. */
export function createAudioEncoding(
  tag: string,
  clips: AudioInput | readonly AudioInput[],
  labels?: SeriesLabels,
): Encoding<SummaryValue> {
  return mapEncoding(joinEncodings(parseClipList(clips).map(encodeAudio)), (stringVal) => ({
    tag,
    metadata: createMetadata('audio', labels),
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape: [stringVal.length], stringVal } },
  }));
}

function parseClipList(clips: AudioInput | readonly AudioInput[]): readonly AudioInput[] {
  if (!Array.isArray(clips)) return [clips as AudioInput];
  if (clips.length === 0) throw invalidAudio('clips is empty, expected at least one clip');
  return clips;
}

const WAV_HEADER_BYTES = 44;
const FORMAT_PCM = 1;
const BYTES_PER_SAMPLE = 2;
const MAX_DATA_BYTES = 2 ** 32 - WAV_HEADER_BYTES - 1;
const MAX_CHANNELS = 65_535;

/** Encodes a copy of the samples as WAV; returns WAV bytes unchanged. Throws `ERR_AUDIO_INVALID`. */
function encodeAudio(audio: AudioInput): Encoding<Uint8Array> {
  if (audio instanceof Uint8Array) {
    if (isWav(audio)) return ready(new Uint8Array(audio));
    throw invalidAudio(`audio has ${audio.length} bytes, which are not a WAV file`);
  }
  if (typeof audio !== 'object' || audio === null || !('samples' in audio)) {
    throw invalidAudio(`audio is ${describe(audio)}, expected WAV bytes or { samples, sampleRateHz }`);
  }
  const { samples, sampleRateHz, channels = 1 } = audio;
  const isSupported =
    samples instanceof Float32Array ||
    samples instanceof Float64Array ||
    samples instanceof Int16Array ||
    Array.isArray(samples);
  if (!isSupported)
    throw invalidAudio(`samples is ${describe(samples)}, expected a float array or an Int16Array`);
  if (Array.isArray(samples)) {
    const odd = samples.findIndex((sample) => typeof sample !== 'number');
    if (odd >= 0) throw invalidAudio(`samples[${odd}] is ${describe(samples[odd])}, expected a number`);
  }
  if (!Number.isInteger(sampleRateHz) || sampleRateHz < 1 || sampleRateHz >= 2 ** 32) {
    throw invalidAudio(`sampleRateHz is ${describe(sampleRateHz)}, expected a whole number of 1 or more`);
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > MAX_CHANNELS) {
    throw invalidAudio(`channels is ${describe(channels)}, expected a whole number of 1 or more`);
  }
  if (samples.length % channels !== 0) {
    throw invalidAudio(`samples has ${samples.length} values, expected a multiple of ${channels} channels`);
  }
  if (samples.length * BYTES_PER_SAMPLE > MAX_DATA_BYTES) {
    throw invalidAudio(`samples has ${samples.length} values, more than a WAV file can store`);
  }
  const copy = Array.isArray(samples) ? [...samples] : samples.slice();
  const dataBytes = samples.length * BYTES_PER_SAMPLE;
  return inSlices(dataBytes, () => encodeWav(copy, sampleRateHz, channels));
}

/** The number of samples in one slice, which takes a few milliseconds. */
const SAMPLES_PER_SLICE = 500_000;

function* encodeWav(samples: AudioSamples['samples'], sampleRateHz: number, channels: number) {
  const out = new Uint8Array(WAV_HEADER_BYTES + samples.length * BYTES_PER_SAMPLE);
  const view = new DataView(out.buffer);
  writeHeader(view, sampleRateHz, channels);
  const isInteger = samples instanceof Int16Array;
  for (let start = 0; start < samples.length; start += SAMPLES_PER_SLICE) {
    const end = Math.min(start + SAMPLES_PER_SLICE, samples.length);
    for (let i = start; i < end; i++) {
      const sample = isInteger ? samples[i]! : toInt16(samples[i]!);
      view.setInt16(WAV_HEADER_BYTES + i * BYTES_PER_SAMPLE, sample, true);
    }
    yield;
  }
  return out;
}

function writeHeader(view: DataView, sampleRateHz: number, channels: number): void {
  const dataBytes = view.byteLength - WAV_HEADER_BYTES;
  view.setUint32(0, 0x52494646); // RIFF
  view.setUint32(4, WAV_HEADER_BYTES - 8 + dataBytes, true);
  view.setUint32(8, 0x57415645); // WAVE
  view.setUint32(12, 0x666d7420); // 'fmt '
  view.setUint32(16, 16, true);
  view.setUint16(20, FORMAT_PCM, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, (sampleRateHz * channels * BYTES_PER_SAMPLE) >>> 0, true);
  view.setUint16(32, (channels * BYTES_PER_SAMPLE) & 0xffff, true);
  view.setUint16(34, 8 * BYTES_PER_SAMPLE, true);
  view.setUint32(36, 0x64617461); // data
  view.setUint32(40, dataBytes, true);
}

/**
 * Scales −1…1 to int16 like TensorFlow's `encode_wav`: times 2^15, rounded half away from zero, clamped. NaN becomes 0.
 *
 * Source: tensorflow/core/lib/wav/wav_io.cc.
 */
function toInt16(sample: number): number {
  const scaled = Math.abs(sample) * 32_768;
  const rounded = sample < 0 ? -Math.round(Math.min(scaled, 32_768)) : Math.round(Math.min(scaled, 32_767));
  return rounded || 0;
}

/** Whether the bytes are a WAV file. */
export function isWav(bytes: Uint8Array): boolean {
  if (bytes.length < WAV_HEADER_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(0) === 0x52494646 && view.getUint32(8) === 0x57415645;
}

/** The error for a clip that cannot be written. */
export const invalidAudio = invalidArgument(
  'ERR_AUDIO_INVALID',
  'Pass WAV bytes, or { samples, sampleRateHz, channels } with floats from -1 to 1 or an Int16Array.',
);
