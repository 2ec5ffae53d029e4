// Kills and stops training programs and their uploader in turn, behind a bad network, and checks that nothing is lost, torn or foreign.
//
//   node bench/kill-all.mjs [--kills 400] [--stores s3,azurite,gcs,file] [--trainers 3] [--span 1.5] [--faults 0.05] [--polyaxon yes] [--seed <n>] [--json]
//
// In each store in turn, `--kills` divided by the number of stores: one of `--trainers` programs or `watch` gets SIGKILL, sometimes after SIGSTOP; a
// program then resumes its run. Others are only stopped for a while. All requests go through a proxy that resets connections and loses responses.
// While this lasts, each object must be the beginning of its file, or a whole version of the model. At the end, the programs end, `sync` completes,
// all files must be equal to the objects, TensorBoard's reader must find every value that `flush()` has confirmed, and Polyaxon must show each run as
// succeeded. It needs the peers (`npm run peers`).

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { peersDirectory } from '../scripts/peers-directory.mjs';
import { runMeasurement } from './support/arguments.mjs';
import { STORES } from './support/emulators.mjs';
import { FaultyProxy } from './support/faulty-proxy.mjs';
import { compareHashes, hashTree, isLeftOut } from './support/hashes.mjs';
import { startPolyaxonServer } from './support/polyaxon-server.mjs';
import { createRandom } from './support/random.mjs';
import { Trainer } from './support/trainer.mjs';
import { DIST, startWatch, UploaderProcess } from './support/uploader-process.mjs';

const load = (path) => import(pathToFileURL(join(DIST, path)).href);
const { openStore } = await load('uploader/index.js');
const { nodeIo } = await load('uploader/base/io/io.js');

const program = (name) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const PROJECT = 'kills';
/** Files that the uploader derives from the event files. */
const EXPORTED = /^[^/]+\/(events|resources)\//;
const COUNTER = '/events/metric/counter.plx';
const DIGEST_LENGTH = 64;
const MAX_OBJECT_BYTES = 2 ** 30;
const STOPPED_MS = 1_000;
const CHECK_EVERY = 10;
const SHARES = { uploader: 0.4, starting: 0.2, stopped: 0.3, killed: 0.5 };
const BEGIN_MS = 20_000;
const SYNC_ATTEMPTS = 5;

await runMeasurement(
  {
    ...{ kills: '400', stores: 's3,azurite,gcs,file', trainers: '3', span: '1.5' },
    ...{ faults: '0.05', polyaxon: 'yes', seed: String(Date.now() % 2 ** 31) },
  },
  async ({ values, directory, onEnd, say }) => {
    const [figures, failures] = [{ seed: values.seed }, []];
    const random = createRandom(Number(values.seed));
    const polyaxon =
      values.polyaxon === 'yes'
        ? await startPolyaxonServer({ data: join(directory, 'polyaxon'), project: PROJECT })
        : null;
    if (polyaxon !== null) onEnd(() => polyaxon.stop());
    const names = values.stores.split(',');
    for (const name of names) {
      say(name);
      const kills = Math.ceil(Number(values.kills) / names.length);
      const scene = await openScene(name, {
        values,
        polyaxon,
        directory: join(directory, name),
        onEnd,
        random,
      });
      await trouble(scene, { kills, spanMs: Number(values.span) * 1000, random, say });
      await settle(scene, polyaxon);
      figures[name] = scene.summary();
      say(figures[name]);
      for (const failure of scene.failures) failures.push(`${name}: ${failure}`);
    }
    return { figures, failures };
  },
);
process.exit(); // After connections were reset, Node.js 20 may never end its own clean-up.

