// Trains until it is killed, or until SIGTERM, which ends the run.
//
//   node train-until-killed.mjs <root> <uuid> <first step> <resume: yes|no>
//
// Logs one value per step, equal to the step, appends to a log, and replaces a model, which begins with the SHA-256 of its rest. Prints a step when
// `flush()` has returned after it.

import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { DIST } from '../support/uploader-process.mjs';

const { Run } = await import(pathToFileURL(join(DIST, 'src/index.js')).href);
const [root, uuid, first, resume] = process.argv.slice(2);

const run = new Run({
  ...{ root, uuid, name: `killed-${uuid.slice(0, 4)}`, resume: resume === 'yes' },
  ...{ maxFileBytes: 256 * 1024, flushIntervalMs: 20, trackCode: false },
});
let isStopped = false;
process.once('SIGTERM', () => {
  isStopped = true;
});
const outputs = join(root, 'runs', uuid, 'outputs');
mkdirSync(outputs, { recursive: true });
run.logInputs({ first_step: Number(first) });
for (let step = Number(first); !isStopped; step++) {
  run.logMetric('counter', step, { step });
  if (step % 10 === 0) run.logText('note', `${step} `.repeat(200), { step });
  if (step % 25 === 0) {
    await run.flush();
    process.stdout.write(`${step}\n`);
    appendFileSync(join(outputs, 'train.log'), `step ${step}\n`.repeat(20));
  }
  if (step % 200 === 0) {
    const bytes = randomBytes(50_000 + (step % 7) * 10_000);
    const model = Buffer.concat([Buffer.from(createHash('sha256').update(bytes).digest('hex')), bytes]);
    writeFileSync(join(outputs, 'model.bin.tmp'), model);
    renameSync(join(outputs, 'model.bin.tmp'), join(outputs, 'model.bin'));
  }
  await sleep(2);
}
await run.end();
