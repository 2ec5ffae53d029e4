// Compares `polytrack sync` of a run to a Polyaxon server with Polyaxon's own `push_offline_run`: time and bytes, for runs with many event files.
//
//   node bench/push.mjs [--files 348,3000] [--points 300] [--rounds 3] [--tensorboard yes] [--json]
//
// Each round writes a run and pushes it with both programs to one server, in turn: directly, and through a link with 50 ms and 10 Mbit/s.
// The runs have no TensorBoard event file, like those that Python writes, unless `--tensorboard yes` is given. A second sync follows. Both programs are measured as processes, from their start to
// their end, and take turns in going first. A ratio is the median of the ratios of the rounds. On a busy machine, elapsed times vary; processor times (of the program and of the server) vary less.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { peersDirectory, polyaxonPeer } from '../scripts/peers-directory.mjs';
import { runMeasurement } from './support/arguments.mjs';
import { startPolyaxonServer } from './support/polyaxon-server.mjs';
import { readCpuMs } from './support/process-stat.mjs';
import { SlowProxy } from './support/slow-proxy.mjs';
import { CLI, DIST } from './support/uploader-process.mjs';

const PUSH = fileURLToPath(new URL('../test/polyaxon-server/push_offline.py', import.meta.url));
const PROJECT = 'push';
/** Python sends the lineage of a run in one request. The open server rejects one with more entries than this, so it is divided for Python. */
const LINEAGE_BATCH = 900;
const LINKS = {
  loopback: { roundTripMs: 0, bytesPerSecond: 1e9 },
  '50 ms, 10 Mbit/s': { roundTripMs: 50, bytesPerSecond: 10e6 / 8 },
};
/** Files that were written just before a sync are compared again by the next one. */
const QUIET_MS = 2_500;
const MAX_TIME = 0.8;
const MAX_BYTES = 1.1;
const MAX_SECOND_TIME = 0.2;

await runMeasurement(
  { files: '348,3000', points: '300', rounds: '3', tensorboard: 'no' },
  async ({ values, directory, onEnd, say }) => {
    const server = await startPolyaxonServer({ data: join(directory, 'server'), project: PROJECT });
    onEnd(() => server.stop());
    const port = Number(new URL(server.url).port);
    const figures = {};
    const failures = [];
    for (const files of values.files.split(',').map(Number))
      for (const [name, link] of Object.entries(LINKS)) {
        const found = [];
        for (let round = 0; round < Number(values.rounds); round += 1)
          found.push(await measureRound({ directory, server, port, link, files, values, round }));
        const median = (pick) => found.map(pick).sort((a, b) => a - b)[Math.floor(found.length / 2)];
        const ratio = (program, peer, field) => median((each) => each[program][field] / each[peer][field]);
        const describe = (program) => {
          const [ms, cpuMs, serverMs] = ['ms', 'cpuMs', 'serverMs'].map((field) =>
            median((each) => each[program][field]),
          );
          return `${toSeconds(ms)}, processor ${toSeconds(cpuMs)} + ${toSeconds(serverMs)} of the server, ${toKilobytes(median((each) => each[program].sentBytes))} sent, ${toKilobytes(median((each) => each[program].receivedBytes))} received`;
        };
        const title = `${files} files, ${name}`;
        say(title);
        figures[`${title}: Python`] = describe('python');
        figures[`${title}: polytrack`] = describe('first');
        figures[`${title}: second sync`] = describe('second');
        const time = ratio('first', 'python', 'ms');
        const bytes = ratio('first', 'python', 'sentBytes');
        const secondTime = ratio('second', 'first', 'ms');
        figures[`${title}: ratios`] =
          `time ${time.toFixed(2)} × Python, bytes ${bytes.toFixed(2)} × Python, second sync ${secondTime.toFixed(2)} × the first`;
        if (time > MAX_TIME) failures.push(`${title}: time above ${MAX_TIME} × Python`);
        if (bytes > MAX_BYTES) failures.push(`${title}: bytes above ${MAX_BYTES} × Python`);
        if (secondTime > MAX_SECOND_TIME)
          failures.push(`${title}: second sync above ${MAX_SECOND_TIME} × the first`);
      }
    return { figures, failures };
  },
);

