// Creates pixels with the statistics of photographs: large structures have more contrast than small ones (amplitudes fall with the square of the
// frequency), colours change slowly, and a sensor adds noise of a few levels.
//
// Source: D. J. Field, "Relations between the statistics of natural images and the response properties of cortical cells", 1987.

import { writeFileSync } from 'node:fs';
import { createRandom } from './random.mjs';

const CONTRAST = 110;
const COLOR_CONTRAST = 60;
/** Factor of the contrast when the distance is halved. */
const FALL = 0.55;
const NOISE = 2.5;

/** Writes `count` images of H×W×3 bytes, one after the other. */
export function writePhotos(path, count, height, width) {
  const images = Array.from({ length: count }, (_, i) => createPhoto(height, width, i + 1));
  writeFileSync(path, Buffer.concat(images));
}

function createPhoto(height, width, seed) {
  const random = createRandom(seed);
  const light = createField(height, width, CONTRAST, FALL, random);
  const red = createField(height, width, COLOR_CONTRAST, FALL * 0.8, random);
  const blue = createField(height, width, COLOR_CONTRAST, FALL * 0.8, random);
  const pixels = new Uint8ClampedArray(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    const noise = () => NOISE * (random() + random() + random() - 1.5);
    pixels[3 * i] = 128 + light[i] + red[i] + noise();
    pixels[3 * i + 1] = 128 + light[i] - (red[i] + blue[i]) / 2 + noise();
    pixels[3 * i + 2] = 128 + light[i] + blue[i] + noise();
  }
  return new Uint8Array(pixels.buffer);
}

/** Sums grids of random numbers, each twice as fine as the previous one and smaller by the factor `fall`, with smooth transitions. */
function createField(height, width, contrast, fall, random) {
  const field = new Float64Array(height * width);
  let amplitude = contrast;
  for (let step = Math.max(height, width) / 2; step >= 1; step /= 2, amplitude *= fall) {
    const columns = Math.ceil(width / step) + 2;
    const grid = Float64Array.from(
      { length: columns * (Math.ceil(height / step) + 2) },
      () => random() - 0.5,
    );
    for (let y = 0; y < height; y++) {
      const [row, down] = split(y / step);
      for (let x = 0; x < width; x++) {
        const [column, across] = split(x / step);
        const at = row * columns + column;
        const above = mix(grid[at], grid[at + 1], across);
        const below = mix(grid[at + columns], grid[at + columns + 1], across);
        field[y * width + x] += amplitude * mix(above, below, down);
      }
    }
  }
  return field;
}

function split(position) {
  const whole = Math.floor(position);
  const rest = position - whole;
  return [whole, rest * rest * (3 - 2 * rest)];
}

function mix(a, b, share) {
  return a + (b - a) * share;
}
