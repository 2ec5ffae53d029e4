// Measures how late a metric appears in Polyaxon: the time from its log call to the first response of the server's events endpoint with it.
//
//   node bench/lag.mjs [--seconds 120] [--period 500] [--metrics 5] [--interval 10] [--json]
//
// A process logs `--metrics` metrics every `--period` ms. `watch` uploads the run to a separate Polyaxon server, which is polled twice per second.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runMeasurement } from './support/arguments.mjs';
import { startPolyaxonServer } from './support/polyaxon-server.mjs';
import { startWatch } from './support/uploader-process.mjs';

const UUID = 'ab'.repeat(16);
const PROJECT = 'live';
const POLL_MS = 500;
/** Highest accepted 99th percentile of all points, in milliseconds. */
const MAX_P99_MS = 15_000;
const END_MS = 60_000;

await runMeasurement(
  { seconds: '120', period: '500', metrics: '5', interval: '10' },
  async ({ values, directory, onEnd, say }) => {
    const server = await startPolyaxonServer({ data: join(directory, 'server'), project: PROJECT });
    onEnd(server.stop);
    const root = join(directory, 'root');
    const home = join(directory, 'home');
    mkdirSync(root);
    mkdirSync(home);
    const watch = startWatch({
      root,
      store: `polyaxon://${new URL(server.url).host}/default/${PROJECT}`,
      stateDir: join(directory, 'state'),
      env: {},
      home,
      intervalSeconds: Number(values.interval),
    });
    onEnd(() => watch.isRunning && watch.end('SIGKILL'));
    const script = fileURLToPath(new URL('support/log-at-rate.mjs', import.meta.url));
    const args = [root, UUID, `default/${PROJECT}`, values.seconds, values.period, values.metrics];
    const writer = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
    onEnd(() => writer.kill('SIGKILL'));
    let isWritten = false;
    const written = once(writer, 'close').then(() => {
      isWritten = true;
    });

    say('a process writes the run');
    const names = Array.from({ length: Number(values.metrics) }, (_, metric) => `loss-${metric}`);
    const lags = [];
    const seen = new Map(names.map((name) => [name, 0]));
    for (let endMs = Number.POSITIVE_INFINITY; performance.now() < endMs; await sleep(POLL_MS)) {
      if (isWritten && endMs === Number.POSITIVE_INFINITY) endMs = performance.now() + END_MS;
      for (const { name, data } of await getEvents(server.url, names)) {
        for (const timestamp of data.timestamp.slice(seen.get(name)))
          lags.push(Date.now() - Date.parse(`${timestamp.replace(' ', 'T').slice(0, 23)}Z`));
        seen.set(name, data.timestamp.length);
      }
      const { status } = await getRun(server.url);
      if (isWritten && status === 'succeeded') break;
    }
    await written;
    const { status, status_conditions: conditions } = await getRun(server.url, '/statuses');
    const code = await watch.end('SIGTERM');

    const counts = [...new Set(seen.values())];
    const finals = (conditions ?? []).filter(({ type }) => type === 'succeeded').length;
    lags.sort((a, b) => a - b);
    const quantile = (q) => lags[Math.min(lags.length - 1, Math.floor(q * lags.length))];
    const failures = [];
    if (!(quantile(0.99) <= MAX_P99_MS)) failures.push(`p99 is ${quantile(0.99)} ms`);
    if (status !== 'succeeded' || finals !== 1) failures.push(`status ${status}, ${finals} times`);
    if (counts.length !== 1 || counts[0] === 0) failures.push(`points of the metrics: ${counts.join(', ')}`);
    if (code !== 0) failures.push(`watch ended with ${code}: ${watch.output.slice(-2000)}`);
    const figures = {
      'points, metrics': `${lags.length}, ${names.length}`,
      'lag p50, p90, p99, max': [0.5, 0.9, 0.99, 1]
        .map((q) => `${(quantile(q) / 1000).toFixed(1)} s`)
        .join(', '),
      'final status': `${status}, ${finals} time(s)`,
    };
    return { figures, failures };
  },
);

async function getEvents(url, names) {
  const query = new URLSearchParams({ names: names.join(','), force: 'true' });
  const route = `/streams/v1/polyaxon/default/${PROJECT}/runs/${UUID}/events/metric?${query}`;
  const response = await fetch(`${url}${route}`);
  const text = await response.text();
  return response.ok ? JSON.parse(text).data : [];
}

async function getRun(url, route = '') {
  const response = await fetch(`${url}/api/v1/default/${PROJECT}/runs/${UUID}${route}`);
  const text = await response.text();
  return response.ok ? JSON.parse(text) : {};
}
