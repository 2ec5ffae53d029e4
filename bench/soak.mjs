// Checks that nothing of an uploader grows without end while runs come, end and are removed, and what it costs when nothing happens.
//
//   node bench/soak.mjs [--minutes 20] [--writers 30] [--processes 6] [--finished 3000] [--polyaxon yes] [--json]
//
// First, `--writers` write runs of 20 to 100 seconds for `--minutes` into one root, and each run is removed some time after it was stored.
// `watch` uploads them to S3 and reports them to Polyaxon. At ten random moments all writers are stopped (SIGSTOP), and every figure of
// `status` and `/metrics` is compared with a count of files and objects. Then a second `watch` waits on a root of `--finished` finished runs.
// Skip a part with `--minutes 0` or `--finished 0`.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runMeasurement, toMiB } from './support/arguments.mjs';
import { sizesOnDisk } from './support/caught-up.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { startPolyaxonServer } from './support/polyaxon-server.mjs';
import { readIo } from './support/process-stat.mjs';
import { createRandom } from './support/random.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';
import { CLI, startWatch } from './support/uploader-process.mjs';

const SAMPLE_MS = 5_000;
const MOMENTS = 10;
const PROJECT = 'soak';
const PORT = 18_431;
/** How much the last quarter may exceed the second one. The margin is for what differs between two moments, such as garbage. */
const LIMITS = {
  'resident memory': { ratio: 1.1, margin: 12 * 2 ** 20 },
  'state directory': { ratio: 1.3, margin: 512 * 1024 },
  journal: { ratio: 1.3, margin: 256 * 1024 },
  'status file': { ratio: 1.3, margin: 16 * 1024 },
};
const MAX_SENT_RATIO = 1.3;
const IDLE = { settleMs: 90_000, measureMs: 60_000, maxCpuShare: 0.02, maxBytesPerSecond: 5_000 };

await runMeasurement(
  { minutes: '20', writers: '30', processes: '6', finished: '3000', polyaxon: 'yes' },
  async (measurement) => {
    const { values } = measurement;
    const soaked = Number(values.minutes) > 0 ? await soak(measurement) : { figures: {}, failures: [] };
    const idle = Number(values.finished) > 0 ? await idleOver(measurement) : { figures: {}, failures: [] };
    return {
      figures: { ...soaked.figures, ...idle.figures },
      failures: [...soaked.failures, ...idle.failures],
    };
  },
);

async function soak({ values, directory, onEnd, say }) {
  const scene = await openScene(
    join(directory, 'soak'),
    { onEnd, args: ['--http', `127.0.0.1:${PORT}`] },
    values,
  );
  const seconds = Number(values.minutes) * 60;
  const writers = startWriters(scene, values, seconds);
  onEnd(() => {
    for (const child of writers.all) child.kill('SIGKILL');
  });
  const random = createRandom(1);
  const moments = Array.from({ length: MOMENTS }, () => (0.1 + 0.9 * random()) * seconds).sort(
    (a, b) => a - b,
  );
  const samples = [];
  const failures = [];
  const startMs = performance.now();
  let isWritten = false;
  void writers.done.then(() => {
    isWritten = true;
  });
  while (!isWritten && scene.watch.isRunning) {
    samples.push(takeSample(scene));
    if (moments.length > 0 && performance.now() - startMs >= moments[0] * 1000) {
      moments.shift();
      failures.push(...(await compareStopped(scene, writers.all, say)));
    }
    await sleep(SAMPLE_MS);
  }
  say('all runs are written, stored and removed');
  const counts = (await writers.done).map((output) => JSON.parse(output));
  const runs = counts.reduce((sum, each) => sum + each.runs, 0);
  const storedBytes = sum([...sizesOnDisk(scene.objects).values()]) + sum(sizesOfReserved(scene.objects));
  const sentBytes = scene.proxy.allBodyBytes;
  const code = await scene.watch.end('SIGTERM');
  if (code !== 0) failures.push(`watch ended with ${code}: ${scene.watch.output.slice(-2000)}`);
  if (sentBytes > MAX_SENT_RATIO * storedBytes)
    failures.push(
      `sent ${(sentBytes / storedBytes).toFixed(2)} times the stored bytes, expected at most ${MAX_SENT_RATIO}`,
    );
  const figures = {
    'runs written and removed': `${runs}, by ${values.writers} writers in ${values.minutes} min`,
    'bytes sent': `${toMiB(sentBytes)}, ${(sentBytes / storedBytes).toFixed(2)} times the stored ${toMiB(storedBytes)}`,
  };
  for (const [name, { ratio, margin }] of Object.entries(LIMITS)) {
    const [before, after] = [0.25, 0.75].map((start) => medianOf(samples, name, start, start + 0.25));
    figures[name] = `${toKiB(before)} in the second quarter, ${toKiB(after)} in the last`;
    if (after > before * ratio + margin)
      failures.push(`${name} grew from ${toKiB(before)} to ${toKiB(after)}`);
  }
  return { figures, failures };
}

