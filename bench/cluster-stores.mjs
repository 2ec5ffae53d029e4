// Checks clusters of uploaders in several stores: real processes, of which one is stopped (SIGSTOP) and one killed.
//
//   node bench/cluster-stores.mjs [--stores file,s3,moto,azurite,gcs] [--runs 60] [--files 6] [--seconds 120] [--uploaders 4] [--shards 8] [--json]
//
// Prints how long the shards of both had no other holder, by the leases in the store. At the end, all files are compared with the objects, and each
// remaining uploader must end with 0. Network traffic is measured by cluster.mjs. It needs the peers (`npm run peers`).

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { runMeasurement } from './support/arguments.mjs';
import { STORES } from './support/emulators.mjs';
import { compareHashes, hashTree, isLeftOut } from './support/hashes.mjs';
import { DIST, startWatch } from './support/uploader-process.mjs';

const load = (path) => import(pathToFileURL(join(DIST, path)).href);
const { openStore } = await load('uploader/index.js');
const { StoreLeases } = await load('uploader/cluster/store-leases.js');
const { LEASE_MS } = await load('uploader/cluster/lease.js');
const { nodeIo } = await load('uploader/base/io/io.js');

const WRITER = fileURLToPath(new URL('support/write-many.mjs', import.meta.url));
const POLL_MS = 500;
const LIMIT_MS = 300_000;

await runMeasurement(
  {
    ...{ stores: 'file,s3,moto,azurite,gcs', runs: '60', files: '6', seconds: '120' },
    uploaders: '4',
    shards: '8',
  },
  async ({ values, directory, onEnd, say }) => {
    const [figures, failures] = [{}, []];
    for (const name of values.stores.split(',')) {
      say(name);
      const found = await measure(name, { values, directory: join(directory, name), onEnd, say });
      figures[name] = found.figure;
      for (const failure of found.failures) failures.push(`${name}: ${failure}`);
    }
    return { figures, failures };
  },
);

async function measure(name, { values, directory, onEnd, say }) {
  const root = join(directory, 'root');
  mkdirSync(root, { recursive: true });
  const { url, env } = await STORES[name](join(directory, 'server'), onEnd);
  Object.assign(process.env, env); // for `openStore`
  const store = await openStore(url, nodeIo);
  onEnd(() => store.close());
  const uploaders = Array.from({ length: Number(values.uploaders) }, (_, index) => {
    const home = join(directory, `home-${index}`);
    mkdirSync(home);
    const args = ['--cluster', 'team', '--shards', values.shards];
    const watch = startWatch({
      root,
      store: url,
      stateDir: join(home, 'state'),
      env,
      home,
      intervalSeconds: 5,
      args,
    });
    onEnd(() => watch.isRunning && watch.end('SIGKILL'));
    return watch;
  });
  const writer = spawn(process.execPath, [WRITER, root, values.runs, values.files, values.seconds], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  onEnd(() => writer.kill('SIGKILL'));
  writer.stdin.end('begin\n');
  const written = new Promise((resolve) => writer.once('close', resolve));

  /** The number of shards of each uploader. A new reader each time, because one that knows the holders does not read their labels again. */
  const countShards = async () => {
    const leases = new StoreLeases(store, 'team', nodeIo.randomness);
    const held = [...(await leases.readAll()).values()].map(({ lease }) => lease);
    return uploaders.map(({ pid }) => held.filter(({ label }) => label.endsWith(` ${pid}`)).length);
  };
  await until('all uploaders have shards', async () => (await countShards()).every((count) => count > 0));
  const [stopped, killed] = uploaders.slice(-2);
  const failures = [];
  /** The time until the shards of an uploader have other holders. */
  const untilTakenOver = async (uploader, kind) => {
    const startMs = performance.now();
    const index = uploaders.indexOf(uploader);
    const shards = (await countShards())[index];
    await until(
      `the shards of the ${kind} uploader have other holders`,
      async () => (await countShards())[index] === 0,
    );
    const tookMs = performance.now() - startMs;
    say(`${kind}: ${shards} shards after ${(tookMs / 1000).toFixed(1)} s`);
    if (tookMs > 2 * LEASE_MS) failures.push(`${kind}: takeover after ${tookMs.toFixed(0)} ms`);
    return `${kind}: ${shards} shards after ${(tookMs / 1000).toFixed(1)} s`;
  };
  process.kill(stopped.pid, 'SIGSTOP');
  const first = await untilTakenOver(stopped, 'stopped');
  await killed.end('SIGKILL');
  const second = await untilTakenOver(killed, 'killed');
  process.kill(stopped.pid, 'SIGCONT');
  if ((await written) !== 0) failures.push('the writer failed');

  const onDisk = await hashTree(join(root, 'runs'));
  let different = [];
  await until('all files are stored', async () => {
    // An object may be replaced while it is read.
    different = await hashStore(store).then(
      (inStore) => compareHashes(onDisk, inStore),
      (error) => [`cannot read the store: ${error.message} ${JSON.stringify(error.outcome ?? {})}`],
    );
    return different.length === 0;
  }).catch((error) => failures.push(error.message, ...different.slice(0, 10)));
  const running = uploaders.filter(({ isRunning }) => isRunning);
  for (const watch of running) {
    const code = await watch.end('SIGTERM');
    if (code !== 0) failures.push(`an uploader ended with ${code}: ${watch.output.slice(-600)}`);
  }
  return {
    figure: `${first}; ${second}; ${Object.keys(onDisk).length} files, ${different.length} differ`,
    failures,
  };
}

async function hashStore(store) {
  const hashes = {};
  for await (const { key, sizeBytes } of store.list('')) {
    if (isLeftOut(key)) continue;
    const hash = createHash('sha256');
    for await (const piece of store.read(key, { maxBytes: sizeBytes + 1 })) hash.update(piece);
    hashes[key] = hash.digest('hex');
  }
  return hashes;
}

/** A request that fails is repeated: emulators fail now and then. */
async function until(what, isTrue) {
  let cause;
  for (const deadline = performance.now() + LIMIT_MS; performance.now() < deadline; await sleep(POLL_MS))
    try {
      if (await isTrue()) return;
    } catch (error) {
      if (error.outcome?.status !== 'retry') throw error;
      cause = error;
    }
  throw new Error(`not within ${LIMIT_MS / 1000} s: ${what}`, { cause });
}
