/**
 * Random sequences of what operators and writers do to a few runs. After each step, everything that a store has acknowledged still exists.
 *
 * `OPERATOR_SEQUENCES=10000` runs more sequences, and `OPERATOR_SEED=2` others. `TMPDIR=/dev/shm` makes them faster.
 */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTempDir } from '../support/temp-dir.js';
import { type Change, type Invocation, type Step, someSteps, toText } from './operators/operator.js';
import { World } from './operators/world.js';

const SEQUENCES = Number(process.env.OPERATOR_SEQUENCES ?? 200);
const SEED = Number(process.env.OPERATOR_SEED ?? 1);

/** Runs a sequence. Throws when something is lost. */
async function play(directory: string, steps: readonly Step[]): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const world = new World(directory);
  try {
    for (const [index, step] of steps.entries()) {
      try {
        await world.apply(step);
        const lost = world.findLost();
        if (lost.length > 0) throw new Error(lost.join('\n'));
      } catch (error) {
        throw new Error(`step ${index + 1}: ${String(error)}\n${world.log}`, { cause: error });
      }
    }
  } finally {
    await world.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const on = (machine: number, kind: Invocation['kind']): Step => ({
  kind,
  run: 0,
  machine,
  store: 0,
  incident: null,
});
const SYNC = on(0, 'sync');

const change = (kind: Change['kind']): Step => ({ kind, run: 0 });

/** Sequences that random ones contain rarely. Each ends with a change on disk, so that only the store has what it must keep. */
const KNOWN: Readonly<Record<string, readonly Step[]>> = {
  'a copy on another machine is synced after the run': [
    ...[{ kind: 'copy to machine', run: 0 } as const, change('rewrite artifact'), change('restart log')],
    ...[SYNC, on(1, 'sync'), change('rewrite artifact'), change('restart log')],
  ],
  'a log is restarted twice, and the state is lost in between': [
    ...[SYNC, change('restart log'), SYNC, { kind: 'lose state', machine: 0 } as const, SYNC],
    ...[change('restart log'), SYNC],
  ],
};

describe('sequences of operators', { timeout: 3_600_000 }, () => {
  it(`keep everything that a store has acknowledged (seed ${SEED})`, async () => {
    const directory = createTempDir();
    let count = 0;
    const property = fc.asyncProperty(someSteps, async (steps) => {
      count += 1;
      await play(join(directory, String(count)), steps);
    });
    const result = await fc.check(property, { numRuns: SEQUENCES, seed: SEED });
    const steps = result.counterexample?.[0] ?? [];
    expect(result.failed, `${toText(steps)}\n${String(result.errorInstance)}`).toBe(false);
  });

  it.each(Object.keys(KNOWN))('keep everything when %s', async (name) => {
    await play(join(createTempDir(), 'known'), KNOWN[name]!);
  });
});