/** Pushes two equal runs, one with each program. */
async function measureRound({ directory, server, port, link, files, values, round }) {
  const place = join(directory, `${files}-${link.roundTripMs}-${round}`);
  const home = join(place, 'home');
  mkdirSync(home, { recursive: true });
  const ours = await writeRun(join(place, 'ours'), files, values);
  const theirs = await writeRun(join(place, 'theirs'), files, values);
  await sleep(QUIET_MS);
  const proxy = await SlowProxy.start(port, link);
  const measure = (push) => measurePush(proxy, server, push);
  const pushWithPython = (host) =>
    run(join(peersDirectory(), polyaxonPeer(), 'venv/bin/python'), [PUSH, PROJECT, theirs], {
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: home,
      LC_ALL: 'C.UTF-8',
      POLYAXON_HOME: home,
      POLYAXON_HOST: host,
      POLYAXON_INTERVALS_COMPATIBILITY_CHECK: '-1',
      POLYAXON_DISABLE_ERRORS_REPORTING: 'true',
      ...(files > LINEAGE_BATCH ? { LINEAGE_BATCH: String(LINEAGE_BATCH) } : {}),
    });
  const sync = (host) => {
    const store = `polyaxon://${new URL(host).host}/default/${PROJECT}`;
    const args = ['sync', join(place, 'ours'), '--store', store, '--state-dir', join(place, 'state')];
    return run(process.execPath, [CLI, ...args], { PATH: process.env.PATH, HOME: home });
  };
  /** The server may answer 405 while its database is locked. Python's client then gives up, and is started again. */
  const measurePython = async (attempts = 3) => {
    try {
      return await measure(pushWithPython);
    } catch (error) {
      if (attempts === 1 || !error.message.includes('405')) throw error;
      return measurePython(attempts - 1);
    }
  };
  let python = round % 2 === 0 ? await measurePython() : null;
  const first = await measure(sync);
  const second = await measure(sync);
  python ??= await measurePython();
  proxy.stop();
  compare(ours, join(directory, 'server', basename(ours)));
  return { python, first, second };
}

/** Writes a run with a metric for each file, and returns its directory. */
async function writeRun(root, files, { points, tensorboard }) {
  const { Run } = await import(join(DIST, 'src/index.js'));
  const run = new Run({
    root,
    name: 'push',
    project: PROJECT,
    formats: ['polyaxon'],
    collectResources: false,
  });
  for (let file = 0; file < files; file += 1)
    for (let step = 0; step < Number(points); step += 1)
      run.logMetric(`metric-${file}`, Math.cos(step / (file + 1)) / (step + 1), { step });
  await run.end();
  const directory = join(root, 'runs', run.uuid);
  if (tensorboard === 'no') rmSync(join(directory, 'outputs/tensorboard'), { recursive: true });
  return directory;
}

/** Throws unless the server has every file, byte by byte. */
function compare(local, stored) {
  for (const entry of readdirSync(local, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const relative = path.slice(local.length);
    if (!entry.isFile() || relative.startsWith('/.plx/')) continue;
    if (!readFileSync(path).equals(readFileSync(stored + relative)))
      throw new Error(`the server has other bytes of ${relative}`);
  }
}

async function measurePush(proxy, server, push) {
  const { sentBytes, receivedBytes } = proxy;
  const before = { own: readCpuMs(process.pid).ended, server: server.cpuMs() };
  const startMs = performance.now();
  await push(proxy.endpoint);
  const ms = performance.now() - startMs;
  return {
    ms,
    cpuMs: readCpuMs(process.pid).ended - before.own,
    serverMs: server.cpuMs() - before.server,
    sentBytes: proxy.sentBytes - sentBytes,
    receivedBytes: proxy.receivedBytes - receivedBytes,
  };
}

async function run(command, args, env) {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += text;
    });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${output}`);
}

function toSeconds(ms) {
  return `${(ms / 1000).toFixed(2)} s`;
}

function toKilobytes(bytes) {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
