/** Trains a classifier of handwritten digits with TensorFlow.js: node build/examples/tfjs-training.js [root] */

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, layers, sequential } from '@tensorflow/tfjs-layers';
import { Run } from 'polytrack';
import { createTfjsCallbacks } from 'polytrack/integrations/tfjs';
import { CLASSES, DIGIT_PIXELS, loadDigits } from './quickstart/digits.js';

const EPOCHS = 10;
await tf.setBackend('cpu');
const run = new Run({ root: process.argv[2], name: 'tfjs-digits' });
run.logInputs({ epochs: EPOCHS, optimizer: 'adam', units: 32 });

const digits = await loadDigits();
const xs = tf.tensor2d(digits.pixels, [digits.count, DIGIT_PIXELS]);
const ys = tf.oneHot(tf.tensor1d(digits.labels, 'int32'), CLASSES);

// Seeds and a fixed order, so that each training gives the same curves.
const kernelInitializer = initializers.glorotUniform({ seed: 1 });
const model = sequential();
model.add(
  layers.dense({
    units: 32,
    activation: 'relu',
    inputShape: [DIGIT_PIXELS],
    kernelInitializer,
    name: 'hidden',
  }),
);
model.add(layers.dense({ units: CLASSES, activation: 'softmax', kernelInitializer, name: 'digits' }));
model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });

await model.fit(xs, ys, {
  epochs: EPOCHS,
  batchSize: 64,
  validationSplit: 0.2,
  shuffle: false,
  verbose: 0,
  callbacks: createTfjsCallbacks(run, model),
});
await run.end();
console.log(run.paths.run);
