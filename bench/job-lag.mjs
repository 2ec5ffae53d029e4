// Measures how late the metrics of a job appear in Polyaxon: the time from a log call until the server's API returns the value.
//
//   node bench/job-lag.mjs [--metrics 1000] [--seconds 60] [--period 1000] [--files no] [--json]
//
// A program with `tracking.init()` runs in the environment of a job and logs `--metrics` metrics every `--period` ms, each with its step as the value. The run's
// outputs, which have the last value of each metric, are polled twice per second. A value counts as returned once that or a later one is.
// With `--files yes` the job has no sidecar, so that the process beside the program sends the files too, and the events of ten of the metrics are also polled.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { runMeasurement } from './support/arguments.mjs';
import { startPolyaxonServer } from './support/polyaxon-server.mjs';
import { readCpuMs, readMemory } from './support/process-stat.mjs';
import { DIST } from './support/uploader-process.mjs';

const UUID = 'ac'.repeat(16);
const PROJECT = 'live';
const POLL_MS = 500;
const END_MS = 60_000;
const SAMPLED_FILES = 10;
/** The start of the process beside the program does not count as its steady load. */
const START_STEPS = 5;
/** Highest accepted 99th percentile, in milliseconds. */
const MAX_P99_MS = 15_000;

const PROGRAM = `
import { tracking } from ${JSON.stringify(pathToFileURL(join(DIST, 'src/index.js')).href)};
const [metrics, seconds, periodMs] = process.argv.slice(1).map(Number);
tracking.init({ trackCode: false });
const startMs = performance.now();
for (let step = 0; performance.now() - startMs < seconds * 1000; step += 1) {
  console.log(step, Date.now());
  for (let metric = 0; metric < metrics; metric += 1) tracking.logMetric('metric-' + metric, step, { step });
  await new Promise((resolve) => setTimeout(resolve, startMs + (step + 1) * periodMs - performance.now()));
}
await tracking.end();
`;

/** The lags of all values of some metrics. */
class Lags {
  #loggedMs;
  /** The next step of each metric that was not returned yet. */
  #next;
  #lags = [];

  constructor(names, loggedMs) {
    this.#loggedMs = loggedMs;
    this.#next = new Map(names.map((name) => [name, 0]));
  }

