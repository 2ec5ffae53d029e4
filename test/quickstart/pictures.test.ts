import { describe, expect, it } from 'vitest';
import {
  type Confusion,
  countConfusion,
  toMarkdownTable,
  toMatrix,
} from '../../examples/quickstart/confusion.js';
import { enlarge } from '../../examples/quickstart/pictures.js';
import { sonifyLoss } from '../../examples/quickstart/tone.js';

function confusionOf(actual: readonly number[], predicted: readonly number[], classes: number): Confusion {
  const likelihoods = new Float32Array(actual.length * classes);
  predicted.forEach((label, index) => {
    likelihoods[index * classes + label] = 1;
  });
  return countConfusion(likelihoods, Uint8Array.from(actual));
}

describe('countConfusion', () => {
  it('counts actual classes as rows and predicted classes as columns', () => {
    const confusion = confusionOf([0, 1, 1, 2], [0, 1, 2, 2], 3);

    expect([...confusion.counts]).toEqual([1, 0, 0, 0, 1, 1, 0, 0, 1]);
    expect(confusion.mistakes).toEqual([{ index: 2, actual: 1, predicted: 2 }]);
  });
});

describe('toMarkdownTable', () => {
  it('shows precision and recall of each class, and a dash where they are undefined', () => {
    const table = toMarkdownTable(confusionOf([0, 1, 1, 1], [0, 1, 0, 1], 3));

    expect(table.split('\n').slice(2)).toEqual([
      '| 0 | 50.0 % | 100.0 % | 1 |',
      '| 1 | 100.0 % | 66.7 % | 3 |',
      '| 2 | – | – | 0 |',
    ]);
  });
});

describe('enlarge', () => {
  it('draws every pixel as a square, with dark ink on white', () => {
    const image = enlarge(Float32Array.of(0, 1, 0.25, 0), 2, 3);

    expect([image.height, image.width, image.channels]).toEqual([6, 6, 1]);
    const rows = Array.from({ length: 6 }, (_, y) => [...image.pixels].slice(y * 6, (y + 1) * 6));
    expect(rows[0]).toEqual([1, 1, 1, 0, 0, 0]);
    expect(rows[2]).toEqual(rows[0]);
    expect(rows[5]).toEqual([0.75, 0.75, 0.75, 1, 1, 1]);
  });
});

describe('toMatrix', () => {
  it('has a row per actual class, with a count per predicted class', () => {
    const { x, y, z } = toMatrix(confusionOf([0, 1, 1], [0, 1, 0], 2));

    expect([x, y, Array.from(z, (row) => [...Array.from(row)])]).toEqual([
      [0, 1],
      [0, 1],
      [
        [1, 0],
        [1, 1],
      ],
    ]);
  });
});

describe('sonifyLoss', () => {
  it('plays one note per loss, lower for a lower loss, with samples between −1 and 1', () => {
    const { samples, sampleRateHz } = sonifyLoss([2, 0.1]);
    const notes = Float32Array.from(samples as Float32Array);
    const crossings = (note: Float32Array) =>
      note.reduce(
        (count, sample, index) => count + (index > 0 && note[index - 1]! < 0 && sample >= 0 ? 1 : 0),
        0,
      );
    const half = notes.length / 2;

    expect(sampleRateHz).toBe(22_050);
    expect(Math.max(...notes.map(Math.abs))).toBeLessThanOrEqual(0.8);
    expect(Math.max(...notes.map(Math.abs))).toBeGreaterThan(0.5);
    expect(crossings(notes.subarray(0, half))).toBeGreaterThan(crossings(notes.subarray(half)) * 4);
  });

  it('stays finite when all losses are equal', () => {
    const { samples } = sonifyLoss([0.5, 0.5]);

    expect([...samples].every(Number.isFinite)).toBe(true);
  });
});
