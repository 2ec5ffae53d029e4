/**
 * Draws a curve: axes with round numbers, one line, and a title.
 */

import {
  BLACK,
  type Color,
  createCanvas,
  drawLine,
  drawText,
  drawTextUpwards,
  fill,
  textHeight,
  textWidth,
  WHITE,
} from '../../summary/canvas.js';
import type { RawImage } from '../../summary/png.js';

export interface CurveChart {
  /** NaN and infinities interrupt the line. */
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly xTitle?: string | undefined;
  readonly yTitle?: string | undefined;
  /** Drawn above the plot; cut if it is wider than the plot. */
  readonly title?: string | undefined;
  /** Whether both axes range from 0 to 1, with a diagonal for a random classifier. */
  readonly isRate?: boolean | undefined;
}

const WIDTH = 480;
const HEIGHT = 360;
const TEXT_SCALE = 2;
const LEFT = 84;
const RIGHT = WIDTH - 16;
const TOP = 34;
const BOTTOM = HEIGHT - 58;
const MAX_TICKS = 6;
const LINE_WIDTH = 2;
/** TensorBoard's first series colour. */
const LINE: Color = [255, 112, 67];
const GRID: Color = [224, 224, 224];
const CHANCE: Color = [150, 150, 150];

/** Draws a curve; undefined if it has no finite point. */
export function drawCurve(chart: CurveChart): RawImage | undefined {
  const { xTitle = '', yTitle = '', title = '', isRate = false } = chart;
  const xAxis = isRate ? UNIT : findRange(chart.x, chart.y);
  const yAxis = isRate ? UNIT : findRange(chart.y, chart.x);
  if (xAxis === undefined || yAxis === undefined) return undefined;
  const canvas = createCanvas(HEIGHT, WIDTH, WHITE);
  const toX = (value: number): number =>
    LEFT + ((value - xAxis.min) / (xAxis.max - xAxis.min)) * (RIGHT - LEFT);
  const toY = (value: number): number =>
    BOTTOM - ((value - yAxis.min) / (yAxis.max - yAxis.min)) * (BOTTOM - TOP);
  drawGrid(canvas, xAxis, yAxis, toX, toY);
  if (isRate) drawLine(canvas, [LEFT, BOTTOM], [RIGHT, TOP], 1, CHANCE);
  drawPoints(canvas, chart, toX, toY);
  const textTop = HEIGHT - textHeight(TEXT_SCALE) - 4;
  drawText(canvas, xTitle, (LEFT + RIGHT - textWidth(xTitle, TEXT_SCALE)) >> 1, textTop, TEXT_SCALE, BLACK);
  const yTitleBottom = (TOP + BOTTOM + textWidth(yTitle, TEXT_SCALE)) >> 1;
  drawTextUpwards(canvas, yTitle, 4, yTitleBottom, TEXT_SCALE, BLACK);
  drawText(canvas, cut(title, RIGHT - LEFT), LEFT, 10, TEXT_SCALE, BLACK);
  return canvas;
}

interface Axis {
  readonly min: number;
  readonly max: number;
}

const UNIT: Axis = { min: 0, max: 1 };

/** Returns the range of an axis, over points with two finite coordinates. */
function findRange(values: ArrayLike<number>, others: ArrayLike<number>): Axis | undefined {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value) || !Number.isFinite(others[i])) continue;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (min > max) return undefined;
  // Centre a line that is flat within the precision of doubles.
  const margin = Math.max(Math.abs(min), Math.abs(max)) * 0.05 || 0.5;
  const isFlat = max - min <= margin * 1e-9;
  const isWide = !Number.isFinite(max - min);
  return isFlat
    ? { min: min - margin, max: max + margin }
    : isWide
      ? { min: min / 2, max: max / 2 }
      : { min, max };
}

