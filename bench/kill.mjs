// Kills the uploader repeatedly at random times, and measures what each kill costs and whether the store stays correct.
//
//   node bench/kill.mjs [--kills 200] [--size 2GiB] [--span 2] [--small 500] [--seed <n>] [--json]
//
// Files of all sizes appear, four grow and one is replaced, until they have `--size` bytes. `watch` gets SIGKILL within `--span` seconds after its
// first request, or in one of five cases after its start. A reader continuously compares every object with its file. A proxy counts sent bytes. The
// cost of a kill is the bytes that became neither a visible object nor a part of an open upload. At the end, a `sync` completes the upload. Then all
// SHA-256 must be equal, and no multipart upload may stay open after the collection.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseSize, runMeasurement, toMiB } from './support/arguments.mjs';
import { collectAll } from './support/collect.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { compareHashes, hashObjects, hashTree, listOpenUploads } from './support/hashes.mjs';
import { planMixedTree, replaceState, writeStill } from './support/mixed-tree.mjs';
import { ObjectReader } from './support/object-reader.mjs';
import { ProgressMeter } from './support/progress-meter.mjs';
import { createRandom } from './support/random.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';
import { startWatch, UploaderProcess } from './support/uploader-process.mjs';

const PREFIX = 'team/';
/** Highest accepted cost of a kill. */
const MAX_RESENT_BYTES = 32 * 1024 * 1024;
/** Shares of the kills after which all files have appeared, and after which no file grows any more. */
const STILL_SHARE = 0.7;
const GROWING_SHARE = 0.9;
const REPLACE_MS = 300;
/** Approximate time of a start, which determines how fast the growing files grow. */
const START_MS = 800;
/** Share of the kills that do not wait for the first request, so that they also hit the start, the journal and the scan. */
const ANYTIME_SHARE = 0.2;
const BEGIN_TIMEOUT_MS = 3_000;
const JUST_NOW_MS = 20;
/** Time for the server to finish a completion that was requested before the kill. Used when a kill seems too expensive. */
const SETTLE_MS = 3_000;

