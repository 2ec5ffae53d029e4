// Measures one or several uploaders on a shared directory that many Python and Node.js processes write to.
//
//   node bench/cluster.mjs [--runs 500] [--files 20] [--processes 50] [--seconds 60] [--uploaders 1] [--interval 10] [--json]
//                          [--trouble yes] [--alone yes] [--shards 32]
//
// Prints how far the store lags behind (sizes of all files and objects, compared every second), requests, bytes, and bytes that were sent twice.
// With `--trouble yes`, one uploader is paused (SIGSTOP) for five lease times and then resumed, and another one is killed in the meantime. The
// measurement then also prints how long their runs waited for another uploader. With `--alone yes`, the uploaders do not form a cluster.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { peersDirectory } from '../scripts/peers-directory.mjs';
import { runMeasurement, toMiB } from './support/arguments.mjs';
import { sizesOnDisk, untilCaughtUp } from './support/caught-up.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { compareHashes, hashObjects, hashTree } from './support/hashes.mjs';
import { LagMeter } from './support/lag-meter.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';
import { modelRequests } from './support/scale-model.mjs';
import { TakeOverMeter } from './support/take-over-meter.mjs';
import { DIST, startWatch } from './support/uploader-process.mjs';

const { LEASE_MS } = await import(pathToFileURL(join(DIST, 'uploader/cluster/lease.js')).href);

const PREFIX = 'team/';
const SAMPLE_MS = 1000;
const CATCH_UP_MS = 300_000;
/** Highest accepted lag in milliseconds, for one uploader only: eight are too many for two processors. */
const MAX_P99_MS = 15_000;
const STOPPED_LEASES = 5;
const MAX_DUPLICATES = 0.02;
const MAX_TAKE_OVER_MS = 2 * LEASE_MS;

await runMeasurement(
  {
    ...{ runs: '500', files: '20', processes: '50', seconds: '60', uploaders: '1', interval: '10' },
    ...{ trouble: '', alone: '', shards: '32' },
  },
  async ({ values, directory, onEnd, say }) => {
    const root = join(directory, 'root');
    const runs = join(root, 'runs');
    mkdirSync(runs, { recursive: true });
    const serverHome = join(directory, 'server');
    const server = await startS3Server(serverHome, 'runs');
    onEnd(server.stop);
    const proxies = await Promise.all(
      Array.from({ length: Number(values.uploaders) }, () => CountingProxy.start(server.port)),
    );
    onEnd(() => proxies.forEach((proxy) => void proxy.stop()));
    const isCluster = !values.alone && values.uploaders !== '1';
    const takeOvers = new TakeOverMeter();
    const puts = followPuts(proxies, takeOvers);
    const uploaders = proxies.map((proxy, i) => {
      const home = join(directory, `home-${i}`);
      mkdirSync(home);
      const share = isCluster ? ['--cluster', 'team', '--shards', values.shards] : [];
      const watch = startWatch({
        ...{ root, store: 's3://runs/team', stateDir: join(home, 'state'), home },
        ...{ env: toS3Env(proxy.endpoint, home), intervalSeconds: Number(values.interval), args: share },
      });
      onEnd(() => watch.isRunning && watch.end('SIGKILL'));
      return watch;
    });
    const scene = { runs, server, prefix: PREFIX, watch: uploaders[0] };

    const written = startWriters(root, values);
    onEnd(written.stop);
    // Starting 50 programs keeps the machine busy, and must not be part of the measurement.
    await written.ready;
    say(`${values.processes} processes write ${values.runs} runs`);
    written.begin();
    const lag = new LagMeter(runs, join(serverHome, 'data/runs/team'));
    const startMs = performance.now();
    let isWritten = false;
    void written.all.then(() => {
      isWritten = true;
    });
    const troubled = values.trouble ? makeTrouble(uploaders, takeOvers, say) : Promise.resolve();
    const measure = async (isOver) => {
      while (!isOver()) {
        await sleep(SAMPLE_MS);
        lag.sample();
      }
    };
    await measure(() => isWritten);
    const seconds = (performance.now() - startMs) / 1000;
    say('all files are written');
    const giveUpMs = performance.now() + CATCH_UP_MS;
    await measure(() => lag.waiting === 0 || performance.now() > giveUpMs);
    await troubled;
    const late = await untilCaughtUp(scene, { maxLagBytes: 0, timeoutMs: CATCH_UP_MS });
    const caughtUpMs = performance.now();
    const memory = uploaders.filter(({ isRunning }) => isRunning).map((watch) => watch.memory().peakBytes);
    const failures = [...late, ...(await written.all)];
    for (const watch of uploaders) {
      if (!watch.isRunning) continue;
      const code = await watch.end('SIGTERM');
      if (code !== 0) failures.push(`watch ended with ${code}: ${watch.output.slice(-1000)}`);
    }
    failures.push(...compareHashes(await hashTree(runs), await hashObjects(server, PREFIX)));
    const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((q) => lag.quantile(q));
    const duplicates = puts.twiceBytes / puts.bytes;
    if (uploaders.length === 1 && p99 > MAX_P99_MS) failures.push(`p99 is ${p99} ms`);
    if (!values.alone && duplicates > MAX_DUPLICATES)
      failures.push(`share of bytes sent twice: ${duplicates.toFixed(3)}`);
    if (values.trouble && !values.alone) failures.push(...findSlowTakeOver(takeOvers));
    const requests = proxies.reduce((sum, proxy) => sum + proxy.requests, 0);
    const model = modelRequests({
      ...{ runs: Number(values.runs), uploaders: uploaders.length, seconds: Number(values.seconds) },
      ...{ interval: Number(values.interval), files: Number(values.files) },
      shards: isCluster ? Number(values.shards) : 0,
    }).total;
    const figures = {
      'runs, files, writers, uploaders': `${values.runs}, ${sizesOnDisk(runs).size}, ${values.processes}, ${values.uploaders}${values.alone ? ' (alone)' : ''}`,
      'written for': `${seconds.toFixed(0)} s; caught up ${((caughtUpMs - startMs) / 1000 - seconds).toFixed(1)} s later`,
      'lag p50, p90, p99, max': [p50, p90, p99, max].map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', '),
      requests: `${requests}: ${JSON.stringify(sumUpOperations(proxies))}`,
      'requests per second': (requests / seconds).toFixed(1),
      'requests expected by the model': `${model.toFixed(0)}; measured / model ${(requests / model).toFixed(2)}`,
      'bytes of bodies': toMiB(proxies.reduce((sum, proxy) => sum + proxy.allBodyBytes, 0)),
      'the same content sent twice': `${toMiB(puts.twiceBytes)} (${(duplicates * 100).toFixed(1)} %)`,
      'peak memory of an uploader': toMiB(Math.max(...memory)),
      ...(values.trouble ? toTakeOverFigures(takeOvers) : {}),
    };
    return { figures, failures };
  },
);

