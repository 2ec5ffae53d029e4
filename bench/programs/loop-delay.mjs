// Measures the event loop delay while it logs images:
//
//   node loop-delay.mjs <log|idle> <count> <period in ms> <height> <width> <directory> <file of pixels>

import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Run } from '../../dist/src/index.js';
import { readImages, report } from '../support/values.mjs';

const [how, countText, periodText, heightText, widthText, directory, images] = process.argv.slice(2);
const [height, width] = [Number(heightText), Number(widthText)];
const inputs = readImages(images, height, width);
const run = new Run({ root: directory, trackLogs: false });
await sleep(200);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
for (let i = 0; i < Number(countText); i++) {
  if (how === 'log')
    run.logImage('sample', { pixels: inputs[i % inputs.length], height, width }, { step: i });
  await sleep(Number(periodText));
}
await run.flush();
delay.disable();
await run.end();
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
report({ p50: delay.percentile(50), p99: delay.percentile(99), worst: delay.max, version });
