// Measures memory while it logs scalars: node log-memory.mjs <count> <directory>

import { readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Run } from '../../dist/src/index.js';
import { createValues, report, TAGS } from '../support/values.mjs';

const count = Number(process.argv[2]);
const values = createValues();
const MiB = 2 ** 20;
const imported = process.memoryUsage.rss() / MiB;
const run = new Run({ root: process.argv[3], trackLogs: false });
let peak = imported;
let early = 0;
for (let i = 0; i < count; i++) {
  run.logMetric(TAGS[i % 20], values[i & 1023], { step: (i / 20) | 0 });
  if (i % 1000 === 999) await nextTurn();
  if (i % 100_000 !== 99_999) continue;
  const rss = process.memoryUsage.rss() / MiB;
  peak = Math.max(peak, rss);
  if (i < count / 10) early = peak;
}
await run.end();
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
report({ imported, above: peak - imported, growth: peak - early, version });
