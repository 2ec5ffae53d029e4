/** Audio clips given as tensors: the number of channels follows from the shape. */

import { type AudioSamples, invalidAudio } from './audio.js';
import { type Encoding, joinEncodings, mapEncoding, ready } from './encoding.js';
import { isTensor, parseTensor, type Tensor } from './tensor.js';

/**
 * The samples of one clip as a tensor of shape [frames], [frames, channels] or [channels, frames]: of two dimensions, the larger has the
 * frames. Dimensions of 1 before them are ignored. Values as in `AudioSamples`.
 */
export interface TensorAudio extends Pick<AudioSamples, 'sampleRateHz' | 'channels'> {
  readonly samples: Tensor;
}

/** Clips of which some are tensors. Copies the others if a tensor has to be read first. Throws `ERR_AUDIO_INVALID` and `ERR_TENSOR_INVALID`. */
export function parseClips<Other>(
  clips: Other | TensorAudio | readonly (Other | TensorAudio)[],
): Encoding<Other | AudioSamples | readonly (Other | AudioSamples)[]> {
  if (!Array.isArray(clips)) return parseClip(clips as Other | TensorAudio);
  const parsed = (clips as readonly (Other | TensorAudio)[]).map(parseClip);
  if (!parsed.some(({ mustRead }) => mustRead)) return joinEncodings(parsed);
  return joinEncodings(parsed.map((each) => (each.mustRead ? each : ready(copyClip(each.now())))));
}

function parseClip<Other>(clip: Other | TensorAudio): Encoding<Other | AudioSamples> {
  if (isTensor(clip)) {
    throw invalidAudio('audio is a tensor without a sample rate, expected { samples: tensor, sampleRateHz }');
  }
  if (!isTensorAudio(clip)) return ready(clip as Other);
  const { samples, sampleRateHz, channels: given } = clip;
  const { shape, dtype, values } = parseTensor('samples', samples);
  if (values.mustRead === true && !/^float/.test(dtype ?? '')) {
    throw invalidAudio(`samples is a tensor of type ${dtype}, expected floats from -1 to 1`);
  }
  const { channels, isPlanar } = parseLayout(shape, given);
  return mapEncoding(values, (flat) => ({
    samples: (isPlanar ? interleave(flat as Float32Array, channels) : flat) as AudioSamples['samples'],
    sampleRateHz,
    channels,
  }));
}

function parseLayout(shape: readonly number[], given: unknown): { channels: number; isPlanar: boolean } {
  const first = shape.findIndex((length) => length !== 1);
  const inner = first < 0 ? [1] : shape.slice(Math.max(0, Math.min(first, shape.length - 2)));
  const [a = 1, b = 1] = inner.length === 1 ? [inner[0], 1] : inner;
  const isPlanar = inner.length === 2 && a < b;
  const channels = isPlanar ? a : b;
  if (inner.length > 2 || (given !== undefined && given !== channels)) {
    const expected = given === undefined ? 'one clip of [frames, channels]' : `${String(given)} channels`;
    throw invalidAudio(`samples is a tensor of shape [${shape.join(', ')}], expected ${expected}`);
  }
  return { channels, isPlanar: isPlanar && channels > 1 };
}

/** [channels, frames] → [frames, channels]. */
function interleave(planes: Float32Array, channels: number): Float32Array {
  const out = planes.slice();
  const frames = planes.length / channels;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < frames; i++) out[i * channels + channel] = planes[channel * frames + i]!;
  }
  return out;
}

function copyClip<T>(clip: T): T {
  if (ArrayBuffer.isView(clip)) return new Uint8Array(clip as unknown as Uint8Array) as T;
  const isRaw =
    typeof clip === 'object' && clip !== null && 'samples' in clip && 'slice' in Object(clip.samples);
  return isRaw ? { ...clip, samples: (clip.samples as number[]).slice() } : clip;
}

function isTensorAudio(clip: unknown): clip is TensorAudio {
  return typeof clip === 'object' && clip !== null && 'samples' in clip && isTensor(clip.samples);
}
