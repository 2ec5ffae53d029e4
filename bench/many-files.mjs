// Measures the cost of 100,000 files: the first full sync, and the time after it, when nothing changes.
//
//   node bench/many-files.mjs [--files 100000] [--directories 1000] [--size 1000] [--idle 60] [--trials 5] [--store s3] [--json]
//
// `watch` runs without a file watcher, and uploads to a separate server (`--store s3`) or a directory (`--store file`). Prints the time of the first
// sync, the processor time while nothing changes, memory, the delay until a changed file is stored (a file that had not changed, in a directory that
// had not changed), and the cost of a restart.

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runMeasurement, toMiB } from './support/arguments.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { createRandom } from './support/random.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';
import { startWatch } from './support/uploader-process.mjs';

const UUID_LENGTH = 32;
/** Highest accepted values. */
const MAX_MEMORY_BYTES = 200 * 1024 * 1024;
const MAX_NOTICE_MS = 15_000;
const SYNC_TIMEOUT_MS = 1_800_000;
/** Time after which the sync causes no more work. */
const SETTLE_MS = 75_000;

await runMeasurement(
  { files: '100000', directories: '1000', size: '1000', idle: '60', trials: '5', store: 's3' },
  async ({ values, directory, onEnd, say }) => {
    const files = Number(values.files);
    const root = join(directory, 'root');
    const paths = writeTree(root, files, Number(values.directories), Number(values.size));
    say(`wrote ${files} files`);
    const home = join(directory, 'home');
    mkdirSync(home);
    const isS3 = values.store === 's3';
    const server = isS3 ? await startS3Server(join(directory, 'server'), 'runs') : undefined;
    onEnd(() => server?.stop());
    const proxy = isS3 ? await CountingProxy.start(server.port) : undefined;
    onEnd(() => proxy?.stop());
    const objects = isS3 ? join(directory, 'server/data/runs/team') : join(directory, 'store');
    const stateDir = join(directory, 'state');
    const start = () => {
      const started = startWatch({
        ...{ root, stateDir, home, env: isS3 ? toS3Env(proxy.endpoint, home) : {} },
        store: isS3 ? 's3://runs/team' : `file://${objects}`,
        args: ['--poll'],
      });
      onEnd(() => started.isRunning && started.end('SIGKILL'));
      return started;
    };

    let watch = start();
    const syncStartMs = performance.now();
    await untilStored(watch, stateDir, files);
    const syncMs = performance.now() - syncStartMs;
    const syncCpuMs = watch.cpuMs();
    const syncRequests = proxy?.requests ?? 0;
    say(`all files are stored after ${(syncMs / 1000).toFixed(0)} s`);

    await sleep(SETTLE_MS);
    const [cpuMs, requests] = [watch.cpuMs(), proxy?.requests ?? 0];
    await sleep(Number(values.idle) * 1000);
    const idleCpu = (watch.cpuMs() - cpuMs) / (Number(values.idle) * 1000);
    const idleRequests = (proxy?.requests ?? 0) - requests;
    const memory = watch.memory();
    say('measured the idle time');

    const random = createRandom(7);
    const notices = [];
    for (let trial = 0; trial < Number(values.trials); trial += 1) {
      const path = paths[Math.floor(random() * paths.length)];
      notices.push(await measureNotice(join(root, 'runs', path), join(objects, path), Number(values.size)));
      await sleep(random() * 20_000);
    }

    await watch.end('SIGTERM');
    const before = { requests: proxy?.requests ?? 0, operations: new Map(proxy?.operations) };
    watch = start();
    const restartMs = performance.now();
    await untilStored(watch, stateDir, files);
    const restartTookMs = performance.now() - restartMs;
    const restart = isS3 ? describeRequests(before, proxy) : '';
    const peakBytes = Math.max(memory.peakBytes, watch.memory().peakBytes);
    const code = await watch.end('SIGTERM');

    const failures = [];
    if (peakBytes > MAX_MEMORY_BYTES) failures.push(`peak memory is ${toMiB(peakBytes)}`);
    if (!(Math.max(...notices) <= MAX_NOTICE_MS))
      failures.push(`a change was stored after ${Math.max(...notices)} ms`);
    if (code !== 0) failures.push(`watch ended with ${code}: ${watch.output.slice(-1000)}`);
    const figures = {
      'files, directories': `${files}, ${values.directories}`,
      'first full sync': `${(syncMs / 1000).toFixed(1)} s, ${(syncCpuMs / 1000).toFixed(1)} s of processor time, ${syncRequests} requests`,
      'idle, share of a core': `${(idleCpu * 100).toFixed(2)} %, ${idleRequests} requests in ${values.idle} s`,
      'memory idle, peak': `${toMiB(memory.residentBytes)}, ${toMiB(peakBytes)}`,
      'a changed file is stored after': notices.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', '),
      'restart until all files are verified': `${(restartTookMs / 1000).toFixed(1)} s${restart}`,
    };
    return { figures, failures };
  },
);

