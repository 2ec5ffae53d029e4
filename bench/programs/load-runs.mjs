// Reads a root of runs: node load-runs.mjs <columns|batches|first|parquet> <root> [directory]
//
// `parquet` writes metrics.parquet, and points.f64 with the same points from the event files: steps, wall times and values of each run and metric in turn, as
// arrays of float64.

import { createWriteStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { EventFileReader } from '../../dist/src/format/index.js';
import { exportMetrics, loadRuns } from '../../dist/src/index.js';
import { report } from '../support/values.mjs';

const [how, root, directory] = process.argv.slice(2);
const files = readdirSync(join(root, 'runs'))
  .sort()
  .map((uuid) => join(root, 'runs', uuid, 'outputs/tensorboard'))
  .map((logdir) => join(logdir, readdirSync(logdir)[0]));
let count = 0;

const WORK = {
  async columns() {
    for await (const run of loadRuns(root))
      for (const { values } of (await run.metrics()).metrics) count += values.length;
    return {};
  },
  async batches() {
    for (const file of files) {
      const reader = new EventFileReader(file);
      for await (const batch of reader.readBatches())
        if (batch.kind === 'scalars') count += batch.scalars.count;
      await reader.close();
    }
    return {};
  },
  async first() {
    const all = files.reduce((sum, file) => sum + statSync(file).size, 0);
    const before = countReadBytes();
    for await (const run of loadRuns(root)) {
      count += (await run.metrics()).metrics.length;
      break;
    }
    const columns = countReadBytes() - before;
    // The first piece is the header.
    let pieces = 0;
    for await (const piece of exportMetrics(loadRuns(root), { format: 'csv' })) {
      count += piece.length;
      pieces += 1;
      if (pieces === 2) break;
    }
    const rows = countReadBytes() - before - columns;
    return { columnsShare: (columns / all) * 100, rowsShare: (rows / all) * 100 };
  },
  async parquet() {
    const parquet = await open(join(directory, 'metrics.parquet'), 'w');
    for await (const piece of exportMetrics(loadRuns(root), { format: 'parquet' }))
      await parquet.writeFile(piece);
    await parquet.close();
    const out = createWriteStream(join(directory, 'points.f64'));
    for (const file of files) {
      const points = await readPoints(file);
      for (const columns of points.values())
        for (const column of columns)
          if (!out.write(new Uint8Array(Float64Array.from(column).buffer)))
            await new Promise((resolve) => out.once('drain', resolve));
      for (const [steps] of points.values()) count += steps.length;
    }
    out.end();
    await finished(out);
    return {};
  },
};

/** The steps, wall times and values of each tag of an event file. */
async function readPoints(file) {
  const points = new Map();
  const reader = new EventFileReader(file);
  for await (const { event } of reader.read()) {
    if (event.what.kind !== 'summary') continue;
    for (const { tag, value } of event.what.values) {
      if (!points.has(tag)) points.set(tag, [[], [], []]);
      const [steps, wallTimes, values] = points.get(tag);
      steps.push(event.step);
      wallTimes.push(event.wallTime);
      const { doubleVal, floatVal } = value.tensor;
      values.push(doubleVal?.[0] ?? floatVal[0]);
    }
  }
  await reader.close();
  return points;
}

/** The bytes that this process has read from files so far. */
function countReadBytes() {
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1]);
}

const begun = process.hrtime.bigint();
const cpu = process.cpuUsage();
const figures = await WORK[how]();
const nanoseconds = Number(process.hrtime.bigint() - begun);
const { user, system } = process.cpuUsage(cpu);
if (count === 0) throw new Error('read nothing');
const isWhole = how === 'columns' || how === 'batches';
report({
  ...figures,
  ...(isWhole
    ? {
        nanoseconds: nanoseconds / count,
        cpu: ((user + system) * 1000) / count,
        rss: process.memoryUsage.rss() / 2 ** 20,
      }
    : {}),
  count,
});
