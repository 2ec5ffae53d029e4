// Measures what a viewer of a bucket costs: TensorBoard with polytrack's data server (`ours`), `polytrack ui`, and TensorBoard with its Python reader,
// the only reader of TensorBoard that supports S3.
//
//   node bench/data-server-store.mjs [--runs 100] [--seconds 60] [--python 1] [--json]
//
// A page asks every 5 s, which is also the interval at which TensorBoard reloads. One run is live: its object grows every 5 s in the second phase. In the
// last phase no page asks. A proxy counts the requests and the bytes. Prices are those of the public list of S3 Standard. It takes 3 to 5 minutes
// for each reader, and needs a build (`npm run build`) and the peers TensorBoard and S3 (`npm run peers`).

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SummaryWriter } from '../dist/src/index.js';
import { runMeasurement } from './support/arguments.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';
import { median, startTensorBoard, until } from './support/tensorboard.mjs';

const RELOAD_MS = 5000;
const POLL_MS = 100;
const FIRST_POINTS = 1000;
/** About 20 kB. */
const NEW_POINTS = 300;
/** The data server stops asking a minute after the last call. */
const IDLE_MS = 65_000;
const MAX_LISTS_PER_HOUR = 120;
/** Of `polytrack ui`, which reloads every second as long as one run is live. */
const MAX_LAG_MS = 1000;
const MAX_DOLLARS = 0.002;
const MAX_BYTES_FACTOR = 1.05;
/** US dollars per 1,000 requests. */
const PRICES = { List: 0.005, GetObject: 0.0004, HeadObject: 0.0004 };

await runMeasurement(
  { runs: '100', seconds: '60', python: '1' },
  async ({ values, directory, onEnd, say }) => {
    const seconds = Number(values.seconds);
    const server = await startS3Server(join(directory, 'server'), 'runs');
    onEnd(() => server.stop());
    const figures = {};
    const failures = [];
    for (const reader of values.python === '0' ? ['ours', 'ui'] : ['ours', 'ui', 'python']) {
      const live = await createRuns(server, Number(values.runs), join(directory, reader));
      say(`${reader}: wrote ${values.runs} runs`);
      const result = await measure(reader, live, { seconds, server, directory, say });
      await live.close();
      Object.assign(figures, result.figures);
      if (reader === 'ours') failures.push(...result.failures);
      if (reader === 'ui' && result.lagMs > MAX_LAG_MS) failures.push(`a lag of ${result.lagMs} ms`);
    }
    return { figures, failures };
  },
);

async function measure(reader, live, { seconds, server, directory, say }) {
  const proxy = await CountingProxy.start(server.port);
  const env = {
    ...toS3Env(proxy.endpoint, directory),
    ...{ S3_ENDPOINT: proxy.endpoint, XDG_CACHE_HOME: join(directory, `cache-${reader}`) },
  };
  const board = await startTensorBoard(reader, 's3://runs', env);
  const figures = {};
  const failures = [];
  const count = takeCounts(proxy);
  const record = (name, text) => {
    figures[`${reader}, ${name}`] = text;
    say(`${reader}, ${name}: ${text}`);
  };
  try {
    const query = { tag: 'loss' };
    const isShown = async (run, step) => {
      const points = await board.get(`plugin/scalars/scalars?${new URLSearchParams({ ...query, run })}`);
      return points?.at(-1)?.[1] === step;
    };
    const findRuns = async () => (await board.get('runs')) ?? [];
    const names = await until(async () => {
      const found = await findRuns();
      return found.length === live.runs && found;
    }, POLL_MS);
    const liveRun = names.find((name) => name.includes(live.name));
    await until(() => isShown(liveRun, live.step), POLL_MS);
    record('load', `${Math.round(performance.now() - board.startMs)} ms, ${toText(count())}`);

    const watch = async (forSeconds) => {
      const endMs = performance.now() + forSeconds * 1000;
      while (performance.now() < endMs) {
        await findRuns();
        await board.get('plugin/scalars/tags');
        await delay(RELOAD_MS);
      }
    };
    await watch(seconds);
    const quiet = count();
    record(`${seconds} s without a change`, toText(quiet));

    const lags = [];
    let newBytes = 0;
    const startMs = performance.now();
    while (performance.now() - startMs < seconds * 1000) {
      const nextMs = performance.now() + RELOAD_MS;
      newBytes += await live.grow();
      const putMs = performance.now();
      await until(() => isShown(liveRun, live.step), POLL_MS);
      lags.push(performance.now() - putMs);
      await delay(Math.max(0, nextMs - performance.now()));
    }
    const grown = count();
    const hours = (performance.now() - startMs) / 3_600_000;
    const contentBytes = grown.receivedBytes - grown.listBytes;
    const perHour = (name) => (grown.operations[name] ?? 0) / hours;
    const dollars = Object.entries(PRICES).reduce(
      (sum, [name, price]) => sum + (perHour(name) * price) / 1000,
      0,
    );
    const factor = contentBytes / newBytes;
    record(`${seconds} s with one live run`, toText(grown));
    record(
      'requests per hour',
      Object.keys(PRICES)
        .map((name) => `${Math.round(perHour(name))} ${name}`)
        .join(', '),
    );
    record('bytes received without lists, of new ones', factor.toFixed(3));
    record('dollars per hour of viewing', dollars.toFixed(4));
    record('lag', `median ${Math.round(median(lags))} ms, max ${Math.round(Math.max(...lags))} ms`);
    if (perHour('List') > MAX_LISTS_PER_HOUR) failures.push(`${Math.round(perHour('List'))} lists per hour`);
    if (perHour('GetObject') > 3_600_000 / RELOAD_MS + 60) failures.push('more than one GET per reload');
    if (factor > MAX_BYTES_FACTOR) failures.push(`${factor.toFixed(3)} bytes received per new one`);
    if (dollars > MAX_DOLLARS) failures.push(`${dollars.toFixed(4)} dollars per hour`);

    await delay(IDLE_MS);
    count();
    await delay(30_000);
    const idle = count();
    record('30 s, a minute after the last request of the page', toText(idle));
    if (idle.requests > 0) failures.push(`${idle.requests} requests while no page asks`);
    return { figures, failures, lagMs: median(lags) };
  } finally {
    await board.stop();
    proxy.stop();
  }
}