/** A root, an S3 server, a Polyaxon server if wanted, and a watch. */
async function openScene(directory, { onEnd, args }, values) {
  const [root, home, serverHome] = ['root', 'home', 'server'].map((name) => join(directory, name));
  for (const path of [join(root, 'runs'), home]) mkdirSync(path, { recursive: true });
  const server = await startS3Server(serverHome, 'runs');
  onEnd(server.stop);
  const proxy = await CountingProxy.start(server.port);
  onEnd(() => proxy.stop());
  const api = [];
  if (values.polyaxon === 'yes') {
    const polyaxon = await startPolyaxonServer({ data: join(directory, 'polyaxon'), project: PROJECT });
    onEnd(() => polyaxon.stop());
    api.push('--polyaxon', polyaxon.url, '--project', `default/${PROJECT}`);
  }
  const stateDir = join(directory, 'state');
  mkdirSync(stateDir);
  const env = toS3Env(proxy.endpoint, home);
  const watch = startWatch({ root, store: 's3://runs/soak', stateDir, home, env, args: [...api, ...args] });
  onEnd(() => watch.isRunning && watch.end('SIGKILL'));
  const objects = join(serverHome, 'data/runs/soak');
  return { root, runs: join(root, 'runs'), stateDir, home, env, proxy, watch, objects };
}

