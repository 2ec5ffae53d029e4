/** Writes three runs with data for every dashboard, using the public API. The data are the same each time. */

import { join } from 'node:path';
import { GraphBuilder, SummaryWriter } from '../../src/index.js';

/** Pseudo-random numbers in [0, 1): a linear congruential generator with the constants of Numerical Recipes. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Writes the runs below `logdir`; only the first run has values of all kinds. */
export async function writeDashboardRuns(logdir: string): Promise<void> {
  for (const [trial, lr] of [0.1, 0.03, 0.01].entries()) {
    await using writer = new SummaryWriter(join(logdir, `trial-${trial + 1}`));
    const random = createRandom(trial + 1);
    for (let step = 0; step < 100; step++) {
      const loss = Math.exp(-step * lr) + 0.1 * random() * Math.exp(-step / 40);
      const accuracy = 1 - loss / 2;
      writer.addScalar('train/loss', loss, step);
      writer.addScalars('quality', { mean: accuracy, low: accuracy - 0.1, high: accuracy + 0.1 }, step);
    }
    for (let step = 0; step < 10; step++) {
      const spread = 1 + step / 4;
      const weights = Float64Array.from(
        { length: 2000 },
        () => (random() + random() + random() - 1.5) * spread,
      );
      writer.addHistogram('weights/dense', weights, step);
    }
    writer.addHparams(
      { lr, optimizer: 'adam', units: 16 * (trial + 1) },
      { 'test/accuracy': 0.9 + trial / 100 },
    );
    if (trial === 0) addEverything(writer, random);
  }
}

function addEverything(writer: SummaryWriter, random: () => number): void {
  const boxes = [{ xMin: 20, yMin: 40, xMax: 100, yMax: 110, label: 'cat 0.93' }];
  writer.addImageWithBoxes('detections', gradient(128, 192, 0), boxes, 1);
  writer.addVideo(
    'video',
    [0, 16, 32, 48].map((shift) => gradient(32, 48, shift)),
    1,
  );
  const samples = Float32Array.from({ length: 8000 }, (_, i) => Math.sin(i / 5) / 2);
  writer.addAudio('tone', { samples, sampleRateHz: 8000 }, 1);
  writer.addText('notes', '# Notes\n\nsome **bold** text', 1);
  writer.addText(
    'table',
    [
      ['class', 'precision'],
      ['0', '0.98'],
    ],
    1,
  );
  const labels = Array.from({ length: 200 }, (_, i) => i % 2);
  const predictions = labels.map((label) =>
    Math.min(1, Math.max(0, 0.35 + 0.3 * label + (random() - 0.5) * 0.6)),
  );
  writer.addPrCurve('digit 3', labels, predictions, 1);
  writer.addMesh('sphere', createSphere(400), 1);
  writer.addCustomScalars({ quality: { band: ['Margin', ['quality/mean', 'quality/low', 'quality/high']] } });
  const graph = new GraphBuilder();
  const weights = graph.node({ name: 'dense/w', op: 'Const' });
  const input = graph.node({ name: 'input/x', op: 'Placeholder' });
  const product = graph.node({
    name: 'dense/matmul',
    op: 'MatMul',
    inputs: [input, weights],
    outputShapes: [[null, 10]],
  });
  graph.node({ name: 'softmax', op: 'Softmax', inputs: [product] });
  writer.addGraph(graph);
  const vectors = Array.from({ length: 100 }, () => Array.from({ length: 8 }, random));
  writer.addEmbedding('digits', { vectors, metadata: vectors.map((_, i) => `digit ${i % 10}`) });
}

function gradient(height: number, width: number, shift: number) {
  const pixels = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    const [y, x] = [Math.floor(i / width), (i % width) + shift];
    pixels.set([(x * 255) / width, (y * 255) / height, 128], i * 3);
  }
  return { pixels, height, width };
}

/** Points on a sphere, coloured from bottom to top. */
function createSphere(count: number) {
  const rows = Array.from({ length: count }, (_, i) => {
    const z = 1 - (2 * i) / (count - 1);
    const radius = Math.sqrt(Math.max(0, 1 - z * z));
    return [radius * Math.cos(i * 2.4), radius * Math.sin(i * 2.4), z];
  });
  return { vertices: rows, colors: rows.map(([, , z]) => [128 + Math.round(127 * z!), 80, 200]) };
}