/** Writes the files of several runs, in directories of equal size. Returns their paths, `<uuid>/…`. */
function writeTree(root, files, directories, sizeBytes) {
  const paths = [];
  const perRun = Math.max(1, Math.ceil(directories / 100));
  for (let d = 0; d < directories; d += 1) {
    const uuid = Math.floor(d / perRun)
      .toString(16)
      .padStart(UUID_LENGTH, 'a');
    const path = join(uuid, 'outputs', `part-${d}`);
    mkdirSync(join(root, 'runs', path), { recursive: true });
    for (let f = 0; f < files / directories; f += 1) {
      paths.push(join(path, `file-${f}.bin`));
      writeFileSync(join(root, 'runs', path, `file-${f}.bin`), Buffer.alloc(sizeBytes, d + f));
    }
  }
  return paths;
}

/** Waits until the status file of the uploader has this number of stored files and no pending file. */
async function untilStored(watch, stateDir, files) {
  const deadline = performance.now() + SYNC_TIMEOUT_MS;
  const isOld = performance.timeOrigin + performance.now();
  while (performance.now() < deadline) {
    if (!watch.isRunning) throw new Error(`watch ended: ${watch.output.slice(-2000)}`);
    const status = readStatus(stateDir);
    const isCurrent = status !== undefined && status.pid === watch.pid && status.updatedAt * 1000 > isOld;
    if (isCurrent && status.total.storedFiles >= files && status.total.pendingFiles === 0) return;
    await sleep(500);
  }
  throw new Error(`not stored within ${SYNC_TIMEOUT_MS / 1000} s`);
}

function readStatus(stateDir) {
  try {
    const [name] = readStateNames(stateDir);
    return JSON.parse(readFileSync(join(stateDir, name, 'status.json'), 'utf8'));
  } catch {
    return undefined; // not written yet
  }
}

function readStateNames(stateDir) {
  return readdirSync(stateDir).filter((name) => statSync(join(stateDir, name)).isDirectory());
}

async function measureNotice(file, object, sizeBytes) {
  const startMs = performance.now();
  writeFileSync(file, Buffer.alloc(sizeBytes + 1, Math.floor(startMs) % 251));
  while (statSync(object, { throwIfNoEntry: false })?.size !== sizeBytes + 1) {
    if (performance.now() - startMs > 4 * MAX_NOTICE_MS) return Number.POSITIVE_INFINITY;
    await sleep(50);
  }
  return performance.now() - startMs;
}

function describeRequests(before, proxy) {
  const operations = [...proxy.operations]
    .map(([name, count]) => [name, count - (before.operations.get(name) ?? 0)])
    .filter(([, count]) => count > 0);
  return `, ${proxy.requests - before.requests} requests: ${JSON.stringify(Object.fromEntries(operations))}`;
}
