// Tracks a run with this package until its event files have the given size.
//
//   node write-run.mjs <root> <bytes> <bytes per second, 0 for full speed> <maximum bytes per file>

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { DIST } from './uploader-process.mjs';

const { Run } = await import(pathToFileURL(join(DIST, 'src/index.js')).href);
const [root, bytesText, rateText, fileBytesText] = process.argv.slice(2);
const bytes = Number(bytesText);
const bytesPerMs = Number(rateText) / 1000;

const run = new Run({ root, name: 'grown', maxFileBytes: Number(fileBytesText) });
const values = Float64Array.from({ length: 1000 }, () => Math.random());
const startMs = performance.now();
let isStopped = false;
process.once('SIGTERM', () => {
  isStopped = true;
});
let written = 0;
for (let step = 0; written < bytes && !isStopped; step++) {
  for (let metric = 0; metric < 20; metric++) run.logMetric(`metric/${metric}`, Math.random(), { step });
  run.logHistogram('weights', values, { step });
  run.logText('said', `${step} `.repeat(1000), { step });
  if (step % 50 !== 0) continue;
  await run.flush();
  written = eventBytes();
  const waitMs = bytesPerMs === 0 ? 0 : startMs + written / bytesPerMs - performance.now();
  await sleep(Math.max(0, waitMs));
}
await run.end();

function eventBytes() {
  const directory = join(root, 'runs', run.uuid, 'outputs/tensorboard');
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}
