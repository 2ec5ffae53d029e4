/**
 * Draws a confusion matrix: cells coloured by value, with values and labels where they fit.
 */

import {
  BLACK,
  type Color,
  createCanvas,
  drawText,
  drawTextUpwards,
  fill,
  textHeight,
  textWidth,
  WHITE,
} from '../../summary/canvas.js';
import type { RawImage } from '../../summary/png.js';

export interface ConfusionTitles {
  readonly x?: string;
  readonly y?: string;
}

interface ConfusionPicture {
  readonly columns: readonly string[];
  readonly rows: readonly string[];
  /** Text and null are drawn in grey. */
  readonly cells: readonly (readonly (number | string | null)[])[];
  readonly titles: ConfusionTitles;
}

/** With more classes, a cell would be smaller than two pixels. */
const MAX_CLASSES = 400;
const PLOT_SIZE = 640;
const MAX_CELL = 72;
const MIN_CELL = 2;
const MAX_LABEL_CHARACTERS = 18;
const GAP = 8;
const BAR_WIDTH = 14;
/** White to dark blue: four steps of matplotlib's `Blues`. */
const SHADES: readonly Color[] = [
  [247, 251, 255],
  [158, 202, 225],
  [49, 130, 189],
  [8, 48, 107],
];
const NO_VALUE: Color = [225, 225, 225];
const FRAME: Color = [120, 120, 120];

/** Draws a matrix; undefined if it has too many classes to be legible. */
export function drawConfusion(picture: ConfusionPicture): RawImage | undefined {
  const { cells, titles } = picture;
  const count = cells.length;
  if (count > MAX_CLASSES) return undefined;
  const cell = Math.max(MIN_CELL, Math.min(MAX_CELL, Math.floor(PLOT_SIZE / count)));
  const labelScale = cell >= textHeight(2) + 4 ? 2 : 1;
  const columns = picture.columns.map(toLabel);
  const rows = picture.rows.map(toLabel);
  const titleBand = textHeight(2) + GAP;
  const left = (titles.y === undefined ? 0 : titleBand) + widest(rows, labelScale) + 2 * GAP;
  const top = GAP;
  const size = cell * count;
  const range = findRange(cells);
  const legend = [range.max, range.min].map(shorten);
  const barLeft = left + size + 2 * GAP;
  const labelsBottom = top + size + GAP + widest(columns, labelScale);
  const bottom = labelsBottom + GAP + (titles.x === undefined ? 0 : titleBand);
  const canvas = createCanvas(bottom, barLeft + BAR_WIDTH + GAP + widest(legend, 2) + GAP, WHITE);

  drawCells(canvas, cells, { left, top, cell, range });
  // If cells are smaller than a letter, draw only every nth label.
  const every = Math.ceil((textHeight(labelScale) + 2) / cell);
  for (let i = 0; i < count; i += every) {
    const middle = i * cell + ((cell - textHeight(labelScale)) >> 1);
    const rowLeft = left - GAP - textWidth(rows[i]!, labelScale);
    drawText(canvas, rows[i]!, rowLeft, top + middle, labelScale, BLACK);
    const columnBottom = top + size + GAP + textWidth(columns[i]!, labelScale) - 1;
    drawTextUpwards(canvas, columns[i]!, left + middle, columnBottom, labelScale, BLACK);
  }
  const { x = '', y = '' } = titles;
  drawText(canvas, x, left + ((size - textWidth(x, 2)) >> 1), labelsBottom + GAP, 2, BLACK);
  drawTextUpwards(canvas, y, GAP >> 1, top + ((size + textWidth(y, 2)) >> 1), 2, BLACK);
  drawBar(canvas, barLeft, top, size, legend);
  return canvas;
}

interface Grid {
  readonly left: number;
  readonly top: number;
  readonly cell: number;
  readonly range: { readonly min: number; readonly max: number };
}

