// Measures the processor time of a sync of many ended runs when nothing has changed: it must grow linearly, and a directory as a store must cost
// no more than S3.
//
//   node bench/many-runs.mjs [--runs 100,1000,10000] [--stores file,s3] [--trials 3] [--json]
//
// Each run has a run file and one small log. The growth is the processor time of an additional run between two sizes, divided by that between
// the two sizes before, so that the start of the program does not count. It needs a build (`npm run build`) and the S3 server (`npm run peers`).

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runMeasurement } from './support/arguments.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';

const PROGRAM = fileURLToPath(new URL('../dist/uploader/cli.js', import.meta.url));
const UUID_LENGTH = 32;
/** Highest accepted ratios. */
const MAX_GROWTH = 1.3;
const MAX_FILE_TO_S3 = 1;
const ENDED_AT = new Date('2026-01-01T00:00:00Z');
/** Writes the processor time of the process, in microseconds, when it ends. */
const METER = `data:text/javascript,${encodeURIComponent(`
  import { writeFileSync } from 'node:fs';
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    writeFileSync(process.env.METER_FILE, String(user + system));
  });
`)}`;

await runMeasurement(
  { runs: '100,1000,10000', stores: 'file,s3', trials: '3' },
  async ({ values, directory, onEnd, say }) => {
    const sizes = values.runs.split(',').map(Number);
    const stores = values.stores.split(',');
    const server = stores.includes('s3') ? await startS3Server(join(directory, 'server'), 'runs') : undefined;
    onEnd(() => server?.stop());
    const cpuMs = { file: [], s3: [] };
    for (const [index, runs] of sizes.entries()) {
      const root = join(directory, `root-${runs}`);
      writeRuns(root, runs);
      for (const store of stores) {
        const url = store === 's3' ? `s3://runs/${runs}` : `file://${join(directory, `store-${runs}`)}`;
        const home = join(directory, `home-${store}-${runs}`);
        mkdirSync(home);
        const env = store === 's3' ? toS3Env(server.endpoint, home) : {};
        const sync = () => measureSync(root, url, home, env);
        await sync();
        say(`${store}: stored ${runs} runs`);
        const times = [];
        for (let trial = 0; trial < Number(values.trials); trial += 1) times.push(await sync());
        cpuMs[store][index] = Math.min(...times);
        say(`${store}: a sync of ${runs} unchanged runs took ${Math.round(cpuMs[store][index])} ms of CPU`);
      }
    }
    return judge(sizes, stores, cpuMs);
  },
);

/** Returns the figures, and a failure for each ratio that is too high. */
function judge(sizes, stores, cpuMs) {
  const figures = {};
  const failures = [];
  const check = (name, ratio, limit) => {
    figures[name] = `${ratio.toFixed(2)} (at most ${limit})`;
    if (!(ratio <= limit)) failures.push(`${name} is ${ratio.toFixed(2)}`);
  };
  for (const store of stores) {
    const times = cpuMs[store];
    for (const [index, runs] of sizes.entries())
      figures[`${store}: ${runs} runs`] = `${(times[index] / 1000).toFixed(2)} s of CPU`;
    const perRun = sizes.slice(1).map((runs, i) => (times[i + 1] - times[i]) / (runs - sizes[i]));
    for (let i = 1; i < perRun.length; i += 1)
      check(
        `${store}: growth from ${sizes[i]} to ${sizes[i + 1]} runs`,
        perRun[i] / perRun[i - 1],
        MAX_GROWTH,
      );
  }
  if (stores.length === 2)
    for (const [index, runs] of sizes.entries())
      check(`file / s3: ${runs} runs`, cpuMs.file[index] / cpuMs.s3[index], MAX_FILE_TO_S3);
  return { figures, failures };
}

function writeRuns(root, runs) {
  for (let index = 0; index < runs; index += 1) {
    const uuid = index.toString(16).padStart(UUID_LENGTH, '0');
    const path = join(root, 'runs', uuid);
    mkdirSync(join(path, 'outputs'), { recursive: true });
    const record = { uuid, name: `run ${index}`, kind: 'job', status: 'succeeded' };
    for (const [name, text] of [
      ['run.plx.json', JSON.stringify(record)],
      ['outputs/a.log', 'x'.repeat(200)],
    ]) {
      writeFileSync(join(path, name), text);
      utimesSync(join(path, name), ENDED_AT, ENDED_AT);
    }
  }
}

/** Returns the processor time of one sync, in milliseconds. */
async function measureSync(root, store, home, env) {
  const meterFile = join(home, 'cpu');
  const args = ['--import', METER, PROGRAM, 'sync', root, '--store', store];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: home, XDG_STATE_HOME: home, METER_FILE: meterFile, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    text = `${text}${chunk}`.slice(-2000);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`sync to ${store} ended with ${code}: ${text}`);
  return Number(readFileSync(meterFile, 'utf8')) / 1000;
}
