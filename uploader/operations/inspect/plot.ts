/** Draws a series of numbers as a small text plot. */

import { largestOf } from '../../../src/base/largest-of.js';

const WIDTH = 64;
const HEIGHT = 10;

interface PlotPoint {
  readonly step: number;
  readonly value: number;
}

/** Returns `height` lines with the range on the left, and a line with the steps. Empty without finite values. */
export function plot(points: readonly PlotPoint[], width = WIDTH, height = HEIGHT): string[] {
  const finite = points.filter(({ value }) => Number.isFinite(value));
  if (finite.length === 0) return [];
  const [minStep, maxStep] = rangeOf(finite.map(({ step }) => step));
  const [min, max] = rangeOf(finite.map(({ value }) => value));
  const cells = Array.from({ length: height }, () => new Array<string>(width).fill(' '));
  for (const { step, value } of finite) {
    const column = toCell(step, minStep, maxStep, width);
    const row = height - 1 - toCell(value, min, max, height);
    cells[row]![column] = '•';
  }
  const labels = cells.map((_, row) => (row === 0 ? toLabel(max) : row === height - 1 ? toLabel(min) : ''));
  const margin = largestOf(labels.map((label) => label.length));
  const lines = cells.map((row, i) => `${labels[i]!.padStart(margin)} ┤${row.join('').trimEnd()}`);
  const first = String(minStep);
  const axis = `${' '.repeat(margin + 2)}${first}${String(maxStep).padStart(Math.max(1, width - first.length))}`;
  return [...lines, axis];
}

function rangeOf(values: readonly number[]): [min: number, max: number] {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return [min, max];
}

/** The index of the value's cell when [min, max] is divided into `count` equal cells; the middle cell when min equals max. */
function toCell(value: number, min: number, max: number, count: number): number {
  if (min === max) return Math.floor(count / 2);
  // Halve first, so that the range of two large doubles does not overflow.
  const share = (value / 2 - min / 2) / (max / 2 - min / 2);
  return Math.min(count - 1, Math.floor(share * count));
}

function toLabel(value: number): string {
  return Number(value.toPrecision(6)).toString();
}
