/** Trains 20 networks with other parameters, for TensorBoard's HParams dashboard: node build/examples/sweep.js [root] */

import { Run } from 'polytrack';
import { DIGIT_PIXELS, loadDigits, splitDigits } from './quickstart/digits.js';
import { AdamTrainer, createNetwork, predict, score } from './quickstart/network.js';
import { createRandom } from './quickstart/random.js';

const BATCH = 32;
const EPOCHS = 4;
const { train, test } = splitDigits(await loadDigits(), 0.2, createRandom(1));

for (let trial = 0; trial < 20; trial += 1) {
  const inputs = {
    units: [8, 16, 32, 64][trial % 4]!,
    learningRate: 0.0003 * 4 ** Math.floor(trial / 4),
    seed: trial,
  };
  const run = new Run({ root: process.argv[2], name: `trial-${trial + 1}`, tags: ['sweep'] });
  run.logInputs(inputs);
  const network = createNetwork([DIGIT_PIXELS, inputs.units, 10], createRandom(inputs.seed));
  const trainer = new AdamTrainer(network, inputs.learningRate);
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    for (let start = 0; start < train.count; start += BATCH) {
      const end = Math.min(start + BATCH, train.count);
      trainer.trainBatch(
        train.pixels.subarray(start * DIGIT_PIXELS, end * DIGIT_PIXELS),
        train.labels.subarray(start, end),
      );
    }
    const { loss, accuracy } = score(predict(network, test.pixels), test.labels);
    run.logMetrics({ loss, accuracy }, { step: epoch });
  }
  await run.end();
}