async function openScene(name, { values, polyaxon, directory, onEnd, random }) {
  const [root, home] = [join(directory, 'root'), join(directory, 'home')];
  for (const path of [join(root, 'runs'), home]) mkdirSync(path, { recursive: true });
  const { url, env } = await STORES[name](join(directory, 'server'), onEnd);
  Object.assign(process.env, env); // for `openStore`, which reads without the proxy
  const store = await openStore(url, nodeIo);
  onEnd(() => store.close());
  const proxies = [];
  /** Returns the text with a faulty proxy before the server whose address is in it. */
  const behindFaults = async (text) => {
    const [address, port] = /127\.0\.0\.1:(\d+)/.exec(text) ?? [];
    if (port === undefined) return text;
    const proxy = await FaultyProxy.start(Number(port), { share: Number(values.faults), random });
    onEnd(() => proxy.stop());
    proxies.push(proxy);
    return text.replaceAll(address, `127.0.0.1:${proxy.port}`);
  };
  const faultyEnv = JSON.parse(await behindFaults(JSON.stringify(env)));
  const args =
    polyaxon === null
      ? []
      : ['--polyaxon', await behindFaults(polyaxon.url), '--project', `default/${PROJECT}`];
  const scene = {
    ...{ root, runs: join(root, 'runs'), store, proxies, failures: [], checked: 0, stops: 0 },
    kills: { trainer: 0, uploader: 0 },
    startUploader: () =>
      startWatch({
        root,
        store: url,
        stateDir: join(home, 'state'),
        env: faultyEnv,
        home,
        intervalSeconds: 1,
        args,
      }),
    sync: () =>
      new UploaderProcess(['sync', root, '--store', url, '--state-dir', join(home, 'state'), ...args], {
        env: faultyEnv,
        home,
      }),
    summary: () =>
      `${scene.kills.trainer} kills of programs, ${scene.kills.uploader} of the uploader, ${scene.stops} stops; ` +
      `${scene.confirmed} confirmed values; ${scene.checked} objects checked meanwhile; faults ${JSON.stringify(proxies.map(({ faults }) => faults))}`,
  };
  scene.trainers = Array.from({ length: Number(values.trainers) }, () => new Trainer(root));
  for (const trainer of scene.trainers) trainer.start();
  scene.uploader = scene.startUploader();
  onEnd(async () => {
    for (const trainer of scene.trainers) await trainer.end('SIGKILL');
    if (scene.uploader.isRunning) await scene.uploader.end('SIGKILL');
  });
  return scene;
}

async function trouble(scene, { kills, spanMs, random, say }) {
  const done = () => scene.kills.trainer + scene.kills.uploader;
  while (done() < kills) {
    const isUploader = random() < SHARES.uploader;
    const victim = isUploader ? scene.uploader : scene.trainers[Math.floor(random() * scene.trainers.length)];
    if (random() >= SHARES.starting) await untilBegun(scene, victim);
    await sleep(random() * spanMs);
    if (victim.isRunning && random() < SHARES.stopped) {
      process.kill(victim.pid, 'SIGSTOP');
      scene.stops += 1;
      await sleep(random() * STOPPED_MS);
      if (random() >= SHARES.killed) {
        process.kill(victim.pid, 'SIGCONT');
        continue;
      }
    }
    if (!victim.isRunning)
      scene.failures.push(`has ended before it was killed: ${victim.output.slice(-1500)}`);
    await victim.end('SIGKILL');
    if (isUploader) scene.uploader = scene.startUploader();
    else victim.start();
    scene.kills[isUploader ? 'uploader' : 'trainer'] += 1;
    if (done() % CHECK_EVERY !== 0) continue;
    await checkObjects(scene);
    say(`${done()} kills; ${scene.checked} objects checked; ${scene.failures.length} failures`);
  }
}

/** Waits until a program has confirmed a step, or the uploader has sent something. */
async function untilBegun({ proxies }, victim) {
  const sentBytes = () => proxies.reduce((sum, proxy) => sum + proxy.sentBytes, 0);
  const before = sentBytes();
  const hasBegun = () => victim.lives?.at(-1).hasConfirmed ?? sentBytes() > before;
  for (const deadline = performance.now() + BEGIN_MS; performance.now() < deadline; await sleep(20))
    if (hasBegun()) return;
}