function startWriters({ root, objects }, values, seconds) {
  const script = fileURLToPath(new URL('programs/soak-runs.mjs', import.meta.url));
  const processes = Number(values.processes);
  const each = Math.ceil(Number(values.writers) / processes);
  const all = Array.from({ length: processes }, (_, index) =>
    spawn(process.execPath, [script, root, objects, String(each), String(seconds), String(index + 1)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  const done = Promise.all(
    all.map(async (child) => {
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
      });
      await once(child, 'close');
      return output;
    }),
  );
  return { all, done };
}

function takeSample({ stateDir, watch }) {
  const files = listFiles(stateDir);
  const bytesOf = (isWanted) => sum(files.filter(isWanted).map(({ bytes }) => bytes));
  return {
    'resident memory': watch.memory().residentBytes,
    'state directory': bytesOf(() => true),
    journal: bytesOf(({ path }) => /\/journal-\d+$/.test(path)),
    'status file': bytesOf(({ path }) => /\/status[^/]*$/.test(path)),
  };
}

/** Stops the writers, waits until the uploader has seen everything, and compares its figures with the disk and the store. */
async function compareStopped(scene, writers, say) {
  const running = writers.filter(({ exitCode }) => exitCode === null);
  for (const child of running) child.kill('SIGSTOP');
  try {
    let differences = [];
    // A round of the scan takes up to a minute, and the status is written every few seconds.
    for (const deadline = performance.now() + 90_000; performance.now() < deadline; await sleep(2_000)) {
      differences = await compare(scene);
      if (differences.length === 0) break;
    }
    say(`status and metrics: ${differences.length === 0 ? 'equal to the count' : differences.join('; ')}`);
    return differences;
  } finally {
    for (const child of running) child.kill('SIGCONT');
  }
}

async function compare({ root, runs, objects, stateDir, home, env }) {
  const counted = count(runs, objects, stateDir);
  const text = await (await fetch(`http://127.0.0.1:${PORT}/metrics`)).text();
  const metric = (name) => Number(new RegExp(`^polytrack_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const phase = (name) =>
    Number(new RegExp(`^polytrack_runs\\{phase="${name}"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
  const [status] = readStatus([root, '--store', 's3://runs/soak', '--state-dir', stateDir], { home, env });
  const pairs = {
    'metrics: live runs': [phase('live'), counted.live],
    'metrics: complete runs': [phase('complete'), counted.ended],
    'metrics: backlog files': [metric('backlog_files'), counted.pendingFiles],
    'metrics: backlog bytes': [metric('backlog_bytes'), counted.pendingBytes],
    'metrics: stored files': [metric('stored_files'), counted.storedFiles],
    'metrics: stored bytes': [metric('stored_bytes'), counted.storedBytes],
    'metrics: lost bytes': [metric('lost_bytes'), 0],
    'status: runs': [status.runs.length, counted.live + counted.ended],
    'status: live runs': [status.runs.filter((run) => run.phase === 'live').length, counted.live],
    'status: pending files': [status.total.pendingFiles, counted.pendingFiles],
    'status: pending bytes': [status.total.pendingBytes, counted.pendingBytes],
    'status: stored files': [status.total.storedFiles, counted.storedFiles],
    'status: stored bytes': [status.total.storedBytes, counted.storedBytes],
    'status: lost bytes': [status.total.lostBytes, 0],
  };
  return Object.entries(pairs).flatMap(([name, [shown, real]]) =>
    shown === real ? [] : [`${name} is ${shown}, counted ${real}`],
  );
}

/** Counts runs on disk, and files with and without all of their bytes in the store. */
function count(runs, objects, stateDir) {
  const counted = { live: 0, ended: 0, pendingFiles: 0, pendingBytes: 0, storedFiles: 0, storedBytes: 0 };
  for (const uuid of readdirSync(runs))
    counted[existsSync(join(runs, uuid, '.plx/end-main.json')) ? 'ended' : 'live'] += 1;
  for (const [path, size] of [...sizesOnDisk(runs), ...sizesOfGenerated(stateDir, runs)]) {
    const stored = statSync(join(objects, path), { throwIfNoEntry: false })?.size ?? -1;
    counted.storedBytes += Math.max(0, Math.min(stored, size));
    if (stored === size) counted.storedFiles += 1;
    else counted.pendingFiles += 1;
    counted.pendingBytes += size - Math.max(0, stored);
  }
  return counted;
}

/** Sizes of the Polyaxon event files that the uploader has generated for runs on disk, by path. */
function sizesOfGenerated(stateDir, runs) {
  return listFiles(stateDir).flatMap(({ path, bytes }) => {
    const [, uuid, name] = /\/exports\/([0-9a-f]{32})\/((?:events|assets|resources)\/.+)$/.exec(path) ?? [];
    return uuid === undefined || !existsSync(join(runs, uuid)) ? [] : [[`${uuid}/${name}`, bytes]];
  });
}

function readStatus(args, { home, env }) {
  const options = { env: { PATH: process.env.PATH, HOME: home, ...env }, encoding: 'utf8' };
  try {
    return JSON.parse(execFileSync(process.execPath, [CLI, 'status', ...args, '--json'], options));
  } catch (error) {
    return JSON.parse(error.stdout); // exit code 1: something is pending
  }
}

async function idleOver({ values, directory, onEnd, say }) {
  const scene = await openScene(join(directory, 'idle'), { onEnd, args: [] }, { polyaxon: 'no' });
  const finished = Number(values.finished);
  for (let index = 0; index < finished; index += 1) writeFinishedRun(scene.runs, index);
  say(`${finished} finished runs are written`);
  const isStored = () => existsSync(scene.objects) && readdirSync(scene.objects).length >= finished;
  while (!isStored()) await sleep(1_000);
  await sleep(IDLE.settleMs);
  const figures = {};
  const failures = [];
  for (const [name, prepare] of [
    ['idle', () => undefined],
    ['one live run', () => keepWriting(scene.runs)],
  ]) {
    const stop = prepare();
    await sleep(10_000);
    const before = { cpuMs: scene.watch.cpuMs(), ...readIo(scene.watch.pid) };
    await sleep(IDLE.measureMs);
    const after = { cpuMs: scene.watch.cpuMs(), ...readIo(scene.watch.pid) };
    stop?.();
    const cpuShare = (after.cpuMs - before.cpuMs) / IDLE.measureMs;
    const bytesPerSecond = ((after.writtenBytes - before.writtenBytes) * 1000) / IDLE.measureMs;
    figures[`${name}, over ${finished} finished runs`] =
      `${(100 * cpuShare).toFixed(1)} % of a core, ${bytesPerSecond.toFixed(0)} bytes/s written`;
    if (name !== 'idle') continue;
    if (cpuShare > IDLE.maxCpuShare)
      failures.push(`an idle watch uses ${(100 * cpuShare).toFixed(1)} % of a core`);
    if (bytesPerSecond > IDLE.maxBytesPerSecond)
      failures.push(`an idle watch writes ${bytesPerSecond.toFixed(0)} bytes/s`);
  }
  await scene.watch.end('SIGTERM');
  return { figures, failures };
}

function writeFinishedRun(runs, index) {
  const uuid = `a${index.toString(16).padStart(31, '0')}`;
  const files = {
    'run.plx.json': JSON.stringify({ uuid, name: `run-${index}`, kind: 'job', status: 'succeeded' }),
    'outputs/train.log': 'all is well\n',
    'outputs/tensorboard/events.out.tfevents.1.host': '',
    '.plx/heartbeat-main.json': '{}',
    '.plx/end-main.json': '{}',
  };
  writeAll(join(runs, uuid), files);
}

/** Writes to a live run once a second until the returned function is called. */
function keepWriting(runs) {
  const uuid = 'f'.repeat(32);
  const record = JSON.stringify({ uuid, name: 'live', kind: 'job', status: 'running' });
  let lines = '';
  const timer = setInterval(() => {
    lines += 'all is well\n';
    writeAll(join(runs, uuid), { 'run.plx.json': record, 'outputs/train.log': lines });
  }, 1_000);
  return () => clearInterval(timer);
}

function writeAll(directory, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    if (path !== 'run.plx.json' || !existsSync(join(directory, path)))
      writeFileSync(join(directory, path), content);
  }
}

/** Files below a directory; what is removed meanwhile is left out. */
function listFiles(directory) {
  return readNames(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    const stat = entry.isFile() ? statSync(path, { throwIfNoEntry: false }) : undefined;
    return stat === undefined ? [] : [{ path, bytes: stat.size }];
  });
}

function readNames(directory) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Objects below `.plx/` of each run, such as manifests. */
function sizesOfReserved(objects) {
  return listFiles(objects)
    .filter(({ path }) => path.includes('/.plx/'))
    .map(({ bytes }) => bytes);
}

function medianOf(samples, name, from, to) {
  const values = samples
    .slice(Math.floor(from * samples.length), Math.ceil(to * samples.length))
    .map((sample) => sample[name])
    .sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function toKiB(bytes) {
  return `${(bytes / 1024).toFixed(0)} KiB`;
}
