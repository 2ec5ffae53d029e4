/** Runs an ONNX model with onnxruntime, and tracks its latency and its results: node build/examples/onnx-inference.js [root] */

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { Run } from 'polytrack';
import { createRandom } from './quickstart/random.js';

const packageRoot = dirname(createRequire(import.meta.url).resolve('polytrack/package.json'));
const model = await readFile(join(packageRoot, 'fixtures/onnx/perceptron.onnx'));
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
const [input] = session.inputMetadata;
if (input?.isTensor !== true) throw new Error('the model has no tensor as input');
const features = Number(input.shape.at(-1));

const run = new Run({ root: process.argv[2], name: 'onnx-perceptron' });
run.logInputs({ provider: 'wasm', batch: 8, features });
run.logOnnxGraph(model);
const random = createRandom(3);
const latencies: number[] = [];
for (let step = 0; step < 20; step += 1) {
  const data = Float32Array.from({ length: 8 * features }, () => random() * 2 - 1);
  const startMs = performance.now();
  const results = await session.run({
    [session.inputNames[0]!]: new ort.Tensor('float32', data, [8, features]),
  });
  latencies.push(performance.now() - startMs);
  run.logMetric('latency_ms', latencies.at(-1)!, { step });
  for (const [name, { data: values, type }] of Object.entries(results)) {
    if (type === 'float32') run.logHistogram(name, values as Float32Array, { step });
  }
}
latencies.sort((a, b) => a - b);
run.logOutputs({ median_latency_ms: latencies[10]!, runs: latencies.length });
await run.end();
console.log(run.paths.run);