  get isComplete() {
    return [...this.#next.values()].every((next) => next === this.#loggedMs.length);
  }

  /** The server has returned the value of a metric, which is its step. */
  see(name, step) {
    for (let next = this.#next.get(name); next <= Number(step ?? -1); next += 1) {
      this.#lags.push(Date.now() - this.#loggedMs[next]);
      this.#next.set(name, next + 1);
    }
  }

  quantile(q) {
    const sorted = this.#lags.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  }

  describe() {
    return [0.5, 0.9, 0.99, 1].map((q) => `${(this.quantile(q) / 1000).toFixed(1)} s`).join(', ');
  }
}

/** Processor time and memory of the process beside the program. */
class Reporter {
  #jobPid;
  #pid;
  /** Processor time and time at the first and last reading while the program logs. */
  #first;
  #last;
  #totalMs = 0;
  #peakBytes = 0;

  constructor(jobPid) {
    this.#jobPid = jobPid;
  }

  read(isLogging) {
    try {
      const path = `/proc/${this.#jobPid}/task/${this.#jobPid}/children`;
      this.#pid ??= Number(readFileSync(path, 'utf8').trim().split(' ')[0]) || undefined;
      if (this.#pid === undefined) return;
      this.#totalMs = readCpuMs(this.#pid).own;
      this.#peakBytes = readMemory(this.#pid).peakBytes;
      const reading = { cpuMs: this.#totalMs, atMs: performance.now() };
      if (isLogging) this.#first ??= reading;
      if (isLogging) this.#last = reading;
    } catch {
      // it has ended
    }
  }

  describe() {
    const [first, last] = [this.#first, this.#last];
    const share = (last.cpuMs - first.cpuMs) / (last.atMs - first.atMs);
    const total = `${(this.#totalMs / 1000).toFixed(1)} s in total`;
    return `${(share * 100).toFixed(1)} % of a core, ${total}, ${(this.#peakBytes / 2 ** 20).toFixed(0)} MiB`;
  }
}

await runMeasurement(
  { metrics: '1000', seconds: '60', period: '1000', files: 'no' },
  async ({ values, directory, onEnd, say }) => {
    const server = await startPolyaxonServer({ data: join(directory, 'server'), project: PROJECT });
    onEnd(server.stop);
    const api = `${server.url}/api/v1/default/${PROJECT}/runs`;
    await createRun(api);
    const hasFiles = values.files === 'yes';
    const home = join(directory, 'home');
    mkdirSync(join(home, 'context', 'artifacts', UUID), { recursive: true });
    const args = ['--input-type=module', '--eval', PROGRAM, values.metrics, values.seconds, values.period];
    const job = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...{ PATH: process.env.PATH, HOME: home, POLYAXON_HOST: server.url, POLYAXON_IS_MANAGED: 'true' },
        POLYAXON_RUN_INSTANCE: `default.${PROJECT}.runs.${UUID}`,
        POLYAXON_CONTEXT_ROOT: join(home, 'context'),
        POLYAXON_COLLECT_ARTIFACTS: 'true',
        ...(hasFiles ? { POLYAXON_HAS_PROCESS_SIDECAR: 'true' } : {}),
      },
    });
    onEnd(() => job.kill('SIGKILL'));
    const reporter = new Reporter(job.pid);
    const serverCpuMs = server.cpuMs();
    let serverShare = 0;
    const jobStartMs = performance.now();
    /** When each step was logged. */
    const loggedMs = [];
    createInterface({ input: job.stdout }).on('line', (line) => {
      const [step, atMs] = line.split(' ').map(Number);
      loggedMs[step] = atMs;
    });
    let endMs = Number.POSITIVE_INFINITY;
    const ended = once(job, 'close').then(([code]) => {
      endMs = performance.now() + END_MS;
      return code;
    });

    say(`a job logs ${values.metrics} metrics every ${values.period} ms`);
    const names = Array.from({ length: Number(values.metrics) }, (_, metric) => `metric-${metric}`);
    const every = Math.ceil(names.length / SAMPLED_FILES);
    const sampled = hasFiles ? names.filter((_, metric) => metric % every === 0) : [];
    const outputs = new Lags(names, loggedMs);
    const events = new Lags(sampled, loggedMs);
    const measured = hasFiles ? { outputs, events } : { outputs };
    const areAllSeen = () => Object.values(measured).every((lags) => lags.isComplete);
    const hasEnded = () => endMs < Number.POSITIVE_INFINITY;
    for (; performance.now() < endMs && !(hasEnded() && areAllSeen()); await sleep(POLL_MS)) {
      reporter.read(!hasEnded() && loggedMs.length > START_STEPS);
      serverShare = (server.cpuMs() - serverCpuMs) / (performance.now() - jobStartMs);
      const run = await getJson(`${api}/${UUID}`);
      for (const name of names) outputs.see(name, run.outputs?.[name]);
      if (!hasFiles) continue;
      const query = new URLSearchParams({ names: sampled.join(','), force: 'true' });
      const route = `/streams/v1/polyaxon/default/${PROJECT}/runs/${UUID}/events/metric?${query}`;
      for (const { name, data } of (await getJson(server.url + route)).data ?? [])
        events.see(name, data.metric.at(-1));
    }
    const failures = [];
    if ((await ended) !== 0) failures.push('the program failed');
    for (const [title, lags] of Object.entries(measured)) {
      if (!lags.isComplete) failures.push(`${title}: the last values did not arrive`);
      if (!(lags.quantile(0.99) <= MAX_P99_MS))
        failures.push(`${title}: p99 is ${lags.quantile(0.99)} ms, above ${MAX_P99_MS} ms`);
    }
    const figures = {
      'metrics, steps': `${names.length}, ${loggedMs.length}`,
      'last values: lag p50, p90, p99, max': outputs.describe(),
      ...(hasFiles ? { 'events: lag p50, p90, p99, max': events.describe() } : {}),
      'the process beside the program': reporter.describe(),
      'the server, with the polling': `${(serverShare * 100).toFixed(1)} % of a core`,
    };
    return { figures, failures };
  },
);

/** Creates the run, as the platform does before it starts the job. */
async function createRun(api) {
  const condition = { type: 'running', status: true };
  const body = {
    ...{ uuid: UUID, name: 'job', kind: 'job', runtime: 'job', is_managed: false, managed_by: 'user' },
    ...{ created_at: new Date().toISOString(), status: 'running', status_conditions: [condition] },
  };
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${api}/sync`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`POST ${api}/sync: ${response.status} ${await response.text()}`);
}

/** Returns an empty object while there is no answer with data: the server's database may be locked. */
async function getJson(url) {
  const response = await fetch(url);
  const text = await response.text();
  return response.ok ? JSON.parse(text) : {};
}
