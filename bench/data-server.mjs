// Measures the data server for TensorBoard beside TensorBoard's own readers.
//
//   node bench/data-server.mjs [--trials 3] [--size 200MiB] [--runs 1000] [--python 1] [--json]
//
// Each figure is the median of all trials, in which the contestants take turns. `alone` is the time from the start of the data server until it
// returns the last point of every series. `through TensorBoard` is that from the start of TensorBoard until its HTTP routes return it; `polytrack ui`
// starts TensorBoard and the data server together. `TensorBoard itself` is the time until it answers for an empty directory, which nothing can be faster
// than. The Python reader needs minutes, so it is measured once; `--python 0` leaves it out. It needs a build (`npm run build`) and
// TensorBoard (`npm run peers`).

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SummaryWriter } from '../dist/src/index.js';
import { parseSize, runMeasurement } from './support/arguments.mjs';
import {
  countPoints,
  DataProviderClient,
  decodeSteps,
  encodeRequest,
} from './support/data-provider-client.mjs';
import { readCpuMs, readMemory } from './support/process-stat.mjs';
import { DATA_SERVER, findRustServer, median, startTensorBoard, until } from './support/tensorboard.mjs';
import { createValues } from './support/values.mjs';

const TAGS = Array.from({ length: 10 }, (_, i) => `train/metric_${i}`);
const POINT_BYTES = 71;
const POLL_MS = 10;
const CALLS = 200;
/** A delayed acknowledgement of TCP takes 40 ms. */
const STALL_MS = 30;
const LAGS = 5;

const pluginFilter = { pluginName: 'scalars' };
const LIST = encodeRequest({ pluginFilter });
const READ = encodeRequest({ pluginFilter, downsample: { numPoints: 1000 } });

const DEFAULTS = { trials: '3', size: '200MiB', runs: '1000', python: '1' };
await runMeasurement(DEFAULTS, async ({ values, directory, say }) => {
  const sizeBytes = parseSize(values.size);
  const trials = Number(values.trials);
  const shapes = [
    { name: 'one run', runs: 1 },
    { name: `${values.runs} runs`, runs: Number(values.runs) },
  ];
  const figures = {};
  const compare = (name, { ours, rust }, unit) => {
    const [own, peer] = [median(ours), median(rust)];
    figures[name] =
      `${own.toFixed(1)} ${unit}, Rust ${peer.toFixed(1)} ${unit}: ${(own / peer).toFixed(2)} ×`;
  };
  for (const { name, runs } of shapes) {
    const data = {
      logdir: join(directory, String(runs)),
      runs,
      lastStep: Math.ceil(sizeBytes / POINT_BYTES / TAGS.length / runs),
    };
    await writeRuns(data);
    say(`wrote ${name}`);
    const alone = { ours: [], rust: [] };
    const processor = { ours: [], rust: [] };
    const peaks = { ours: [], rust: [] };
    const board = { ours: [], rust: [], ui: [], empty: [] };
    const latencies = { ours: [], rust: [] };
    for (let trial = 0; trial < trials; trial++) {
      for (const who of ['ours', 'rust']) {
        const measured = await measureServer(who, data, directory);
        alone[who].push(measured.ms);
        processor[who].push(measured.cpuMs);
        peaks[who].push(measured.peakBytes / 2 ** 20);
        latencies[who].push(...measured.latencies);
      }
      for (const who of ['ours', 'rust', 'ui']) board[who].push(await measureTensorBoard(who, data));
      if (runs === 1) board.empty.push(await measureStart(directory));
      say(`${name}: trial ${trial + 1}`);
    }
    compare(`${name}, alone`, alone, 'ms');
    compare(`${name}, alone, processor time`, processor, 'ms');
    compare(`${name}, through TensorBoard`, board, 'ms');
    compare(`${name}, through polytrack ui`, { ours: board.ui, rust: board.rust }, 'ms');
    if (runs === 1) figures['TensorBoard itself'] = `${median(board.empty).toFixed(0)} ms`;
    compare(`${name}, peak memory`, peaks, 'MiB');
    if (runs === 1) {
      compare('ReadScalars, 10 × 1,000 points', latencies, 'ms');
      for (const [who, all] of Object.entries(latencies))
        figures[`ReadScalars, ${who}`] =
          `max ${Math.max(...all).toFixed(1)} ms, ${all.filter((ms) => ms > STALL_MS).length} of ${all.length} stalled`;
    }
    if (values.python !== '0') {
      const ms = await measureTensorBoard('python', data);
      const [ours, ui] = [board.ours, board.ui].map((all) => (median(all) / ms).toFixed(4));
      figures[`${name}, Python reader`] = `${ms.toFixed(0)} ms: ours ${ours} ×, polytrack ui ${ui} ×`;
    }
  }
  const lags = { ours: await measureLag('ours', directory), rust: await measureLag('rust', directory) };
  compare('lag of a growing file', lags, 'ms');
  return { figures, failures: [] };
});