function drawGrid(
  canvas: RawImage,
  xAxis: Axis,
  yAxis: Axis,
  toX: (value: number) => number,
  toY: (value: number) => number,
): void {
  for (const { value, text } of toTicks(yAxis)) {
    const y = Math.round(toY(value));
    fill(canvas, LEFT, y, RIGHT, y, GRID);
    const left = LEFT - 6 - textWidth(text, TEXT_SCALE);
    drawText(canvas, text, left, y - (textHeight(TEXT_SCALE) >> 1), TEXT_SCALE, BLACK);
  }
  for (const { value, text } of toTicks(xAxis)) {
    const x = Math.round(toX(value));
    fill(canvas, x, TOP, x, BOTTOM, GRID);
    const left = Math.min(x - (textWidth(text, TEXT_SCALE) >> 1), WIDTH - textWidth(text, TEXT_SCALE) - 1);
    drawText(canvas, text, left, BOTTOM + 8, TEXT_SCALE, BLACK);
  }
  fill(canvas, LEFT, BOTTOM, RIGHT, BOTTOM, BLACK);
  fill(canvas, LEFT, TOP, LEFT, BOTTOM, BLACK);
}

/** Returns at most six round values on an axis, in steps of 1, 2 or 5 times a power of ten. */
function toTicks({ min, max }: Axis): { value: number; text: string }[] {
  const power = 10 ** Math.floor(Math.log10((max - min) / MAX_TICKS));
  const step = [1, 2, 5, 10]
    .map((factor) => factor * power)
    .find((size) => (max - min) / size <= MAX_TICKS - 1);
  if (step === undefined || !(step > 0)) return [];
  const ticks: { value: number; text: string }[] = [];
  for (let i = Math.ceil(min / step); i * step <= max && ticks.length < MAX_TICKS; i++) {
    ticks.push({ value: i * step, text: shorten(i * step) });
  }
  return ticks;
}

/** Prints a number with about five characters. */
function shorten(value: number): string {
  const rounded = Number(value.toPrecision(4));
  const text = String(rounded);
  return text.length <= 6 ? text : rounded.toExponential(1).replace('e+', 'e');
}

/** Draws one line through the points. Skips points within half a pixel of the last one. */
function drawPoints(
  canvas: RawImage,
  { x, y }: CurveChart,
  toX: (value: number) => number,
  toY: (value: number) => number,
): void {
  let last: readonly [number, number] | undefined;
  for (const i of pickPoints(y)) {
    const point = [toX(x[i]!), toY(y[i]!)] as const;
    if (!Number.isFinite(point[0]) || !Number.isFinite(point[1])) {
      last = undefined;
      continue;
    }
    if (last !== undefined && i < x.length - 1 && isClose(point, last)) continue;
    drawLine(canvas, last ?? point, point, last === undefined ? LINE_WIDTH * 2 : LINE_WIDTH, LINE);
    last = point;
  }
}

/** The maximum number of groups of points. Four points of each group are drawn, so a million points draw as fast as a thousand. */
const MAX_RUNS = RIGHT - LEFT;

/** Yields the indices to draw: all, or the first, lowest, highest and last of each group. */
function* pickPoints(y: ArrayLike<number>): Generator<number> {
  const runLength = y.length <= MAX_RUNS * 4 ? 1 : Math.ceil(y.length / MAX_RUNS);
  for (let start = 0; start < y.length; start += runLength) {
    const end = Math.min(start + runLength, y.length);
    let [low, high] = [start, start];
    for (let i = start; i < end; i++) {
      if (y[i]! < y[low]!) low = i;
      if (y[i]! > y[high]!) high = i;
    }
    yield* new Set([start, Math.min(low, high), Math.max(low, high), end - 1]);
  }
}

function isClose(a: readonly [number, number], b: readonly [number, number]): boolean {
  return Math.abs(a[0] - b[0]) < 0.5 && Math.abs(a[1] - b[1]) < 0.5;
}

function cut(text: string, width: number): string {
  const fits = Math.floor(width / (textWidth('ab', TEXT_SCALE) - textWidth('a', TEXT_SCALE)));
  const line = text.replace(/\s+/g, ' ');
  return line.length <= fits ? line : `${line.slice(0, fits - 2)}..`;
}
