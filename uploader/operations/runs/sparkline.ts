/** Draws a series of numbers in one line of text. Pure. */

const LEVELS = '▁▂▃▄▅▆▇█';

/** Returns at most `width` characters: each shows the mean of an equal part of the values, or a space where no value is finite. */
export function toSparkline(values: ArrayLike<number>, width: number): string {
  const count = Math.min(width, values.length);
  const means = Array.from({ length: count }, (_, i) =>
    meanOf(values, Math.floor((i * values.length) / count), Math.floor(((i + 1) * values.length) / count)),
  );
  const finite = means.filter(Number.isFinite);
  const min = finite.reduce((least, each) => Math.min(least, each), Number.POSITIVE_INFINITY);
  const max = finite.reduce((most, each) => Math.max(most, each), Number.NEGATIVE_INFINITY);
  return means.map((mean) => (Number.isFinite(mean) ? LEVELS[toLevel(mean, min, max)] : ' ')).join('');
}

/** The mean of the finite values from `start` up to `end`; NaN if none is. */
function meanOf(values: ArrayLike<number>, start: number, end: number): number {
  let sum = 0;
  let count = 0;
  for (let i = start; i < end; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? Number.NaN : sum / count;
}

/** A constant series is drawn at the bottom. */
function toLevel(value: number, min: number, max: number): number {
  const range = max - min;
  if (range === 0) return 0;
  // The range of very large numbers is infinite: halve both.
  const share = Number.isFinite(range) ? (value - min) / range : (value / 2 - min / 2) / (max / 2 - min / 2);
  return Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length));
}