/** Starts the writers: half of them Node.js, half Python, which needs the peer `tensorboard`. */
function startWriters(root, values) {
  const count = Number(values.processes);
  const each = Math.ceil(Number(values.runs) / count);
  const node = [process.execPath, fileURLToPath(new URL('support/write-many.mjs', import.meta.url))];
  const python = [
    join(peersDirectory(), 'tensorboard/venv/bin/python'),
    fileURLToPath(new URL('support/write_many.py', import.meta.url)),
  ];
  const children = Array.from({ length: count }, (_, i) => {
    const runs = Math.min(each, Number(values.runs) - i * each);
    if (runs <= 0) return undefined;
    const [command, script] = i % 2 === 0 ? node : python;
    const args = [script, root, String(runs), values.files, values.seconds];
    return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  }).filter((child) => child !== undefined);
  const all = Promise.all(children.map((child) => once(child, 'close'))).then((codes) =>
    codes.flatMap(([code]) => (code === 0 ? [] : [`a writer ended with ${code}`])),
  );
  const ready = Promise.all(children.map((child) => once(child.stdout, 'data')));
  const begin = () => children.forEach((child) => void child.stdin.end('begin\n'));
  return { all, ready, begin, stop: () => children.forEach((child) => void child.kill('SIGKILL')) };
}

/**
 * Pauses one uploader and kills another one, once all uploaders send files. The kill waits until other uploaders have taken over the runs of
 * the paused one: otherwise the killed uploader could be the one that these runs wait for.
 */
async function makeTrouble(uploaders, takeOvers, say) {
  while (takeOvers.senders < uploaders.length) await sleep(SAMPLE_MS);
  await sleep(LEASE_MS);
  const [stopped, killed] = [uploaders.length - 2, uploaders.length - 1];
  process.kill(uploaders[stopped].pid, 'SIGSTOP');
  takeOvers.onGone(stopped);
  say(`one uploader is paused; ${takeOvers.waiting} runs are waiting`);
  await sleep(2 * LEASE_MS);
  say(`one uploader is killed; ${takeOvers.waiting} runs are still waiting`);
  await uploaders[killed].end('SIGKILL');
  takeOvers.onGone(killed);
  say(`${takeOvers.waiting} runs are waiting`);
  await sleep((STOPPED_LEASES - 2) * LEASE_MS);
  say(`the paused uploader resumes; ${takeOvers.waiting} runs are still waiting`);
  process.kill(uploaders[stopped].pid, 'SIGCONT');
}

function findSlowTakeOver(takeOvers) {
  const maxMs = takeOvers.quantile(1);
  if (takeOvers.waiting > 0) return [`no uploader has taken over ${takeOvers.waiting} runs`];
  return maxMs <= MAX_TAKE_OVER_MS ? [] : [`a take-over took ${maxMs.toFixed(0)} ms`];
}

function toTakeOverFigures(takeOvers) {
  const seconds = [0.5, 0.99, 1].map((q) => `${(takeOvers.quantile(q) / 1000).toFixed(1)} s`);
  return { 'runs taken over; p50, p99, max': `${takeOvers.count}; ${seconds.join(', ')}` };
}

function sumUpOperations(proxies) {
  const sums = {};
  for (const { operations } of proxies)
    for (const [name, count] of operations) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/** Counts the bytes of bodies, and those sent twice: with the same length and checksum as the previous body of that key, from any uploader. */
function followPuts(proxies, takeOvers) {
  const last = new Map();
  const puts = { bytes: 0, twiceBytes: 0 };
  for (const [uploader, proxy] of proxies.entries())
    proxy.onRequest = ({ operation, url, headers }) => {
      if (operation !== 'PutObject' && operation !== 'UploadPart') return;
      const { pathname } = new URL(url, 'http://store');
      if (pathname.includes('/.plx/')) return;
      const [run] = pathname.split(`/${PREFIX}`).at(-1).split('/');
      takeOvers.onSent(run, uploader);
      if (operation !== 'PutObject') return;
      const length = Number(headers['x-amz-decoded-content-length'] ?? headers['content-length'] ?? 0);
      puts.bytes += length;
      const checksum = headers['x-amz-checksum-crc32'];
      if (last.get(pathname) === `${length} ${checksum}`) puts.twiceBytes += length;
      last.set(pathname, `${length} ${checksum}`);
    };
  return puts;
}
