// Logs scalars in rounds over many names: node log-names.mjs <names> <formats> <count> <directory>
//
// Prints the time of one scalar after the first round, which also prepares each name, and the memory that all of it needs.

import { Run } from '../../dist/src/index.js';
import { createValues, report, startMeasuring } from '../support/values.mjs';

const [nameCount, formats, count, directory] = process.argv.slice(2);
const names = Array.from({ length: Number(nameCount) }, (_, i) => `layer/${i}/weight`);
const rounds = Math.ceil(Number(count) / names.length);
const values = createValues();
const imported = process.resourceUsage().maxRSS / 1024;
const run = new Run({ root: directory, trackLogs: false, formats: formats.split(',') });

function logRounds(from, to) {
  for (let step = from; step < to; step++) {
    for (let i = 0; i < names.length; i++) run.logMetric(names[i], values[(step + i) & 1023], { step });
  }
}

logRounds(0, 1);
await run.flush();
const end = startMeasuring((rounds - 1) * names.length);
logRounds(1, rounds);
await run.flush();
const measured = end();
await run.end();
report({ ...measured, above: process.resourceUsage().maxRSS / 1024 - imported });
