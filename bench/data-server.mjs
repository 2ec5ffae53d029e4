// Measures the data server for TensorBoard beside TensorBoard's own readers.
//
//   node bench/data-server.mjs [--trials 3] [--size 200MiB] [--runs 1000] [--python 0] [--json]
//
// Each figure is the median of all trials, in which the contestants take turns. `alone` is the time from the start of the data server until it
// returns the last point of every series. `through TensorBoard` is that from the start of TensorBoard until its HTTP routes return it. `--python 1`
// measures TensorBoard's Python reader once, which takes minutes. It needs a build (`npm run build`) and TensorBoard (`npm run peers`).

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SummaryWriter } from '../dist/src/index.js';
import { peersDirectory } from '../scripts/peers-directory.mjs';
import { parseSize, runMeasurement } from './support/arguments.mjs';
import {
  countPoints,
  DataProviderClient,
  decodeSteps,
  encodeRequest,
} from './support/data-provider-client.mjs';
import { readCpuMs, readMemory } from './support/process-stat.mjs';
import { createValues } from './support/values.mjs';

const VENV = join(peersDirectory(), 'tensorboard/venv');
const OURS = join(import.meta.dirname, '../dist/uploader/tensorboard-data-server.js');
const RUST = findRust();
const TAGS = Array.from({ length: 10 }, (_, i) => `train/metric_${i}`);
const POINT_BYTES = 71;
const POLL_MS = 10;
const TIMEOUT_MS = 600_000;
const CALLS = 200;
/** A delayed acknowledgement of TCP takes 40 ms. */
const STALL_MS = 30;
const LAGS = 5;

const pluginFilter = { pluginName: 'scalars' };
const LIST = encodeRequest({ pluginFilter });
const READ = encodeRequest({ pluginFilter, downsample: { numPoints: 1000 } });

const DEFAULTS = { trials: '3', size: '200MiB', runs: '1000', python: '0' };
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
    const board = { ours: [], rust: [] };
    const latencies = { ours: [], rust: [] };
    for (let trial = 0; trial < trials; trial++) {
      for (const who of ['ours', 'rust']) {
        const measured = await measureServer(who, data, directory);
        alone[who].push(measured.ms);
        processor[who].push(measured.cpuMs);
        peaks[who].push(measured.peakBytes / 2 ** 20);
        latencies[who].push(...measured.latencies);
      }
      for (const who of ['ours', 'rust']) board[who].push(await measureTensorBoard(who, data));
      say(`${name}: trial ${trial + 1}`);
    }
    compare(`${name}, alone`, alone, 'ms');
    compare(`${name}, alone, processor time`, processor, 'ms');
    compare(`${name}, through TensorBoard`, board, 'ms');
    compare(`${name}, peak memory`, peaks, 'MiB');
    if (runs === 1) {
      compare('ReadScalars, 10 × 1,000 points', latencies, 'ms');
      for (const [who, all] of Object.entries(latencies))
        figures[`ReadScalars, ${who}`] =
          `max ${Math.max(...all).toFixed(1)} ms, ${all.filter((ms) => ms > STALL_MS).length} of ${all.length} stalled`;
    }
    if (values.python !== '0') {
      const ms = await measureTensorBoard('python', data);
      figures[`${name}, Python reader`] =
        `${ms.toFixed(0)} ms: ours ${(median(board.ours) / ms).toFixed(3)} ×`;
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
      ? spawn(process.execPath, [OURS, ...args], { stdio: 'ignore' })
      : spawn(RUST, args, { stdio: 'ignore' });
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
    });
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
  const port = await findFreePort();
  const args = [
    '--logdir',
    logdir,
    '--port',
    String(port),
    '--host',
    '127.0.0.1',
    '--load_fast',
    String(who !== 'python'),
  ];
  const { TENSORBOARD_DATA_SERVER_BINARY: _, ...env } = process.env;
  const startMs = performance.now();
  const child = spawn(join(VENV, 'bin/tensorboard'), args, {
    stdio: 'ignore',
    env: who === 'ours' ? { ...env, TENSORBOARD_DATA_SERVER_BINARY: OURS } : env,
  });
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
        const url = `http://127.0.0.1:${port}/data/plugin/scalars/scalars?${query}`;
        const answer = await fetch(url).then(
          (response) => (response.ok ? response.json() : []),
          () => [],
        );
        return answer.at(-1)?.[1] === lastStep;
      });
      expected.pop();
    }
    return performance.now() - startMs;
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
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
    await until(() => seen(1));
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

async function until(check, pollMs = POLL_MS) {
  const endMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (performance.now() > endMs) throw new Error('the last point did not appear');
    await delay(pollMs);
  }
}

function findFreePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function findRust() {
  for (const minor of [9, 10, 11, 12, 13, 14]) {
    const path = join(VENV, `lib/python3.${minor}/site-packages/tensorboard_data_server/bin/server`);
    if (existsSync(path)) return path;
  }
  throw new Error('TensorBoard is not installed: npm run peers');
}

function median(all) {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
}
