// Logs large values: node log-large.mjs <histograms|images|png-floor> <count> <directory> [<file of pixels>]

import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { Run } from '../../dist/src/index.js';
import { createValues, readImages, report, startMeasuring } from '../support/values.mjs';

const [how, countText, directory, images] = process.argv.slice(2);
const count = Number(countText);
const SIDE = 256;
const IN_FLIGHT = 4;

const LOGGERS = {
  async histograms() {
    const inputs = Array.from({ length: 64 }, (_, i) => createNormals(i));
    const run = startRun();
    return measure(async () => {
      for (let i = 0; i < count; i++) {
        run.logHistogram('weights', inputs[i % 64], { step: i });
        if (i % 100 === 0) await nextTurn();
      }
      await run.flush();
    });
  },
  async images() {
    const inputs = readImages(images, SIDE, SIDE);
    const run = startRun();
    return measure(async () => {
      for (let i = 0; i < count; i++) {
        run.logImage('sample', { pixels: inputs[i % 16], height: SIDE, width: SIDE }, { step: i });
        await nextTurn();
      }
      await run.flush();
    });
  },
  /** Only zlib, on all its threads, with rows that are already filtered. */
  async 'png-floor'() {
    const inputs = readImages(images, SIDE, SIDE).map(filterRows);
    const compress = promisify(deflate);
    const fd = openSync(join(directory, 'floor'), 'w');
    let next = 0;
    const work = async () => {
      while (next < count) {
        const compressed = await compress(inputs[next++ % 16], { level: 4, chunkSize: 256 * 1024 });
        writeSync(fd, compressed);
      }
    };
    const measured = await measure(() => Promise.all(Array.from({ length: IN_FLIGHT }, work)));
    closeSync(fd);
    return measured;
  },
};

report(await LOGGERS[how]());
process.exit(0);

async function measure(work) {
  const before = performance.eventLoopUtilization();
  const ranBefore = mainThreadNs();
  const end = startMeasuring(count);
  await work();
  const measured = end();
  const ran = ((mainThreadNs() - ranBefore) / measured.total) * 100;
  const blocked = performance.eventLoopUtilization(before).utilization * 100;
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return {
    ...measured,
    blocked,
    ...(Number.isNaN(ran) ? {} : { ran }),
    ...(how === 'png-floor' ? {} : { version }),
  };
}

/** Time for which the main thread used a processor, in nanoseconds; NaN where the system does not report it. */
function mainThreadNs() {
  const path = `/proc/self/task/${process.pid}/schedstat`;
  return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[0]) : Number.NaN;
}

function startRun() {
  return new Run({ root: directory, trackLogs: false });
}

/** Sums of uniform numbers approximate a normal distribution. */
function createNormals(seed) {
  const uniform = createValues(4096 + seed);
  return Float64Array.from({ length: 1000 }, (_, i) => {
    let sum = -2;
    for (let k = 0; k < 4; k++) sum += uniform[(i * 4 + k + seed) % uniform.length];
    return sum;
  });
}

function filterRows(pixels) {
  const rowBytes = SIDE * 3;
  const out = new Uint8Array((rowBytes + 1) * SIDE);
  for (let row = 0; row < SIDE; row++) {
    const from = row * rowBytes;
    const to = row * (rowBytes + 1);
    out[to] = 2;
    for (let i = 0; i < rowBytes; i++)
      out[to + 1 + i] = pixels[from + i] - (row === 0 ? 0 : pixels[from + i - rowBytes]);
  }
  return out;
}
