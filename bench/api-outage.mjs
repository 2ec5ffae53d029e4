// Measures an outage of the Polyaxon server during a run: the cost of catching up, and whether the server is complete in the end.
//
//   node bench/api-outage.mjs [--before 30] [--outage 600] [--after 30] [--period 500] [--metrics 5] [--json]
//
// A process logs metrics, and `watch` uploads the run to a separate server. After `--before` seconds, the server stops for `--outage` seconds and
// keeps its data. A proxy counts the requests during the outage and while catching up.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runMeasurement } from './support/arguments.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { startPolyaxonServer } from './support/polyaxon-server.mjs';
import { startWatch } from './support/uploader-process.mjs';

const UUID = 'cd'.repeat(16);
const PROJECT = 'outage';
const POLL_MS = 250;
const CATCH_UP_MS = 120_000;
/** Limits of the requests while catching up: per changed key, and for the rest of the run. The number grows with the changed keys only. */
const MAX_REQUESTS_PER_KEY = 4;
const MAX_OTHER_REQUESTS = 60;

await runMeasurement(
  { before: '30', outage: '600', after: '30', period: '500', metrics: '5' },
  async ({ values, directory, onEnd, say }) => {
    const [beforeS, outageS, afterS] = [values.before, values.outage, values.after].map(Number);
    const data = join(directory, 'server');
    let server = await startPolyaxonServer({ data, project: PROJECT });
    onEnd(() => server.stop());
    const port = Number(new URL(server.url).port);
    const proxy = await CountingProxy.start(port);
    onEnd(() => proxy.stop());
    const root = join(directory, 'root');
    const home = join(directory, 'home');
    for (const path of [root, home]) mkdirSync(path);
    const store = `polyaxon://${new URL(proxy.endpoint).host}/default/${PROJECT}`;
    const watch = startWatch({ root, store, stateDir: join(directory, 'state'), env: {}, home });
    onEnd(() => watch.isRunning && watch.end('SIGKILL'));
    const script = fileURLToPath(new URL('support/log-at-rate.mjs', import.meta.url));
    const args = [
      root,
      UUID,
      `default/${PROJECT}`,
      String(beforeS + outageS + afterS),
      values.period,
      values.metrics,
    ];
    const writer = spawn(process.execPath, [script, ...args], { stdio: 'inherit' });
    onEnd(() => writer.kill('SIGKILL'));
    const written = once(writer, 'close');

    await sleep(beforeS * 1000);
    const before = { memory: watch.memory().residentBytes };
    await server.stop();
    say(`the server is stopped for ${outageS} s`);
    const atStop = proxy.requests;
    await sleep(outageS * 1000);
    const inVain = proxy.requests - atStop;
    server = await startPolyaxonServer({ data, project: PROJECT, port });
    say('the server is running again');
    const atBack = proxy.requests;
    const backMs = performance.now();
    const wanted = (outageS + beforeS) * (1000 / Number(values.period)) * 0.98;
    while ((await countPoints(server.url, values)) < wanted && performance.now() - backMs < CATCH_UP_MS)
      await sleep(POLL_MS);
    const caughtUpMs = performance.now() - backMs;
    const requests = proxy.requests - atBack;
    say(`caught up after ${(caughtUpMs / 1000).toFixed(1)} s`);
    await written;
    while (
      (await get(server.url, '')).status !== 'succeeded' &&
      performance.now() - backMs < CATCH_UP_MS + afterS * 1000
    )
      await sleep(POLL_MS);

    const { status, status_conditions: conditions } = await get(server.url, '/statuses');
    const lineage = await get(server.url, '/lineage/artifacts?limit=1000');
    const names = lineage.results.map(({ name }) => name);
    const points = await countPoints(server.url, values);
    const memory = watch.memory();
    const code = await watch.end('SIGTERM');
    const finals = conditions.filter(({ type }) => type === 'succeeded').length;
    const failures = [];
    if (status !== 'succeeded' || finals !== 1) failures.push(`status ${status}, ${finals} times`);
    if (new Set(names).size !== names.length) failures.push('a lineage entry exists twice');
    const bound = MAX_OTHER_REQUESTS + MAX_REQUESTS_PER_KEY * (names.length + Number(values.metrics));
    if (requests > bound) failures.push(`${requests} requests to catch up, expected at most ${bound}`);
    if (points < ((beforeS + outageS + afterS) * 1000 * 0.95) / Number(values.period))
      failures.push(`only ${points} points`);
    if (code !== 0) failures.push(`watch ended with ${code}: ${watch.output.slice(-2000)}`);
    const figures = {
      'run, outage': `${beforeS + outageS + afterS} s, ${outageS} s; ${values.metrics} metrics, a point every ${values.period} ms`,
      'requests during the outage': `${inVain}; failed connections: ${proxy.refused}`,
      'requests to catch up': `${requests}, for ${names.length} lineage entries`,
      'caught up after': `${(caughtUpMs / 1000).toFixed(1)} s`,
      'points of each metric': String(points),
      'final status': `${status}, ${finals} time(s)`,
      'memory before, at the end, peak': [before.memory, memory.residentBytes, memory.peakBytes]
        .map((bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`)
        .join(', '),
    };
    return { figures, failures };
  },
);

/** The smallest number of points that the server has of any metric. */
async function countPoints(url, { metrics }) {
  const names = Array.from({ length: Number(metrics) }, (_, metric) => `loss-${metric}`);
  const query = new URLSearchParams({ names: names.join(','), force: 'true' });
  const response = await fetch(
    `${url}/streams/v1/polyaxon/default/${PROJECT}/runs/${UUID}/events/metric?${query}`,
  );
  const text = await response.text();
  const series = response.ok ? JSON.parse(text).data : [];
  return series.length < names.length ? 0 : Math.min(...series.map(({ data }) => data.step.length));
}

async function get(url, route) {
  const response = await fetch(`${url}/api/v1/default/${PROJECT}/runs/${UUID}${route}`);
  const text = await response.text();
  return response.ok ? JSON.parse(text) : {};
}
