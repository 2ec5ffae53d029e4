// Measures how much longer `watch` needs behind a proxy that rejects one optional header or operation, or fails 10 % of all requests at random.
//
//   node bench/rejecting-proxy.mjs [--size 200MiB] [--only <part of a row's name>] [--json]
//
// A log grows to `--size` in ten steps, while a second run gets a small file in each step. Each row names its factor against a proxy without faults;
// accepted is a factor of 2. The second run must be stored before the log is.

import { once } from 'node:events';
import { appendFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request as send } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseSize, runMeasurement } from './support/arguments.mjs';
import { createRandom } from './support/random.mjs';
import { REJECTIONS, toErrorBody } from './support/rejections.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';
import { startWatch } from './support/uploader-process.mjs';

const STEPS = 10;
const MAX_FACTOR = 2;
const TIMEOUT_MS = 600_000;
const LOG = `${'ab'.repeat(16)}/outputs/main.log`;
const OTHER = 'cd'.repeat(16);

await runMeasurement({ size: '200MiB', only: '' }, async ({ values, directory, onEnd, say }) => {
  const server = await startS3Server(join(directory, 's3'), 'runs');
  onEnd(() => server.stop());
  const random = createRandom(1);
  const atRandom = {
    name: '10 % of all requests fail',
    isIn: () => random() < 0.1,
    get status() {
      return random() < 0.5 ? 500 : 503;
    },
    code: 'InternalError',
  };
  const rows = [...REJECTIONS, atRandom].filter(({ name }) => name.includes(values.only));
  const figures = {};
  const failures = [];
  let plainMs;
  for (const row of [{ name: 'no faults', isIn: () => false }, ...rows]) {
    const ms = await measure(row);
    plainMs ??= ms;
    const factor = ms / plainMs;
    figures[row.name] = `${(ms / 1000).toFixed(1)} s, factor ${factor.toFixed(2)}`;
    say(`${row.name}: ${figures[row.name]}`);
    if (!(factor <= MAX_FACTOR))
      failures.push(`${row.name}: factor ${factor.toFixed(2)}, accepted is ${MAX_FACTOR}`);
  }
  return { figures, failures };

  async function measure(row) {
    const place = join(directory, row.name.replaceAll(/\W+/g, '-'));
    const root = join(place, 'root');
    for (const uuid of [LOG.slice(0, 32), OTHER])
      mkdirSync(join(root, 'runs', uuid, 'outputs'), { recursive: true });
    const proxy = await startProxy(server.port, row);
    const store = `s3://runs/${row.name.replaceAll(/\W+/g, '-')}`;
    const stored = (path) => {
      try {
        return statSync(join(directory, 's3/data/runs', store.slice('s3://runs/'.length), path)).size;
      } catch {
        return -1;
      }
    };
    const startMs = performance.now();
    const options = { root, store, stateDir: join(place, 'state'), home: place, intervalSeconds: 1 };
    const watch = startWatch({ ...options, env: toS3Env(proxy.endpoint, place) });
    try {
      const bytes = Buffer.alloc(Math.ceil(parseSize(values.size) / STEPS), 'a line of the log\n');
      for (let step = 1; step <= STEPS; step += 1) {
        appendFileSync(join(root, 'runs', LOG), bytes);
        writeFileSync(join(root, 'runs', OTHER, `outputs/${step}.json`), `${step}`);
        await until(() => stored(`${OTHER}/outputs/${step}.json`) > 0, `${row.name}: the other run stops`);
        await sleep(1_000);
      }
      await until(() => stored(LOG) === bytes.length * STEPS, `${row.name}: the log is not stored`);
      return performance.now() - startMs;
    } catch (error) {
      failures.push(error.message);
      return Number.NaN;
    } finally {
      await watch.end('SIGTERM');
      proxy.stop();
    }
  }
});

async function until(isSo, problem) {
  for (const endMs = performance.now() + TIMEOUT_MS; !isSo(); await sleep(100))
    if (performance.now() > endMs) throw new Error(problem);
}

async function startProxy(port, row) {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    if (row.isIn(request)) {
      request.resume();
      const body = request.method === 'HEAD' ? '' : toErrorBody(row.code);
      request.on('end', () =>
        response.writeHead(row.status, { 'content-type': 'application/xml' }).end(body),
      );
      return;
    }
    const { method, url: path, headers } = request;
    const upstream = send({ host: '127.0.0.1', port, method, path, headers, agent }, (found) => {
      response.writeHead(found.statusCode, found.headers);
      found.pipe(response);
    });
    upstream.on('error', () => request.socket.destroy());
    request.pipe(upstream);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  };
  return { endpoint: `http://127.0.0.1:${server.address().port}`, stop };
}
