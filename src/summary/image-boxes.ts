/** Draws boxes and their labels on an image, for object detection. */

import { describe } from '../base/describe.js';
import type { OptionTable } from '../base/options.js';
import { type Color, drawText, fill, WHITE } from './canvas.js';
import { FONT_HEIGHT, FONT_WIDTH, findUndrawable, toCharacters } from './font.js';
import { type ImagePixels, invalidImage, parseRawImage } from './image.js';
import type { RawImage } from './png.js';

/** A rectangle in pixels, x to the right and y down. Parts outside the image are not drawn. */
export interface ImageBox {
  readonly xMin: number;
  readonly yMin: number;
  readonly xMax: number;
  readonly yMax: number;
  /**
   * A text in one line. The font has Latin, Greek and Cyrillic letters. Others, such as Chinese, are drawn as rectangles,
   * with a warning.
   */
  readonly label?: string | undefined;
  /** Red, green and blue, 0–255. Default: red for boxes without a label, and one of eight colours for each label. */
  readonly color?: readonly [red: number, green: number, blue: number] | undefined;
}

/** Boxes as objects, or as rows of [xMin, yMin, xMax, yMax]. */
export type ImageBoxes = readonly (ImageBox | readonly [number, number, number, number])[];

export interface BoxOptions {
  /** The line width in pixels; 1 or more. Default: 1 for each 300 pixels of the image's longer side. */
  readonly lineWidth?: number | undefined;
  /** The labels of boxes that are given as rows, one for each box. */
  readonly labels?: readonly string[] | undefined;
}
export const BOX_OPTIONS: OptionTable<BoxOptions> = { lineWidth: 'any', labels: 'any' };

const PALETTE: readonly Color[] = [
  [230, 25, 75],
  [60, 180, 75],
  [0, 130, 200],
  [245, 130, 48],
  [145, 30, 180],
  [0, 160, 160],
  [240, 50, 230],
  [128, 128, 0],
];

/**
 * An RGB image with the boxes drawn on it. `onUndrawable` receives the characters of labels that the font lacks. Throws `ERR_IMAGE_INVALID`.
 */
export function drawBoxes(
  image: ImagePixels,
  boxes: ImageBoxes,
  options: BoxOptions = {},
  onUndrawable: (characters: readonly string[]) => void = () => undefined,
): RawImage {
  const canvas = toRgb(parseRawImage(image));
  const { lineWidth = Math.max(1, Math.round(Math.max(canvas.height, canvas.width) / 300)), labels } =
    options;
  if (!Number.isInteger(lineWidth) || lineWidth < 1) {
    throw invalidImage(`lineWidth is ${describe(lineWidth)}, expected a whole number of 1 or more`);
  }
  if (!Array.isArray(boxes)) throw invalidImage(`boxes is ${describe(boxes)}, expected a list`);
  if (labels !== undefined && !Array.isArray(labels)) {
    throw invalidImage(`labels is ${describe(labels)}, expected a list of strings`);
  }
  if (labels !== undefined && labels.length !== boxes.length) {
    throw invalidImage(`labels has ${labels.length} entries, expected ${boxes.length}, one for each box`);
  }
  const colorOf = createColors();
  const undrawable = new Set<string>();
  for (const [i, given] of boxes.entries()) {
    const { label = labels?.[i], color, ...corners } = parseBox(given, i);
    if (label !== undefined && typeof label !== 'string') {
      throw invalidImage(`the label of boxes[${i}] is ${describe(label)}, expected a string`);
    }
    if (color !== undefined && !isColor(color)) {
      throw invalidImage(
        `the color of boxes[${i}] is ${describe(color)}, expected [red, green, blue], each from 0 to 255`,
      );
    }
    const ink = color ?? colorOf(label);
    drawRectangle(canvas, corners, lineWidth, ink);
    if (!label) continue;
    for (const character of findUndrawable(label)) undrawable.add(character);
    drawLabel(canvas, label, Math.round(corners.xMin), Math.round(corners.yMin), lineWidth, ink);
  }
  if (undrawable.size > 0) onUndrawable([...undrawable]);
  return canvas;
}

/** Assigns a colour to each label, in order of first appearance. */
function createColors(): (label: string | undefined) => Color {
  const colors = new Map<string | undefined, Color>([[undefined, PALETTE[0]!]]);
  return (label) => {
    const color = colors.get(label) ?? PALETTE[(colors.size - 1) % PALETTE.length]!;
    colors.set(label, color);
    return color;
  };
}

function parseBox(given: ImageBoxes[number], i: number): ImageBox {
  if (typeof given !== 'object' || given === null) {
    throw invalidImage(`boxes[${i}] is ${describe(given)}, expected { xMin, yMin, xMax, yMax }`);
  }
  const box: ImageBox = isRow(given)
    ? { xMin: given[0], yMin: given[1], xMax: given[2], yMax: given[3] }
    : (given as ImageBox);
  const { xMin, yMin, xMax, yMax } = box;
  const hasCorners = [xMin, yMin, xMax, yMax].every((value) => Number.isFinite(value));
  if (hasCorners && xMin <= xMax && yMin <= yMax) return box;
  const [from, to] = [
    `${describeCorner(xMin)},${describeCorner(yMin)}`,
    `${describeCorner(xMax)},${describeCorner(yMax)}`,
  ];
  throw invalidImage(`boxes[${i}] is ${from} to ${to}, expected finite and ascending corners`);
}

function isColor(color: unknown): color is Color {
  const isByte = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 255;
  return Array.isArray(color) && color.length === 3 && color.every(isByte);
}

function describeCorner(value: unknown): string {
  return typeof value === 'number' ? String(value) : describe(value);
}

function isRow(box: ImageBoxes[number]): box is readonly [number, number, number, number] {
  return Array.isArray(box);
}

function toRgb({ pixels, height, width, channels }: RawImage): RawImage {
  const out = new Uint8Array(height * width * 3);
  const isGray = channels < 3;
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) out[i * 3 + c] = pixels[i * channels + (isGray ? 0 : c)]!;
  }
  return { pixels: out, height, width, channels: 3 };
}

function drawRectangle(canvas: RawImage, box: ImageBox, lineWidth: number, color: Color): void {
  const left = Math.round(box.xMin);
  const top = Math.round(box.yMin);
  const right = Math.round(box.xMax);
  const bottom = Math.round(box.yMax);
  fill(canvas, left, top, right, Math.min(top + lineWidth - 1, bottom), color);
  fill(canvas, left, Math.max(bottom - lineWidth + 1, top), right, bottom, color);
  fill(canvas, left, top, Math.min(left + lineWidth - 1, right), bottom, color);
  fill(canvas, Math.max(right - lineWidth + 1, left), top, right, bottom, color);
}

/** Draws white letters on the box's colour: above the box if they fit, otherwise inside it. */
function drawLabel(
  canvas: RawImage,
  label: string,
  left: number,
  boxTop: number,
  scale: number,
  color: Color,
): void {
  // Descenders beyond ASCII have one more row.
  const rows = FONT_HEIGHT + (/^\p{ASCII}*$/u.test(label) ? 2 : 3);
  const height = rows * scale;
  const top = boxTop >= height ? boxTop - height : boxTop;
  const step = (FONT_WIDTH + 1) * scale;
  fill(canvas, left, top, left + toCharacters(label).length * step + scale - 1, top + height - 1, color);
  drawText(canvas, label, left + scale, top + scale, scale, WHITE);
}