/** Each object is the beginning of its file, or a whole model. */
async function checkObjects(scene) {
  try {
    for await (const { key } of scene.store.list('')) {
      if (isLeftOut(key) || EXPORTED.test(key)) continue;
      const object = await readObject(scene.store, key);
      scene.checked += 1;
      const problem = findProblem(join(scene.runs, key), object);
      if (problem !== null) scene.failures.push(`${key}: ${problem}`);
    }
  } catch (error) {
    if (error.outcome?.status !== 'retry') throw error;
    scene.failures.push(`the store cannot be read: ${error.message}`);
  }
}

function findProblem(path, object) {
  if (!existsSync(path)) return 'no such file';
  if (path.endsWith('/model.bin')) {
    const digest = createHash('sha256').update(object.subarray(DIGEST_LENGTH)).digest('hex');
    return digest === object.toString('latin1', 0, DIGEST_LENGTH) ? null : 'a torn model';
  }
  if (!/tfevents|\.log$/.test(path)) return null; // compared at the end
  return readFileSync(path).subarray(0, object.length).equals(object) ? null : 'differs from the file';
}

async function readObject(store, key) {
  const pieces = [];
  for await (const piece of store.read(key, { maxBytes: MAX_OBJECT_BYTES })) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Returns the steps of a metric in Polyaxon's format. */
function parseSteps(object) {
  const [, ...rows] = object.toString().split('\n');
  return new Set(rows.map((row) => Number(row.split('|')[0])));
}

/** Ends the programs, completes the upload, and compares everything. */
async function settle(scene, polyaxon) {
  for (const trainer of scene.trainers) {
    await untilBegun(scene, trainer);
    const code = await trainer.end('SIGTERM');
    if (code !== 0)
      scene.failures.push(`program ${trainer.uuid} ended with ${code}: ${trainer.output.slice(-1500)}`);
  }
  await scene.uploader.end('SIGKILL');
  for (const proxy of scene.proxies) proxy.heal();
  for (let attempt = 1; ; attempt++) {
    const last = scene.sync();
    const code = await last.exited;
    if (code === 0) break;
    if (attempt < SYNC_ATTEMPTS) continue;
    scene.failures.push(`the last sync ended with ${code}: ${last.output.slice(-2000)}`);
    break;
  }
  const inStore = {};
  const exported = new Map();
  for await (const { key } of scene.store.list('')) {
    if (isLeftOut(key)) continue;
    const object = await readObject(scene.store, key);
    if (EXPORTED.test(key)) {
      if (key.endsWith(COUNTER)) exported.set(key.slice(0, -COUNTER.length), parseSteps(object));
      continue;
    }
    inStore[key] = createHash('sha256').update(object).digest('hex');
  }
  scene.failures.push(...compareHashes(await hashTree(scene.runs), inStore));
  scene.confirmed = 0;
  for (const trainer of scene.trainers) {
    const python = join(peersDirectory(), 'tensorboard/venv/bin/python');
    const events = join(trainer.directory, 'outputs/tensorboard');
    const output = execFileSync(python, [program('read_counter.py'), events], { maxBuffer: 2 ** 28 });
    const found = new Set(JSON.parse(output.toString()));
    const inPolyaxonFormat = exported.get(trainer.uuid) ?? new Set();
    for (const { first, last, hasConfirmed } of trainer.lives) {
      for (let step = first; hasConfirmed && step <= last; step++) {
        scene.confirmed += 1;
        if (!found.has(step)) scene.failures.push(`program ${trainer.uuid}: confirmed value ${step} is lost`);
        if (!inPolyaxonFormat.has(step))
          scene.failures.push(`program ${trainer.uuid}: confirmed value ${step} is not exported`);
      }
    }
    if (polyaxon === null) continue;
    const answer = await fetch(`${polyaxon.url}/api/v1/default/${PROJECT}/runs/${trainer.uuid}`);
    const { status } = answer.ok ? await answer.json() : { status: answer.status };
    if (status !== 'succeeded') scene.failures.push(`Polyaxon shows run ${trainer.uuid} as ${status}`);
  }
}
