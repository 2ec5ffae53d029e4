/** Pictures as pixels: a digit made large, and a confusion matrix with its numbers. */

import type { ImagePixels } from 'polytrack';
import type { Confusion } from './confusion.js';

const CELL = 28;
const MARGIN = CELL;
const GLYPH_SCALE = 3;
const GLYPH_WIDTH = 3;
const GLYPH_HEIGHT = 5;

/** The digits in 3×5 pixels; each number is one row, its bits are the pixels. */
const GLYPHS = [
  [7, 5, 5, 5, 7],
  [2, 6, 2, 2, 7],
  [7, 1, 7, 4, 7],
  [7, 1, 3, 1, 7],
  [5, 5, 7, 1, 1],
  [7, 4, 7, 1, 7],
  [7, 4, 7, 5, 7],
  [7, 1, 1, 2, 2],
  [7, 5, 7, 5, 7],
  [7, 5, 7, 1, 7],
];

type Color = readonly [red: number, green: number, blue: number];
const WHITE: Color = [255, 255, 255];
const BLACK: Color = [32, 32, 32];
const RIGHT: Color = [33, 102, 172];
const WRONG: Color = [178, 24, 43];

/** A gray picture made larger: every pixel becomes a square. Dark ink on white paper. */
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

/**
 * A confusion matrix: row = what the picture shows, column = what it was taken for, both labelled along the edge. A cell
 * is the bluer (on the diagonal) or redder (off it), the more of its row it holds.
 */
export function drawConfusionMatrix({ classes, counts }: Confusion): ImagePixels {
  const side = MARGIN + classes * CELL;
  const canvas = new Uint8Array(side * side * 3).fill(255);
  for (let actual = 0; actual < classes; actual++) {
    const row = counts.subarray(actual * classes, (actual + 1) * classes);
    const total = row.reduce((sum, count) => sum + count, 0);
    const offset = MARGIN + actual * CELL;
    drawNumber(canvas, side, actual, 0, offset, BLACK);
    drawNumber(canvas, side, actual, offset, 0, BLACK);
    row.forEach((count, predicted) => {
      if (count === 0) return;
      const left = MARGIN + predicted * CELL;
      // mistakes are few: a square root keeps a single one visible
      const strength = Math.sqrt(count / total);
      fillCell(canvas, side, left, offset, mix(WHITE, actual === predicted ? RIGHT : WRONG, strength));
      drawNumber(canvas, side, count, left, offset, strength > 0.5 ? WHITE : BLACK);
    });
  }
  return { pixels: canvas, height: side, width: side, channels: 3 };
}

function mix(from: Color, to: Color, share: number): Color {
  const channel = (index: 0 | 1 | 2) => Math.round(from[index] + (to[index] - from[index]) * share);
  return [channel(0), channel(1), channel(2)];
}

function fillCell(canvas: Uint8Array, side: number, left: number, top: number, color: Color): void {
  for (let y = top; y < top + CELL - 1; y++) {
    for (let x = left; x < left + CELL - 1; x++) canvas.set(color, (y * side + x) * 3);
  }
}

/** Draws a number in the middle of a cell; one or two figures fit, more are drawn smaller. */
function drawNumber(
  canvas: Uint8Array,
  side: number,
  value: number,
  left: number,
  top: number,
  color: Color,
): void {
  const figures = [...String(value)].map(Number);
  const scale = figures.length > 2 ? GLYPH_SCALE - 1 : GLYPH_SCALE;
  const width = (figures.length * (GLYPH_WIDTH + 1) - 1) * scale;
  const startX = left + Math.floor((CELL - width) / 2);
  const startY = top + Math.floor((CELL - GLYPH_HEIGHT * scale) / 2);
  figures.forEach((figure, index) => {
    for (let y = 0; y < GLYPH_HEIGHT * scale; y++) {
      const bits = GLYPHS[figure]![Math.floor(y / scale)]!;
      for (let x = 0; x < GLYPH_WIDTH * scale; x++) {
        if (((bits >> (GLYPH_WIDTH - 1 - Math.floor(x / scale))) & 1) === 0) continue;
        const column = startX + index * (GLYPH_WIDTH + 1) * scale + x;
        canvas.set(color, ((startY + y) * side + column) * 3);
      }
    }
  });
}
