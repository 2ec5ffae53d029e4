// One of many processes that write runs to a shared directory, with this package.
//
//   node write-many.mjs <root> <runs> <files of a run> <seconds>
//
// Prints "ready", and starts after it has read a line from stdin.

import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { DIST } from './uploader-process.mjs';

const { Run } = await import(pathToFileURL(join(DIST, 'src/index.js')).href);
const [root, runCount, fileCount, seconds] = process.argv.slice(2);
/** Files that every run has: event file, run file, lineage, environment. */
const OWN_FILES = 4;
const PERIOD_MS = 1000;

console.log('ready');
await once(process.stdin, 'data');
process.stdin.destroy();
const runs = Array.from({ length: Number(runCount) }, (_, i) => {
  const options = { trackCode: false, trackLogs: false, collectResources: false, flushIntervalMs: 500 };
  return new Run({ root, name: `run-${i}`, ...options });
});
const artifacts = Number(fileCount) - OWN_FILES;
const startMs = performance.now();
const steps = Math.round((Number(seconds) * 1000) / PERIOD_MS);
for (let step = 0; step < steps; step++) {
  for (const run of runs) {
    run.logMetrics({ loss: 1 / (1 + step), accuracy: step / steps }, { step });
    appendFileSync(run.getOutputsPath('train.log'), `step ${step}\n`);
    const first = Math.floor((step * artifacts) / steps);
    for (let i = first; i < Math.floor(((step + 1) * artifacts) / steps) && i < artifacts - 1; i++)
      writeFileSync(run.getOutputsPath(`sample-${i}.bin`), Buffer.alloc(1000 + 500 * i, i));
  }
  await sleep(startMs + (step + 1) * PERIOD_MS - performance.now());
}
for (const run of runs) await run.end();