async function writeRuns({ logdir, runs, lastStep }) {
  const numbers = createValues();
  for (let run = 0; run < runs; run++) {
    const writer = new SummaryWriter(join(logdir, `run-${String(run).padStart(4, '0')}`), {
      maxFileBytes: 2 ** 31,
    });
    for (let step = 0; step <= lastStep; step++) {
      for (const [i, tag] of TAGS.entries())
        writer.addScalar(tag, numbers[(step * 10 + i) & 1023], step, { wallTime: 1.7e9 + step * 0.0137 });
      if (step % 1000 === 0) await writer.flush();
    }
    await writer.close();
  }
}

/** The options are those that TensorBoard passes. */
async function startServer(who, logdir, directory) {
  const portFile = join(mkdtempSync(join(directory, 'port-')), 'port');
  const args = [
    `--logdir=${logdir}`,
    '--reload=5',
    '--samples-per-plugin=',
    '--port=0',
    `--port-file=${portFile}`,
  ];
  const startMs = performance.now();
  const child =
    who === 'ours'
      ? spawn(process.execPath, [DATA_SERVER, ...args], { stdio: 'ignore' })
      : spawn(findRustServer(), args, { stdio: 'ignore' });
  const port = await until(() => existsSync(portFile) && Number(readFileSync(portFile, 'utf8')), 2);
  const client = await DataProviderClient.open(port);
  const stop = () => {
    client.close();
    child.kill('SIGKILL');
  };
  return { child, client, startMs, stop };
}

async function measureServer(who, { logdir, runs, lastStep }, directory) {
  const { child, client, startMs, stop } = await startServer(who, logdir, directory);
  try {
    await until(async () => {
      const found = decodeSteps(await client.call('ListScalars', LIST));
      return (
        found.runs === runs &&
        found.steps.length === runs * TAGS.length &&
        found.steps.every((step) => step === lastStep)
      );
    }, POLL_MS);
    const ms = performance.now() - startMs;
    const { peakBytes } = readMemory(child.pid);
    const cpuMs = readCpuMs(child.pid).own;
    const latencies = [];
    for (let i = 0; runs === 1 && i < CALLS; i++) {
      const callMs = performance.now();
      const reply = await client.call('ReadScalars', READ);
      latencies.push(performance.now() - callMs);
      if (i === 0 && countPoints(reply) < 9 * 1000) throw new Error(`${who}: ${countPoints(reply)} points`);
    }
    return { ms, cpuMs, peakBytes, latencies };
  } finally {
    stop();
  }
}

/** Until the routes return the last points of some of the runs. */
async function measureTensorBoard(who, { logdir, runs, lastStep }) {
  const board = await startTensorBoard(who, logdir);
  try {
    const expected = Array.from(
      { length: Math.min(runs, 20) },
      (_, i) => Math.round((i * (runs - 1)) / 19) || 0,
    );
    while (expected.length > 0) {
      const query = new URLSearchParams({
        run: `run-${String(expected.at(-1)).padStart(4, '0')}`,
        tag: TAGS.at(-1),
      });
      await until(async () => {
        const points = await board.get(`plugin/scalars/scalars?${query}`);
        return points?.at(-1)?.[1] === lastStep;
      }, POLL_MS);
      expected.pop();
    }
    return performance.now() - board.startMs;
  } finally {
    await board.stop();
  }
}

/** Until TensorBoard answers for an empty directory. */
async function measureStart(directory) {
  const board = await startTensorBoard('rust', mkdtempSync(join(directory, 'empty-')));
  try {
    await until(() => board.get('runs'), POLL_MS);
    return performance.now() - board.startMs;
  } finally {
    await board.stop();
  }
}

/** From the end of a flush until the server lists the step. */
async function measureLag(who, directory) {
  const logdir = join(directory, `lag-${who}`);
  mkdirSync(logdir);
  const writer = new SummaryWriter(logdir);
  const add = async (step) => {
    writer.addScalar('loss', step, step);
    await writer.flush();
  };
  await add(1);
  const { client, stop } = await startServer(who, logdir, directory);
  const lags = [];
  const seen = async (step) => decodeSteps(await client.call('ListScalars', LIST)).steps.includes(step);
  try {
    await until(() => seen(1), POLL_MS);
    for (let step = 2; step < 2 + LAGS; step++) {
      // Not in step with any interval of a server.
      await delay(1000 + step * 173);
      await add(step);
      const flushedMs = performance.now();
      await until(() => seen(step), 2);
      lags.push(performance.now() - flushedMs);
    }
    return lags;
  } finally {
    stop();
    await writer.close();
  }
}
