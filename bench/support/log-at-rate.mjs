// Tracks a run and logs metrics at a constant rate.
//
//   node log-at-rate.mjs <root> <uuid> <project> <seconds> <milliseconds between steps> <metrics>

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { DIST } from './uploader-process.mjs';

const { Run } = await import(pathToFileURL(join(DIST, 'src/index.js')).href);
const [root, uuid, project, seconds, periodMs, metrics] = process.argv.slice(2);

const run = new Run({ root, uuid, project, name: 'live' });
const startMs = performance.now();
for (let step = 0; performance.now() - startMs < Number(seconds) * 1000; step++) {
  for (let metric = 0; metric < Number(metrics); metric++)
    run.logMetric(`loss-${metric}`, 1 / (1 + step), { step });
  await sleep(startMs + (step + 1) * Number(periodMs) - performance.now());
}
await run.end();
