// What is left after the uploader was killed at random moments, again and again, in the middle of its work.
//
//   node bench/kill.mjs [--kills 200] [--size 2GiB] [--span 2] [--small 500] [--seed <n>] [--json]
//
// Files of all sizes appear, four grow, one is replaced, until there are `--size`; `watch` gets SIGKILL within `--span` seconds after
// it has begun to send, one time in five after it was started. A reader holds every object against its file all the while. A proxy counts what is sent: what was sent and has become
// neither a visible object nor a part that waits is what the kill has cost. At the end a `sync` finishes, everything must be equal by SHA-256,
// and after a collection no multipart upload may be open.

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
/** Acceptance: what a kill may cost. */
const MAX_RESENT_BYTES = 32 * 1024 * 1024;
/** All files have appeared after this share of the kills; the growing ones end a little later. */
const STILL_SHARE = 0.7;
const GROWING_SHARE = 0.9;
const REPLACE_MS = 300;
/** About what a start takes, on which the pace of the growing files is based. */
const START_MS = 800;
/** Kills that come whenever they come: while it starts, reads its journal, looks around. */
const ANYTIME_SHARE = 0.2;
const BEGIN_TIMEOUT_MS = 3_000;
const JUST_NOW_MS = 20;
/** What the server still makes of a completion that was asked for before the kill, when much seems lost. */
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
    /** Of a kill that has cost too much: what was sent in vain of which object, and what was asked for of it. */
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
        failures.push(`kill ${kill}: the uploader had ended by itself: ${watch.output.slice(-1000)}`);
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
        say(`${kill + 1} kills; ${toMiB(wastedBytes)} sent in vain; ${reader.checked} versions looked at`);
    }
    await written;
    const sentBytes = proxy.allBodyBytes;
    clearInterval(replacing);

    say('finishing');
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
      failures.push(`${openAfter.length} multipart uploads are open after the collection`);
    await reader.stop();
    failures.push(...reader.failures);
    failures.push(...compareHashes(await hashTree(runs), await hashObjects(server, PREFIX)));

    const resentBytes = await meter.wastedBytes();
    const meanBytes = resentBytes / kills;
    const costliest = [...costs].sort((a, b) => b - a);
    if ((costliest[0] ?? 0) > MAX_RESENT_BYTES)
      failures.push(`${toMiB(costliest[0])} sent again for one kill`);
    const figures = {
      seed: values.seed,
      kills: `${kills - early}, of them ${midway} while something was being sent`,
      'files, bytes': `${truths.size}, ${values.size}`,
      'versions looked at': reader.checked,
      'sent again per kill, mean': toMiB(meanBytes),
      'sent again per kill, median, 95th, largest': [0.5, 0.05, 0]
        .map((share) => toMiB(costliest[Math.floor(share * costliest.length)] ?? 0))
        .join(', '),
      'sent before the last kill, in all': `${toMiB(sentBytes)}, ${toMiB(proxy.allBodyBytes)}`,
      'open uploads before, after the collection': `${openBefore.length}, ${openAfter.length}`,
      requests: JSON.stringify(Object.fromEntries(proxy.operations)),
    };
    return { figures, failures };
  },
);

function sum(numbers) {
  return [...numbers].reduce((a, b) => a + b, 0);
}

/** Waits until a body is on its way; not for ever, there may be nothing to send. */
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