function drawCells(
  canvas: RawImage,
  cells: ConfusionPicture['cells'],
  { left, top, cell, range }: Grid,
): void {
  const size = cell * cells.length;
  const texts = cells.map((row) =>
    row.map((value) => (typeof value === 'number' ? shorten(value) : (value ?? '-'))),
  );
  const scale = [2, 1].find(
    (candidate) => widest(texts.flat(), candidate) <= cell - 4 && textHeight(candidate) <= cell - 2,
  );
  fill(canvas, left - 1, top - 1, left + size, top + size, FRAME);
  for (const [i, row] of cells.entries()) {
    for (const [j, value] of row.entries()) {
      const share =
        typeof value === 'number' ? (value - range.min) / (range.max - range.min || 1) : undefined;
      const x = left + j * cell;
      const y = top + i * cell;
      fill(canvas, x, y, x + cell - 1, y + cell - 1, share === undefined ? NO_VALUE : toShade(share));
      if (scale === undefined) continue;
      const text = toDrawable(texts[i]![j]!);
      const textLeft = x + ((cell - textWidth(text, scale)) >> 1);
      const ink = share !== undefined && share > 0.5 ? WHITE : BLACK;
      drawText(canvas, text, textLeft, y + ((cell - textHeight(scale)) >> 1), scale, ink);
    }
  }
}

/** Draws the colour scale, with the largest value at the top. */
function drawBar(canvas: RawImage, left: number, top: number, size: number, legend: readonly string[]): void {
  fill(canvas, left - 1, top - 1, left + BAR_WIDTH, top + size, FRAME);
  for (let row = 0; row < size; row++) {
    fill(canvas, left, top + row, left + BAR_WIDTH - 1, top + row, toShade(1 - row / Math.max(1, size - 1)));
  }
  const textLeft = left + BAR_WIDTH + GAP;
  drawText(canvas, legend[0]!, textLeft, top, 2, BLACK);
  if (size >= 3 * textHeight(2)) drawText(canvas, legend[1]!, textLeft, top + size - textHeight(2), 2, BLACK);
}

/** Returns the range from 0, or from the smallest value if that is negative, to the largest value. */
function findRange(cells: ConfusionPicture['cells']): { min: number; max: number } {
  let [min, max] = [0, Number.NEGATIVE_INFINITY];
  for (const value of cells.flat()) {
    if (typeof value !== 'number') continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return max === Number.NEGATIVE_INFINITY ? { min: 0, max: 0 } : { min, max: Math.max(min, max) };
}

function toShade(share: number): Color {
  const place = share * (SHADES.length - 1);
  const step = Math.min(SHADES.length - 2, Math.max(0, Math.floor(place)));
  const [from, to] = [SHADES[step]!, SHADES[step + 1]!];
  return [0, 1, 2].map((c) =>
    Math.round(from[c]! + (to[c]! - from[c]!) * (place - step)),
  ) as unknown as Color;
}

/** Prints integers up to 99,999 in full, and other numbers with up to three significant digits. */
function shorten(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 100_000) return String(value);
  const size = Math.abs(value);
  if (size >= 0.001 && size < 100_000) return String(Number(value.toPrecision(3)));
  return value.toExponential(1).replace('e+', 'e');
}

/** Returns a label that can be drawn: its index if the font has none of its letters. */
function toLabel(text: string, i: number): string {
  const drawable = toDrawable(text);
  return /[!-~]/.test(drawable) ? drawable : `#${i}`;
}

/** Removes accents, which the font lacks, and cuts long text. */
function toDrawable(text: string): string {
  const plain = text.normalize('NFKD').replace(/\p{Mn}/gu, '');
  const characters = [...plain];
  return characters.length <= MAX_LABEL_CHARACTERS
    ? plain
    : `${characters.slice(0, MAX_LABEL_CHARACTERS - 2).join('')}..`;
}

function widest(texts: readonly string[], scale: number): number {
  return texts.reduce((width, text) => Math.max(width, textWidth(text, scale)), 0);
}
