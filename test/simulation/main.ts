/** The command line of the simulator: plays seeds, and prints the shortest failing history of each seed that fails. */

import { parseArgs } from 'node:util';
import { isMode, type Mode, play, playCrashes, type Result, shorten, toHistory, withCrash } from './play.js';
import type { Crash } from './steps.js';

const MAX_VIOLATIONS = 10;

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'chaos' },
    seeds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    /** The steps of the seed that are played; default: all. */
    keep: { type: 'string' },
    /** In the mode `crash`: what happens at which effect of which step, as `step:effect:kill`. */
    crash: { type: 'string' },
    /** In the mode `crash`: every n-th effect only. */
    every: { type: 'string', default: '1' },
    /** Stop at the first seed that fails. */
    'first-failure': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});

interface Failure {
  readonly seed: number;
  readonly crash: string | undefined;
}

function toCommand(mode: Mode, { seed, crash }: Failure, keep?: readonly number[]): string {
  const parts = [`npm run simulate -- --mode ${mode} --seed ${seed}`];
  if (keep !== undefined) parts.push(`--keep ${keep.join(',')}`);
  if (crash !== undefined) parts.push(`--crash ${crash}`);
  return parts.join(' ');
}

function parseCrash(text: string): [number, Crash] {
  const [step, effect, death] = text.split(':');
  return [Number(step), { effect: Number(effect), death: death === 'power' ? 'power' : 'kill' }];
}

/**
 * Plays the history of a seed; if the mode is `crash`, also with a crash at every effect of every step. Of effects in a row that change
 * nothing, only the first is tried. Yields what fails.
 */
async function* playSeed(mode: Mode, seed: number): AsyncGenerator<[Failure, Result]> {
  const steps = toHistory(mode, seed);
  const plain = await play(steps);
  plays += 1;
  if (plain.violations.length > 0) yield [{ seed, crash: undefined }, plain];
  if (mode !== 'crash' || plain.violations.length > 0) return;
  for await (const [crash, result] of playCrashes(steps, every, seed)) {
    plays += 1;
    if (result.violations.length > 0) yield [{ seed, crash }, result];
  }
}

function printViolations(violations: readonly string[]): void {
  for (const violation of violations.slice(0, MAX_VIOLATIONS)) console.log(`VIOLATION ${violation}`);
  if (violations.length > MAX_VIOLATIONS) console.log(`and ${violations.length - MAX_VIOLATIONS} more`);
}

async function report(mode: Mode, failure: Failure): Promise<void> {
  const all = toHistory(mode, failure.seed);
  const steps = failure.crash === undefined ? all : withCrash(all, ...parseCrash(failure.crash));
  const kept = await shorten(steps);
  const { violations, log } = await play(kept.map((index) => steps[index]!));
  console.log(`${toCommand(mode, failure, kept)}\n${log}\n`);
  printViolations(violations);
  console.log('');
}

if (!isMode(values.mode)) throw new Error(`the mode is ${values.mode}, expected crash, chaos or soak`);
const { mode } = values as { mode: Mode };
const first = Number(values.seed);
const every = Number(values.every);
let plays = 0;
let failures = 0;

if (values.keep !== undefined || values.verbose) {
  const all = toHistory(mode, first);
  const steps = values.crash === undefined ? all : withCrash(all, ...parseCrash(values.crash));
  const keep = values.keep?.split(',').map(Number) ?? steps.map((_, index) => index);
  const { violations, log } = await play(keep.map((index) => steps[index]!));
  console.log(log);
  printViolations(violations);
  failures = violations.length;
} else {
  const startMs = performance.now();
  const count = Number(values.seeds);
  for (let seed = first; seed < first + count && !(values['first-failure'] && failures > 0); seed += 1) {
    for await (const [failure] of playSeed(mode, seed)) {
      failures += 1;
      await report(mode, failure);
      break; // one failure of a seed is enough
    }
    if (count >= 100 && (seed - first + 1) % Math.ceil(count / 10) === 0)
      console.log(
        `seed ${seed}: ${plays} plays, ${failures} failures, ${((performance.now() - startMs) / 1000).toFixed(0)} s`,
      );
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${mode}: ${count} seeds from ${first}, ${plays} plays, ${failures} failures, ${seconds} s`);
}
process.exitCode = failures === 0 ? 0 : 1;