await runMeasurement(
  { kills: '200', size: '2GiB', span: '2', small: '500', seed: String(Date.now() % 2 ** 31) },
  async ({ values, directory, onEnd, say }) => {
    const kills = Number(values.kills);
    const random = createRandom(Number(values.seed));
    const spanMs = Number(values.span) * 1000;
    const runs = join(directory, 'root/runs');
    mkdirSync(runs, { recursive: true });
    const server = await startS3Server(join(directory, 's3'), 'runs');
    onEnd(() => server.stop());
    const proxy = await CountingProxy.start(server.port);
    onEnd(() => proxy.stop());
    const meter = new ProgressMeter(server, proxy);
    proxy.onRequest = (request) => meter.onRequest(request);
    const env = toS3Env(proxy.endpoint, directory);
    const uploader = {
      root: join(directory, 'root'),
      store: `s3://${server.bucket}/${PREFIX.slice(0, -1)}`,
      stateDir: join(directory, 'state'),
      env,
      home: directory,
      intervalSeconds: 1,
    };

    const tree = planMixedTree(parseSize(values.size), Number(values.small));
    const seconds = (kills * (START_MS + spanMs / 2)) / 1000;
    const truths = new Map(
      [...tree.still, ...tree.growing, tree.replaced].map((file) => [
        file.path,
        { ...file, path: join(runs, file.path) },
      ]),
    );
    truths.get(tree.replaced.path).hashes = tree.replaced.hashes;
    const reader = new ObjectReader(server, PREFIX, (path) => truths.get(path));
    replaceState(runs, tree.replaced);
    const replacing = setInterval(() => replaceState(runs, tree.replaced), REPLACE_MS);
    onEnd(() => clearInterval(replacing));
    const writers = tree.growing.map((file) => startGrowing(runs, file, seconds * GROWING_SHARE));
    onEnd(() => {
      for (const writer of writers) writer.kill('SIGKILL');
    });
    const written = Promise.all(writers.map((writer) => once(writer, 'exit')));
    reader.start();
    onEnd(() => reader.stop());

    const waiting = shuffle(tree.still, random);
    const released = waiting.length;
    const costs = [];
    let wastedBytes = 0;
    let wastedBefore = new Map();
    /** Prints, for a kill that cost too much, the wasted bytes of each object and its last requests. */
    const sayWhy = (kill, wasted) => {
      for (const [key, bytes] of wasted) {
        const lost = bytes - (wastedBefore.get(key) ?? 0);
        if (lost > 1024 * 1024) say(`kill ${kill}: ${toMiB(lost)} of ${key}: ${meter.asked(key).join(' ')}`);
      }
    };
    let early = 0;
    let midway = 0;
    const failures = [];
    for (let kill = 0; kill < kills; kill++) {
      const due = Math.ceil(released * Math.min(1, (kill + 1) / (kills * STILL_SHARE)));
      while (released - waiting.length < due) writeStill(runs, waiting.pop());
      const watch = startWatch(uploader);
      if (random() > ANYTIME_SHARE) await untilSending(proxy);
      await sleep(random() * spanMs);
      if (!watch.isRunning) {
        early += 1;
        failures.push(`kill ${kill}: the uploader had already ended: ${watch.output.slice(-1000)}`);
      }
      if (performance.now() - proxy.sentAtMs < JUST_NOW_MS) midway += 1;
      await watch.end('SIGKILL');
      let wastedByKey = await meter.wastedByKey();
      if (sum(wastedByKey.values()) - wastedBytes > MAX_RESENT_BYTES) {
        await sleep(SETTLE_MS);
        wastedByKey = await meter.wastedByKey();
      }
      const wastedNow = sum(wastedByKey.values());
      costs.push(wastedNow - wastedBytes);
      if (wastedNow - wastedBytes > MAX_RESENT_BYTES) sayWhy(kill, wastedByKey);
      wastedBytes = wastedNow;
      wastedBefore = wastedByKey;
      if (kill % 20 === 19)
        say(`${kill + 1} kills; ${toMiB(wastedBytes)} wasted; ${reader.checked} versions checked`);
    }
    await written;
    const sentBytes = proxy.allBodyBytes;
    clearInterval(replacing);

    say('completing the upload');
    const last = new UploaderProcess(
      ['sync', uploader.root, '--store', uploader.store, '--state-dir', uploader.stateDir, '--json'],
      { env, home: directory },
    );
    const code = await last.exited;
    if (code !== 0) failures.push(`the last sync ended with ${code}: ${last.output.slice(-2000)}`);
    const openBefore = await listOpenUploads(server);
    await collectAll(uploader.store, env);
    const openAfter = await listOpenUploads(server);
    if (openAfter.length > 0)
      failures.push(`${openAfter.length} multipart uploads are still open after the collection`);
    await reader.stop();
    failures.push(...reader.failures);
    failures.push(...compareHashes(await hashTree(runs), await hashObjects(server, PREFIX)));

    const resentBytes = await meter.wastedBytes();
    const meanBytes = resentBytes / kills;
    const costliest = [...costs].sort((a, b) => b - a);
    if ((costliest[0] ?? 0) > MAX_RESENT_BYTES)
      failures.push(`${toMiB(costliest[0])} sent again after one kill`);
    const figures = {
      seed: values.seed,
      kills: `${kills - early}, of them ${midway} during an upload`,
      'files, bytes': `${truths.size}, ${values.size}`,
      'versions checked': reader.checked,
      'sent again per kill, mean': toMiB(meanBytes),
      'sent again per kill, median, 95th percentile, maximum': [0.5, 0.05, 0]
        .map((share) => toMiB(costliest[Math.floor(share * costliest.length)] ?? 0))
        .join(', '),
      'sent before the last kill, in total': `${toMiB(sentBytes)}, ${toMiB(proxy.allBodyBytes)}`,
      'open uploads before and after the collection': `${openBefore.length}, ${openAfter.length}`,
      requests: JSON.stringify(Object.fromEntries(proxy.operations)),
    };
    return { figures, failures };
  },
);

function sum(numbers) {
  return [...numbers].reduce((a, b) => a + b, 0);
}

/** Waits until the uploader sends a body, up to a timeout, because all files may be stored already. */
async function untilSending(proxy) {
  const before = proxy.allBodyBytes;
  const deadline = performance.now() + BEGIN_TIMEOUT_MS;
  while (proxy.allBodyBytes === before && performance.now() < deadline) await sleep(5);
}

function startGrowing(runs, { path, sizeBytes, kind }, seconds) {
  const script = fileURLToPath(new URL('support/grow-file.mjs', import.meta.url));
  const rate = String(Math.ceil(sizeBytes / seconds));
  const args = [join(runs, path), String(sizeBytes), rate, kind === 'records' ? 'events' : 'lines'];
  return spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}

function shuffle(items, random) {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(random() * left.length), 1)[0]);
}