/** Returns a function that returns what was counted since its last call. */
function takeCounts(proxy) {
  let before = { operations: {}, receivedBytes: 0, listBytes: 0, requests: 0 };
  return () => {
    const now = {
      operations: Object.fromEntries(proxy.operations),
      receivedBytes: proxy.receivedBytes,
      listBytes: proxy.receivedBytesOf.get('List') ?? 0,
      requests: proxy.requests,
    };
    const difference = {
      operations: Object.fromEntries(
        Object.entries(now.operations).map(([name, all]) => [name, all - (before.operations[name] ?? 0)]),
      ),
      receivedBytes: now.receivedBytes - before.receivedBytes,
      listBytes: now.listBytes - before.listBytes,
      requests: now.requests - before.requests,
    };
    before = now;
    return difference;
  };
}

function toText({ operations, receivedBytes, listBytes }) {
  const sent = Object.entries(operations)
    .filter(([, requests]) => requests > 0)
    .map(([name, requests]) => `${requests} ${name}`);
  return `${sent.join(', ') || 'no request'}; ${receivedBytes} bytes, of which ${listBytes} of lists`;
}

/** Writes the runs to the bucket, the last one as running. Those of an earlier reader are replaced by equal ones. */
async function createRuns({ client, bucket }, runs, directory) {
  const put = (key, body) => client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  mkdirSync(directory);
  let live;
  for (let run = 0; run < runs; run++) {
    const uuid = run.toString(16).padStart(8, '0').padEnd(32, 'e');
    const isLive = run === runs - 1;
    const writer = new SummaryWriter(join(directory, uuid));
    const key = `${uuid}/outputs/tensorboard/events.out.tfevents.1700000000.host`;
    let step = -1;
    const grow = async (points) => {
      for (const end = step + points; step < end; ) writer.addScalar('loss', Math.sin(++step), step);
      await writer.flush();
      const body = readFileSync(writer.currentFile);
      await put(key, body);
      return body.length;
    };
    let sizeBytes = await grow(FIRST_POINTS);
    await put(
      `${uuid}/run.plx.json`,
      JSON.stringify({ name: `run ${run}`, status: isLive ? 'running' : 'succeeded' }),
    );
    if (!isLive) await writer.close();
    else
      live = {
        ...{ runs, name: uuid.slice(0, 8) },
        get step() {
          return step;
        },
        close: () => writer.close(),
        async grow() {
          const before = sizeBytes;
          sizeBytes = await grow(NEW_POINTS);
          return sizeBytes - before;
        },
      };
  }
  return live;
}
