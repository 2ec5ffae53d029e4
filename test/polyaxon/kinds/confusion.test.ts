import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { type ConfusionInput, createConfusion } from '../../../src/polyaxon/kinds/confusion.js';
import { drawConfusion } from '../../../src/polyaxon/kinds/confusion-image.js';
import type { ClassLabel } from '../../../src/polyaxon/kinds/numbers.js';
import { readFixture } from '../../support/fixture-json.js';

interface ConfusionCase {
  readonly targets: ClassLabel[];
  readonly predictions: ClassLabel[];
  readonly labels?: ClassLabel[];
  readonly matrix: number[][];
}

describe('createConfusion', () => {
  it.each(readFixture<ConfusionCase[]>('sklearn/confusions.json'))(
    'matches confusion_matrix of scikit-learn: %#',
    ({ matrix, ...samples }) => {
      const { value } = createConfusion(samples);

      const classes =
        samples.labels ?? [...new Set([...samples.targets, ...samples.predictions])].sort(compare);
      expect(value).toEqual({ x: classes, y: classes, z: matrix });
    },
  );

  it('keeps a given matrix unchanged', () => {
    const { value } = createConfusion({
      x: ['a', 2],
      y: [true, 'd\ud800'],
      z: [Float32Array.of(0.5, Number.NaN), ['text', -1]],
    });

    expect(value).toEqual({
      x: ['a', 2],
      y: [true, 'd\ufffd'],
      z: [
        [0.5, null],
        ['text', -1],
      ],
    });
  });

  it('accepts names for numbered classes', () => {
    const samples = { predictions: Int32Array.of(0, 1, 1), targets: [0, 0, 1], labels: ['cat', 'dog'] };

    expect(createConfusion(samples).value).toEqual({
      x: ['cat', 'dog'],
      y: ['cat', 'dog'],
      z: [
        [1, 1],
        [0, 1],
      ],
    });
  });

  it('has an image in which larger values are darker', () => {
    const { preview } = createConfusion({ predictions: [0, 0, 1, 1], targets: [0, 0, 0, 1] });

    const value = preview!.create('tag', { description: 'd' }).now();
    const tensor = value.value?.kind === 'tensor' ? value.value.tensor : undefined;
    const { width, height, data } = PNG.sync.read(Buffer.from(tensor!.stringVal![2]!));
    const luminances = Array.from(
      { length: width * height },
      (_, i) => data[i * 4]! + data[i * 4 + 1]! + data[i * 4 + 2]!,
    );

    expect(value).toMatchObject({ tag: 'tag', metadata: { pluginName: 'images', description: 'd' } });
    expect([width, height].every((side) => side > 144 && side < 400)).toBe(true);
    // Only the largest count, 2, has the darkest blue: it fills one cell of 72×72.
    const darkest = luminances.filter((luminance) => luminance === 8 + 48 + 107).length;
    expect(darkest).toBeGreaterThan(72 * 72 * 0.9);
    expect(darkest).toBeLessThan(72 * 72 * 1.1);
  });

  it.each([
    ['undefined', undefined, 'matrix is undefined'],
    ['an object without a matrix', {}, 'x is undefined, expected an array of labels'],
    ['no classes', { x: [], y: [], z: [] }, 'x is empty'],
    ['more labels than rows', { x: [1, 2], y: [1, 2], z: [[1, 2]] }, 'x has 2 labels, y 2, z 1 rows'],
    ['a short row', { x: [1, 2], y: [1, 2], z: [[1, 2], [1]] }, 'z[1] has 1 values, expected 2'],
    ['a row that is a number', { x: [1], y: [1], z: [1] }, 'z[0] is 1 (number)'],
    ['a cell that is an object', { x: [1], y: [1], z: [[{}]] }, 'z[0][0] is an empty object'],
    ['a label that is null', { x: [null], y: [1], z: [[1]] }, 'x[0] is null'],
    ['unequal lengths', { predictions: [1], targets: [1, 2] }, 'predictions has 1 values, expected 2'],
    ['no samples', { predictions: [], targets: [] }, 'targets is empty'],
    ['no targets', { predictions: [1] }, 'targets is undefined'],
    [
      'an unknown label',
      { predictions: ['x'], targets: ['a'], labels: ['a', 'b'] },
      'predictions[0] is "x", expected one of the 2 labels',
    ],
    [
      'an index without a name',
      { predictions: [0], targets: [2], labels: ['a', 'b'] },
      'targets[0] is 2 (number)',
    ],
    [
      'a duplicate label',
      { predictions: [0], targets: [0], labels: ['a', 'a'] },
      'labels contains a label twice',
    ],
  ])('rejects %s', (_, input, message) => {
    expect(() => createConfusion(input as ConfusionInput)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFUSION_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

function compare(a: ClassLabel, b: ClassLabel): number {
  return a < b ? -1 : 1;
}

describe('drawConfusion', () => {
  const drawn = (count: number) => {
    const labels = Array.from({ length: count }, (_, i) => `class ${i}`);
    return drawConfusion({
      columns: labels,
      rows: labels,
      cells: labels.map(() => labels.map(() => 1)),
      titles: {},
    });
  };

  it.each([1, 2, 10, 40, 200, 400])('draws %d classes in an image that fits on a page', (count) => {
    const image = drawn(count)!;

    expect(image.width).toBeLessThan(1100);
    expect(image.height).toBeLessThan(1100);
    expect(image.pixels).toHaveLength(image.width * image.height * 3);
  });

  it('draws no image for too many classes', () => {
    expect(drawn(401)).toBeUndefined();
  });

  it('shows the index of classes whose names the font lacks', () => {
    const named = (name: string) =>
      drawConfusion({ columns: [name], rows: [name], cells: [[1]], titles: {} })!.pixels;

    expect(named('日本')).toEqual(named('#0'));
    expect(named('é')).toEqual(named('e'));
    expect(named('a')).not.toEqual(named('b'));
  });
});
