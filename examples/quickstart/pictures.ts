/** Enlarges images so that people can recognise them. */

import type { ImagePixels } from 'polytrack';

/** Enlarges a gray image: every pixel becomes a square of `scale`×`scale` pixels. Dark ink on white paper. */
export function enlarge(pixels: Float32Array, side: number, scale: number): ImagePixels {
  const large = side * scale;
  const out = new Float32Array(large * large);
  for (let y = 0; y < large; y++) {
    for (let x = 0; x < large; x++) {
      out[y * large + x] = 1 - pixels[Math.floor(y / scale) * side + Math.floor(x / scale)]!;
    }
  }
  return { pixels: out, height: large, width: large, channels: 1 };
}
