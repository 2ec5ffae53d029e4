/** The input values of the reference writers, as in `fixtures/make/inputs.py`. */

import type { HistogramValues, ImagePixels } from '../../src/index.js';

export const WALL = 1_700_000_000;

export const SCALAR_POINTS: readonly (readonly [step: number | bigint, value: number])[] = [
  [-3, 1],
  [-1, 0.1],
  [0, 0],
  [1, -0],
  [2, Number.NaN],
  [3, Number.POSITIVE_INFINITY],
  [4, Number.NEGATIVE_INFINITY],
  [5, 3.4028234663852886e38],
  [6, 1e-40],
  [2 ** 53 - 1, 53],
  [2 ** 53, 53.25],
  [2n ** 53n + 1n, 53.5],
  [2n ** 62n, 62],
  [2n ** 63n - 1n, 63],
];

export const TAGS = ['train/loss', '損失 é', 'a?b&c=d%e'];

export const MARKDOWN = '# Notes\n\nSome **bold** text, naïve – 数字 😀, and <b>raw HTML</b>.';
export const TEXT_LIST = ['first *cell*', 'second'];
export const TEXT_TABLE = [
  ['class', 'precision', 'recall'],
  ['0', '0.98', ''],
  ['1', '1.00', '0.5'],
];

export const HPARAMS = { lr: 0.01, optimizer: 'adam', shuffle: true, units: 32, warm: false };
export const METRICS = { accuracy: 0.875, loss: 0.25 };

export const VERTICES = [
  [
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1.5],
  ],
];
export const FACES = [
  [
    [0, 1, 2],
    [0, 2, 3],
    [0, 1, 3],
    [1, 2, 3],
  ],
];
export const COLORS = [
  [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [128, 128, 128],
  ],
];
export const MESH_CONFIG = { camera: { cls: 'PerspectiveCamera', fov: 75 } };

export const LABELS = [0, 0, 1, 0, 1, 1, 0, 1, 1, 1];
export const PREDICTIONS = Float32Array.of(0.05, 0.25, 0.25, 0.4, 0.45, 0.6, 0.65, 0.8, 0.9, 1);
export const THRESHOLDS = 11;

export const SERIES = { 'loss/train': 1, mean: 2, low: 1.5, high: 2.5 };

export const EMBEDDING = [
  [0.5, -1, 2],
  [0.25, 0, -3.5],
  [Math.fround(1e-3), 4, 1.5],
  [-0.125, 8, 0.75],
];
export const EMBEDDING_LABELS = ['zero', 'one', 'two', 'three'];

/** An image whose rows all differ. Shape: H×W×C. */
export function pixels(height: number, width: number, channels: 1 | 2 | 3 | 4, seed = 0): ImagePixels {
  const values = new Uint8Array(height * width * channels);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) values[at++] = (37 * y + 59 * x + 83 * c + 11 * seed) % 256;
    }
  }
  return { pixels: values, height, width, channels };
}

/** A short sawtooth in [-1, 1). Shape: L×C. */
export function samples(frames: number, channels = 1): Float32Array {
  return Float32Array.from({ length: frames * channels }, (_, i) => {
    const [frame, channel] = [Math.floor(i / channels), i % channels];
    return (((frame * 13 + channel * 7) % 64) - 32) / 32;
  });
}

/** 97 values, bell-shaped. */
export function normalValues(): HistogramValues {
  return Float64Array.from({ length: 97 }, (_, i) => {
    const u = (i + 0.5) / 97;
    return Math.log(u / (1 - u));
  });
}
