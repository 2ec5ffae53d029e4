/** Draws on RGB pixels: rectangles, lines, and text in the font of `font.ts`. */

import { FONT_HEIGHT, FONT_ROWS, FONT_WIDTH, isInked, toCharacters } from './font.js';
import type { RawImage } from './png.js';

/** Red, green and blue; 0–255. */
export type Color = readonly [red: number, green: number, blue: number];

export const WHITE: Color = [255, 255, 255];
export const BLACK: Color = [0, 0, 0];

/** Creates an image of a single colour. */
export function createCanvas(height: number, width: number, color: Color): RawImage {
  const canvas: RawImage = { pixels: new Uint8Array(height * width * 3), height, width, channels: 3 };
  fill(canvas, 0, 0, width - 1, height - 1, color);
  return canvas;
}

/** Fills the pixels from (left, top) to (right, bottom), both included. Ignores pixels outside the image. */
export function fill(
  { pixels, height, width }: RawImage,
  left: number,
  top: number,
  right: number,
  bottom: number,
  color: Color,
): void {
  const [red, green, blue] = color;
  const lastX = Math.min(width - 1, right);
  const lastY = Math.min(height - 1, bottom);
  for (let y = Math.max(0, top); y <= lastY; y++) {
    let at = (y * width + Math.max(0, left)) * 3;
    for (let x = Math.max(0, left); x <= lastX; x++) {
      pixels[at++] = red;
      pixels[at++] = green;
      pixels[at++] = blue;
    }
  }
}

/** The width of a horizontal text in pixels. `scale` is the number of pixels per pixel of the font. */
export function textWidth(text: string, scale: number): number {
  return Math.max(0, toCharacters(text).length * (FONT_WIDTH + 1) - 1) * scale;
}

export function textHeight(scale: number): number {
  return FONT_HEIGHT * scale;
}

/** Draws text to the right, starting at its upper left corner. */
export function drawText(
  canvas: RawImage,
  text: string,
  left: number,
  top: number,
  scale: number,
  color: Color,
): void {
  eachInkedPixel(text, (column, row) => {
    const x = left + column * scale;
    const y = top + row * scale;
    fill(canvas, x, y, x + scale - 1, y + scale - 1, color);
  });
}

/** Draws text upwards, starting at its lower end and rotated by 90°, for the column headers of a table. */
export function drawTextUpwards(
  canvas: RawImage,
  text: string,
  left: number,
  bottom: number,
  scale: number,
  color: Color,
): void {
  eachInkedPixel(text, (column, row) => {
    const x = left + row * scale;
    const y = bottom - (column + 1) * scale + 1;
    fill(canvas, x, y, x + scale - 1, y + scale - 1, color);
  });
}

function eachInkedPixel(text: string, draw: (column: number, row: number) => void): void {
  for (const [i, character] of toCharacters(text).entries()) {
    for (let column = 0; column <= FONT_WIDTH; column++) {
      for (let row = FONT_ROWS.first; row < FONT_ROWS.end; row++) {
        if (isInked(character, column, row)) draw(i * (FONT_WIDTH + 1) + column, row);
      }
    }
  }
}

/** Draws an antialiased straight line. Coordinates may have fractions; pixel centres are whole numbers. */
export function drawLine(
  canvas: RawImage,
  from: readonly [x: number, y: number],
  to: readonly [x: number, y: number],
  lineWidth: number,
  color: Color,
): void {
  // Step along the longer side, and check only the pixels across it that the line can reach.
  const isFlat = Math.abs(to[0] - from[0]) >= Math.abs(to[1] - from[1]);
  const [long, short] = isFlat ? [0, 1] : [1, 0];
  const [longSize, shortSize] = isFlat ? [canvas.width, canvas.height] : [canvas.height, canvas.width];
  const along = to[long]! - from[long]!;
  const across = to[short]! - from[short]!;
  const length = Math.hypot(along, across);
  const reach = lineWidth / 2 + 0.5;
  const acrossReach = along === 0 ? reach : (reach * length) / Math.abs(along);
  const first = Math.max(0, Math.ceil(Math.min(from[long]!, to[long]!) - reach));
  const last = Math.min(longSize - 1, Math.floor(Math.max(from[long]!, to[long]!) + reach));
  for (let i = first; i <= last; i++) {
    const share = along === 0 ? 0 : Math.min(1, Math.max(0, (i - from[long]!) / along));
    const center = from[short]! + share * across;
    const end = Math.min(shortSize - 1, Math.floor(center + acrossReach));
    for (let j = Math.max(0, Math.ceil(center - acrossReach)); j <= end; j++) {
      const distance = distanceTo(i - from[long]!, j - from[short]!, along, across, length);
      if (distance >= reach) continue;
      const cover = Math.min(1, reach - distance);
      if (isFlat) blend(canvas, i, j, cover, color);
      else blend(canvas, j, i, cover, color);
    }
  }
}

/** The distance between the point (i, j) and the line from the origin to (along, across). */
function distanceTo(i: number, j: number, along: number, across: number, length: number): number {
  const nearest = length === 0 ? 0 : Math.min(1, Math.max(0, (i * along + j * across) / (length * length)));
  return Math.hypot(i - nearest * along, j - nearest * across);
}

function blend({ pixels, width }: RawImage, x: number, y: number, cover: number, color: Color): void {
  const at = (y * width + x) * 3;
  for (let c = 0; c < 3; c++) pixels[at + c] = Math.round(pixels[at + c]! * (1 - cover) + color[c]! * cover);
}
