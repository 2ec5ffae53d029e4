import { describe, expect, it } from 'vitest';
import { DIGIT_PIXELS, type Digits, loadDigits, splitDigits } from '../../examples/quickstart/digits.js';
import { AdamTrainer, createNetwork, predict, score } from '../../examples/quickstart/network.js';
import { createRandom, shuffledIndices } from '../../examples/quickstart/random.js';

const BATCH = 32;

function trainEpochs(trainer: AdamTrainer, digits: Digits, epochs: number): void {
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let start = 0; start < digits.count; start += BATCH) {
      const end = Math.min(start + BATCH, digits.count);
      trainer.trainBatch(
        digits.pixels.subarray(start * DIGIT_PIXELS, end * DIGIT_PIXELS),
        digits.labels.subarray(start, end),
      );
    }
  }
}

describe('loadDigits', () => {
  it('reads 1,797 images of ten classes, with ink between 0 and 1', async () => {
    const digits = await loadDigits();

    expect(digits.count).toBe(1797);
    expect(digits.pixels).toHaveLength(1797 * DIGIT_PIXELS);
    expect(new Set(digits.labels)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    expect(Math.min(...digits.pixels)).toBe(0);
    expect(Math.max(...digits.pixels)).toBe(1);
    expect([...digits.pixels.subarray(0, 8)]).toEqual([0, 0, 5, 13, 9, 1, 0, 0].map((ink) => ink / 16));
  });
});

describe('splitDigits', () => {
  it('puts every image into exactly one part', async () => {
    const digits = await loadDigits();

    const { train, test } = splitDigits(digits, 0.2, createRandom(1));

    expect([train.count, test.count]).toEqual([1438, 359]);
    const labels = [...train.labels, ...test.labels].toSorted();
    expect(labels).toEqual([...digits.labels].toSorted());
  });
});

describe('shuffledIndices', () => {
  it('returns a permutation that depends only on the seed', () => {
    const first = shuffledIndices(50, createRandom(7));

    expect([...first].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    expect(shuffledIndices(50, createRandom(7))).toEqual(first);
    expect(shuffledIndices(50, createRandom(8))).not.toEqual(first);
  });
});

describe('AdamTrainer', () => {
  it('reaches more than 95 % accuracy on unseen images', async () => {
    const random = createRandom(1);
    const { train, test } = splitDigits(await loadDigits(), 0.2, random);
    const network = createNetwork([DIGIT_PIXELS, 32, 10], random);
    const before = score(predict(network, test.pixels), test.labels);

    trainEpochs(new AdamTrainer(network, 0.003), train, 20);

    const after = score(predict(network, test.pixels), test.labels);
    expect(before.accuracy).toBeLessThan(0.5);
    expect(after.accuracy).toBeGreaterThan(0.95);
    expect(after.loss).toBeLessThan(before.loss);
  });

  it('moves each parameter against the gradient of the loss', () => {
    const random = createRandom(3);
    const network = createNetwork([4, 3, 2], random);
    const pixels = Float32Array.from({ length: 5 * 4 }, random);
    const labels = Uint8Array.of(0, 1, 1, 0, 1);
    const slopes = network.layers.map(({ weights }) =>
      weights.map((value, index) => {
        const lossAt = (moved: number) => {
          weights[index] = moved;
          const { loss } = score(predict(network, pixels), labels);
          weights[index] = value;
          return loss;
        };
        return (lossAt(value + 1e-2) - lossAt(value - 1e-2)) / 2e-2;
      }),
    );
    const before = network.layers.map(({ weights }) => Float32Array.from(weights));

    new AdamTrainer(network, 1e-3).trainBatch(pixels, labels);

    // The first step of Adam always has the length of the learning rate, so only its direction is tested.
    network.layers.forEach(({ weights }, layer) => {
      weights.forEach((value, index) => {
        const slope = slopes[layer]![index]!;
        if (Math.abs(slope) < 1e-3) return;
        expect(Math.sign(value - before[layer]![index]!)).toBe(-Math.sign(slope));
      });
    });
    expect(
      slopes.flatMap((layer) => [...layer]).filter((slope) => Math.abs(slope) >= 1e-3).length,
    ).toBeGreaterThan(8);
  });
});
