// Compares `polytrack sync` of a run to a Polyaxon server with Polyaxon's own `push_offline_run`: time and bytes, for runs with many event files.
//
//   node bench/push.mjs [--files 348,3000] [--points 300] [--rounds 3] [--tensorboard yes] [--json]
//
// Each round writes a run and pushes it with both programs to one server, in turn: directly, and through a link with 50 ms and 10 Mbit/s.
// The runs have no TensorBoard event file, like those that Python writes, unless `--tensorboard yes` is given. A second sync follows. The median of the rounds counts. Both programs are measured as processes, from their start to their end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { peersDirectory } from '../scripts/peers-directory.mjs';
import { runMeasurement } from './support/arguments.mjs';
import { startPolyaxonServer } from './support/polyaxon-server.mjs';
import { SlowProxy } from './support/slow-proxy.mjs';
import { CLI, DIST } from './support/uploader-process.mjs';

const PUSH = fileURLToPath(new URL('../test/polyaxon-server/push_offline.py', import.meta.url));
const PROJECT = 'push';
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
          found.push(await measureRound({ directory, port, link, files, values, round }));
        const median = (pick) => found.map(pick).sort((a, b) => a - b)[Math.floor(found.length / 2)];
        const [pythonMs, firstMs, secondMs] = ['python', 'first', 'second'].map((program) =>
          median((each) => each[program].ms),
        );
        const [pythonBytes, firstBytes, secondBytes] = ['python', 'first', 'second'].map((program) =>
          median((each) => each[program].sentBytes),
        );
        const title = `${files} files, ${name}`;
        say(title);
        figures[`${title}: Python`] = `${toSeconds(pythonMs)}, ${toKilobytes(pythonBytes)} sent`;
        figures[`${title}: polytrack`] =
          `${toSeconds(firstMs)} (${(firstMs / pythonMs).toFixed(2)} ×), ${toKilobytes(firstBytes)} sent (${(firstBytes / pythonBytes).toFixed(2)} ×)`;
        figures[`${title}: second sync`] =
          `${toSeconds(secondMs)} (${(secondMs / firstMs).toFixed(2)} × of the first), ${toKilobytes(secondBytes)} sent`;
        const received = median((each) => each.first.receivedBytes);
        figures[`${title}: received`] =
          `${toKilobytes(received)} (Python ${toKilobytes(median((each) => each.python.receivedBytes))})`;
        if (firstMs > MAX_TIME * pythonMs) failures.push(`${title}: time above ${MAX_TIME} × Python`);
        if (firstBytes > MAX_BYTES * pythonBytes)
          failures.push(`${title}: bytes above ${MAX_BYTES} × Python`);
        if (secondMs > MAX_SECOND_TIME * firstMs)
          failures.push(`${title}: second sync above ${MAX_SECOND_TIME} × the first`);
      }
    return { figures, failures };
  },
);

/** Pushes two equal runs, one with each program. */
async function measureRound({ directory, port, link, files, values, round }) {
  const place = join(directory, `${files}-${link.roundTripMs}-${round}`);
  const home = join(place, 'home');
  mkdirSync(home, { recursive: true });
  const ours = await writeRun(join(place, 'ours'), files, values);
  const theirs = await writeRun(join(place, 'theirs'), files, values);
  await sleep(QUIET_MS);
  const proxy = await SlowProxy.start(port, link);
  const python = await measure(proxy, (host) =>
    run(join(peersDirectory(), 'polyaxon/venv/bin/python'), [PUSH, PROJECT, theirs], {
      PATH: process.env.PATH,
      HOME: home,
      TMPDIR: home,
      LC_ALL: 'C.UTF-8',
      POLYAXON_HOME: home,
      POLYAXON_HOST: host,
      POLYAXON_INTERVALS_COMPATIBILITY_CHECK: '-1',
      POLYAXON_DISABLE_ERRORS_REPORTING: 'true',
    }),
  ).catch((error) => {
    // The server may reject the lineage of thousands of files in one request, as Python sends it.
    console.error(error.message.split('\n').find((line) => line.startsWith('Reason')) ?? error.message);
    return { ms: Number.NaN, sentBytes: Number.NaN, receivedBytes: Number.NaN };
  });
  const sync = (host) => {
    const store = `polyaxon://${new URL(host).host}/default/${PROJECT}`;
    const args = ['sync', join(place, 'ours'), '--store', store, '--state-dir', join(place, 'state')];
    return run(process.execPath, [CLI, ...args], { PATH: process.env.PATH, HOME: home });
  };
  const first = await measure(proxy, sync);
  const second = await measure(proxy, sync);
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

async function measure(proxy, push) {
  const { sentBytes, receivedBytes } = proxy;
  const startMs = performance.now();
  await push(proxy.endpoint);
  const ms = performance.now() - startMs;
  return { ms, sentBytes: proxy.sentBytes - sentBytes, receivedBytes: proxy.receivedBytes - receivedBytes };
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
