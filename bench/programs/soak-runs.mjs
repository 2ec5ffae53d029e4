// Writes runs one after the other, several at the same time, and removes each some time after its end.
//
//   node soak-runs.mjs <root> <objects> <writers> <seconds> <seed>
//
// A run lasts 20 to 100 seconds. It logs metrics, a text log and one checkpoint. Once `objects`, the directory of the S3 server with one folder
// for each run, has its manifest, which proves that all of it is stored, it is removed within 40 seconds. Prints its counts as JSON.

import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { createRandom } from '../support/random.mjs';
import { DIST } from '../support/uploader-process.mjs';

const { Run } = await import(pathToFileURL(join(DIST, 'src/index.js')).href);
const [root, objects, writers, seconds, seed] = process.argv.slice(2);
const random = createRandom(Number(seed));
const endMs = performance.now() + Number(seconds) * 1000;
const options = { root, trackCode: false, trackEnv: false, trackLogs: false, collectResources: false };
const counts = { runs: 0, removed: 0 };
const removals = [];

await Promise.all(Array.from({ length: Number(writers) }, write));
await Promise.all(removals);
console.log(JSON.stringify(counts));

async function write() {
  while (performance.now() < endMs) {
    const run = new Run({ ...options, name: `soak-${seed}-${counts.runs}` });
    counts.runs += 1;
    const directory = join(root, 'runs', run.uuid);
    const outputs = join(directory, 'outputs');
    mkdirSync(outputs, { recursive: true });
    writeFileSync(
      join(outputs, 'checkpoint.bin'),
      Buffer.alloc(20_000 + Math.floor(random() * 60_000), run.uuid),
    );
    const lastMs = Math.min(endMs, performance.now() + 20_000 + random() * 80_000);
    for (let step = 0; performance.now() < lastMs; step += 1) {
      run.logMetrics({ loss: 1 / (step + 1), accuracy: random(), rate: random(), norm: random() }, { step });
      appendFileSync(join(outputs, 'train.log'), `step ${step}: ${'all is well '.repeat(20)}\n`);
      await sleep(100);
    }
    await run.end();
    removals.push(remove(run.uuid, directory));
  }
}

async function remove(uuid, directory) {
  const manifests = join(objects, uuid, '.plx/manifest');
  while (!existsSync(manifests)) await sleep(1_000);
  await sleep(Math.min(random() * 40_000, Math.max(0, endMs - performance.now())));
  rmSync(directory, { recursive: true });
  counts.removed += 1;
}
