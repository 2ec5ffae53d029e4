// Runs the contestants of a benchmark in turn, round after round, so that a slow phase of the machine affects all of them.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { peersDirectory } from '../../scripts/peers-directory.mjs';

const run = promisify(execFile);
const PROGRAMS = fileURLToPath(new URL('../programs/', import.meta.url));
/** A contestant that takes longer in one round counts as hung. */
const TIMEOUT_MS = 240_000;

/**
 * Runs all rounds of a suite and returns the results.
 *
 * A suite is `{ title, note?, rounds?, metrics, contestants, targets?, prepare?, needs?, timeoutMs? }`. `needs` lists peers that all contestants
 * use. A metric is `{ key, label, unit, rate? }`, where lower is better; `rate` is the unit of its inverse. A contestant is `{ name, program, args?,
 * peer?, rounds? }`: a program of `programs/` whose last output line is JSON with the metrics and `version`. `.py` programs run in the peer's Python.
 * In `args`, `$dir` is an empty directory and `$shared` the directory that `prepare` can fill. A target is `{ metric, against, atLeast }`, which
 * limits the peer's median divided by polytrack's, or `{ metric, atMost }` for polytrack only, or with `of` for another contestant.
 */
export async function runContest(suite, { rounds, directory, hasPeers }) {
  const shared = join(directory, suite.name);
  mkdirSync(shared);
  await suite.prepare?.(shared);
  const contestants = suite.contestants.map((contestant) => ({ ...contestant, samples: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      if (contestant.problem !== undefined || round >= (contestant.rounds ?? rounds)) continue;
      if (contestant.peer !== undefined && !hasPeers) contestant.problem = 'skipped';
      else await runOnce(contestant, { shared, round, timeoutMs: suite.timeoutMs ?? TIMEOUT_MS });
      say(suite, round, contestant);
    }
  }
  rmSync(shared, { recursive: true, force: true });
  const results = contestants.map(toResult);
  const { name, title, note, metrics, targets = [] } = suite;
  return { name, title, note, rounds, metrics, results, targets: targets.map((one) => judge(one, results)) };
}

async function runOnce(contestant, { shared, round, timeoutMs }) {
  const own = join(shared, `round-${round}`);
  mkdirSync(own);
  try {
    contestant.samples.push(await startProgram(contestant, { own, shared, timeoutMs }));
  } catch (error) {
    const lines = String(error.stderr || error.message)
      .trim()
      .split('\n');
    contestant.problem = error.killed
      ? 'took too long'
      : (lines.find((line) => /Error/.test(line)) ?? lines.at(-1)).slice(0, 160);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

async function startProgram({ program, args = [], peer, nodeFlags = [] }, { own, shared, timeoutMs }) {
  const path = join(PROGRAMS, program);
  const given = args.map((arg) => String(arg).replace('$dir', own).replace('$shared', shared));
  const env = {
    ...process.env,
    TF_CPP_MIN_LOG_LEVEL: '3',
    HOME: own,
    PYTHONWARNINGS: 'ignore',
  };
  const options = { env, cwd: own, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = program.endsWith('.py')
    ? await run(pythonOf(peer), [path, ...given], options)
    : await run(process.execPath, [...nodeFlags, path, ...given], options);
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** Returns the path of a peer's Python. */
function pythonOf(peer) {
  const python = join(peersDirectory(), peer, 'venv', 'bin', 'python');
  if (!existsSync(python)) throw new Error(`the peer ${peer} is not installed`);
  return python;
}

function toResult({ name, samples, problem, isOurs = false }) {
  const keys = Object.keys(samples[0] ?? {}).filter((key) => typeof samples[0][key] === 'number');
  const figures = Object.fromEntries(
    keys.map((key) => {
      const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b);
      return [key, { min: sorted[0], median: medianOf(sorted), max: sorted.at(-1) }];
    }),
  );
  return { name, isOurs, version: samples[0]?.version, problem, rounds: samples.length, figures };
}

function medianOf(sorted) {
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function judge(target, results) {
  const { metric, against, of, atLeast, atMost } = target;
  const ours =
    of === undefined ? results.find(({ isOurs }) => isOurs) : results.find(({ name }) => name === of);
  const value = ours?.figures[metric]?.median;
  if (against === undefined) return { ...target, found: value, isMet: value <= atMost };
  const found = results.find(({ name }) => name === against)?.figures[metric]?.median / value;
  return { ...target, found, isMet: found >= atLeast };
}

function say({ name }, round, { name: who, samples, problem, rounds }) {
  if (rounds !== undefined && round >= rounds) return;
  const result = problem ?? JSON.stringify(samples.at(-1));
  console.error(`${name} ${round + 1} ${who}: ${result.slice(0, 200)}`);
}
