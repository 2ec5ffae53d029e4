/** Trains the classifier and logs the run: the tracking part of the quickstart. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run } from 'polytrack';
import { countConfusion, toMarkdownTable, toMatrix } from './confusion.js';
import { CLASSES, DIGIT_PIXELS, DIGIT_SIDE, type Digits, loadDigits, splitDigits } from './digits.js';
import { AdamTrainer, createNetwork, type Network, predict, type Score, score } from './network.js';
import { enlarge } from './pictures.js';
import { createRandom, type Random, shuffledIndices } from './random.js';
import { sonifyLoss } from './tone.js';

const SETTINGS = { hiddenUnits: 32, learningRate: 0.003, batchSize: 32, testShare: 0.2, seed: 1 };
const CONFUSION_EVERY_EPOCHS = 5;
const DIGIT_SCALE = 16;

/** Trains for `epochs` epochs and logs into `run`. Returns the score of the network on the test images. */
export async function trainAndLog(run: Run, epochs: number): Promise<Score> {
  const random = createRandom(SETTINGS.seed);
  const digits = await loadDigits();
  const { train, test } = splitDigits(digits, SETTINGS.testShare, random);
  const network = createNetwork([DIGIT_PIXELS, SETTINGS.hiddenUnits, CLASSES], random);
  run.logInputs({
    ...SETTINGS,
    epochs,
    optimizer: 'adam',
    trainPictures: train.count,
    testPictures: test.count,
  });
  run.logTags(['digits', 'adam']);

  const trainer = new AdamTrainer(network, SETTINGS.learningRate);
  const losses: number[] = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    losses.push(trainEpoch(run, trainer, train, random, epoch));
    logEpoch(run, network, train, test, epoch);
    if (epoch % CONFUSION_EVERY_EPOCHS === 0 || epoch === epochs) logConfusion(run, network, test, epoch);
  }

  const final = score(predict(network, test.pixels), test.labels);
  logMistakes(run, network, test);
  run.logAudio('loss curve', sonifyLoss(losses), {
    step: epochs,
    description: 'One note per epoch; lower is better.',
  });
  run.logOutputs({ accuracy: final.accuracy, loss: final.loss });
  await logModel(run, network);
  return final;
}

/** Trains once on every training image, in a new random order. Returns the mean loss of the batches. */
function trainEpoch(run: Run, trainer: AdamTrainer, train: Digits, random: Random, epoch: number): number {
  const order = shuffledIndices(train.count, random);
  const batches = Math.ceil(train.count / SETTINGS.batchSize);
  let lossSum = 0;
  for (let batch = 0; batch < batches; batch++) {
    const indices = order.subarray(batch * SETTINGS.batchSize, (batch + 1) * SETTINGS.batchSize);
    const pixels = new Float32Array(indices.length * DIGIT_PIXELS);
    indices.forEach((from, to) => {
      pixels.set(train.pixels.subarray(from * DIGIT_PIXELS, (from + 1) * DIGIT_PIXELS), to * DIGIT_PIXELS);
    });
    const labels = Uint8Array.from(indices, (index) => train.labels[index]!);
    const { loss, accuracy } = trainer.trainBatch(pixels, labels);
    run.logMetrics(
      { 'batch/loss': loss, 'batch/accuracy': accuracy },
      { step: (epoch - 1) * batches + batch },
    );
    lossSum += loss;
  }
  return lossSum / batches;
}

function logEpoch(run: Run, network: Network, train: Digits, test: Digits, epoch: number): void {
  const seen = score(predict(network, train.pixels), train.labels);
  const unseen = score(predict(network, test.pixels), test.labels);
  run.logMetrics(
    {
      'train/loss': seen.loss,
      'train/accuracy': seen.accuracy,
      'test/loss': unseen.loss,
      'test/accuracy': unseen.accuracy,
    },
    { step: epoch },
  );
  for (const { name, weights, biases } of network.layers) {
    run.logHistogram(`weights/${name}`, weights, { step: epoch });
    run.logHistogram(`biases/${name}`, biases, { step: epoch });
  }
}

function logConfusion(run: Run, network: Network, test: Digits, epoch: number): void {
  const confusion = countConfusion(predict(network, test.pixels), test.labels);
  run.logConfusionMatrix('confusion matrix', toMatrix(confusion), {
    step: epoch,
    description: 'Rows: the digit on the image. Columns: the predicted digit.',
  });
  run.logText('precision and recall', toMarkdownTable(confusion), { step: epoch });
}

/** Logs every misclassified test image. The name contains both digits; the step numbers the images with the same name. */
function logMistakes(run: Run, network: Network, test: Digits): void {
  const { mistakes } = countConfusion(predict(network, test.pixels), test.labels);
  const seen = new Map<string, number>();
  for (const { index, actual, predicted } of mistakes) {
    const name = `misclassified/${actual} taken for ${predicted}`;
    const step = seen.get(name) ?? 0;
    seen.set(name, step + 1);
    const pixels = test.pixels.subarray(index * DIGIT_PIXELS, (index + 1) * DIGIT_PIXELS);
    run.logImage(name, enlarge(pixels, DIGIT_SIDE, DIGIT_SCALE), { step });
  }
}

/** Logs the network as a model, in a JSON file. */
async function logModel(run: Run, network: Network): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'quickstart-'));
  try {
    const path = join(directory, 'model.json');
    const layers = network.layers.map((layer) => ({
      ...layer,
      weights: [...layer.weights],
      biases: [...layer.biases],
    }));
    await writeFile(path, JSON.stringify({ layers }));
    await run.logModel(path, { relPath: 'model', summary: { hiddenUnits: SETTINGS.hiddenUnits } });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
