// Measures queries of a store with many runs: requests and time, cold and warm, as multiples of the time of `polytrack --help`, and of the time that the
// requests of the cold query take alone: a bare client sends them again, each group of one kind at once.
//
//   node bench/queries.mjs [--runs 10000] [--trials 5] [--json]
//
// The runs are synthetic: their files and the objects of the index are written as an uploader would write them. It needs a build (`npm run build`) and the
// S3 server (`npm run peers`).

import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { runMeasurement } from './support/arguments.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';

const { createRow, encodeIndex } = createRequire(import.meta.url)('../dist/uploader/run-index/index-row.js');
const CLI = join(import.meta.dirname, '../dist/uploader/cli.js');
/** The rows of one object after several merges. */
const OBJECT_ROWS = 1000;
const MAX_REQUESTS = 50;
const MAX_OF_REQUESTS = 3;
const MAX_OF_HELP = 1.5;

await runMeasurement({ runs: '10000', trials: '5' }, async ({ values, directory, onEnd, say }) => {
  const count = Number(values.runs);
  const server = await startS3Server(join(directory, 'server'), 'runs');
  onEnd(() => server.stop());
  const proxy = await CountingProxy.start(server.port);
  onEnd(() => proxy.stop());
  await writeStore(server, join(directory, 'server/data/runs'), count);
  say(`wrote ${count} runs`);

  const stateDir = join(directory, 'state');
  const env = { ...process.env, ...toS3Env(proxy.endpoint, directory), POLYTRACK_STATE_DIR: stateDir };
  const time = async (...args) => {
    const [startMs, before] = [performance.now(), proxy.requests];
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], {
      env,
      maxBuffer: 1 << 30,
    });
    return { ms: performance.now() - startMs, requests: proxy.requests - before, stdout };
  };
  const query = ['runs', 's3://runs', '--sort', '-val/acc'];
  const figures = { help: [], cold: [], warm: [], alone: [] };
  let recorded = [];
  proxy.onRequest = (request) => recorded.push(request);
  let [coldRequests, warmRequests, lines] = [0, 0, 0];
  for (let trial = 0; trial < Number(values.trials); trial += 1) {
    figures.help.push((await time('--help')).ms);
    rmSync(stateDir, { recursive: true, force: true });
    recorded = [];
    const cold = await time(...query);
    figures.alone.push(await replay(recorded.slice(), server.port));
    const warm = await time(...query);
    figures.cold.push(cold.ms);
    figures.warm.push(warm.ms);
    [coldRequests, warmRequests] = [cold.requests, warm.requests];
    lines = warm.stdout.trim().split('\n').length;
  }
  const { help, cold, warm, alone } = figures;
  const [helpMs, coldMs, warmMs, aloneMs] = [help, cold, warm, alone].map(median);
  const failures = [];
  if (lines < count) failures.push(`${lines} lines, expected ${count}`);
  if (coldRequests > MAX_REQUESTS)
    failures.push(`${coldRequests} requests, expected at most ${MAX_REQUESTS}`);
  return {
    figures: {
      requests: `${coldRequests} cold, ${warmRequests} warm`,
      '--help': `${helpMs.toFixed(0)} ms`,
      'cold, its requests alone': `${coldMs.toFixed(0)} ms, ${aloneMs.toFixed(0)} ms: ${(coldMs / aloneMs).toFixed(2)} (target ${MAX_OF_REQUESTS})`,
      'warm / --help': `${warmMs.toFixed(0)} ms: ${(warmMs / helpMs).toFixed(2)} (target ${MAX_OF_HELP})`,
    },
    failures,
  };
});

async function writeStore(server, directory, count) {
  let rows = [];
  for (let index = 0; index < count; index += 1) {
    const uuid = ((index * 0x9e3779b1) >>> 0).toString(16).padStart(8, '0').padEnd(32, 'e');
    const acc = ((index * 7919) % 10_007) / 10_007;
    const fields = {
      ...{ name: `run ${index}`, description: null, owner: null, project: 'vision', status: 'succeeded' },
      ...{ createdAt: new Date(1.7e12 + index), startedAt: new Date(1.7e12 + index), finishedAt: null },
      ...{ durationSeconds: 60, tags: [], goals: {}, outputs: { val__acc: acc, loss: 1 - acc } },
      inputs: { lr: 1 / (index + 1), optimizer: 'adam', depth: index % 12 },
    };
    const point = { value: acc, step: 100, wallTime: 1.7e9 };
    const metrics = ['val/acc', 'loss'].map((tag) => ({
      ...{ name: tag, tag, logDirectory: '' },
      ...{ ...point, min: point, max: point },
    }));
    mkdirSync(join(directory, uuid));
    writeFileSync(join(directory, uuid, 'run.plx.json'), JSON.stringify({ uuid, name: fields.name }));
    rows.push(createRow({ uuid, version: 'synthetic', isEnded: true, atMs: 1.7e12 }, fields, metrics));
    if (rows.length < OBJECT_ROWS && index < count - 1) continue;
    const Key = `.plx/index/${index}.jsonl.gz`;
    await server.client.send(new PutObjectCommand({ Bucket: 'runs', Key, Body: encodeIndex(rows) }));
    rows = [];
  }
}

/** Sends recorded requests again, straight to the server. Returns the time in milliseconds. */
async function replay(requests, port) {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const send = ({ url, headers }) =>
    new Promise((resolve, reject) => {
      get({ agent, host: '127.0.0.1', port, path: url, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
        response.resume().once('end', resolve).once('error', reject);
      }).once('error', reject);
    });
  const startMs = performance.now();
  while (requests.length > 0) {
    const { operation } = requests[0];
    const next = requests.findIndex((each) => each.operation !== operation);
    await Promise.all(requests.splice(0, next === -1 ? requests.length : next).map(send));
  }
  agent.destroy();
  return performance.now() - startMs;
}

function median(all) {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)];
}
