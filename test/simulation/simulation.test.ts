/** A short form of the simulator: some seeds, and known histories. `npm run simulate` plays more. */

import { describe, expect, it } from 'vitest';
import { KNOWN_HISTORIES } from './known-histories.js';
import { play, playCrashes, toHistory } from './play.js';
import type { SaltedStep } from './steps.js';

const CHAOS_SEEDS = 40;
const CRASH_SEEDS = 6;
/** `npm run simulate -- --mode crash` tries every effect. */
const EVERY = 40;

async function expectNoViolation(steps: readonly SaltedStep[]): Promise<void> {
  const { violations, log } = await play(steps);
  expect(violations, log).toEqual([]);
}

describe('the simulation', () => {
  it('has the same history for the same seed', async () => {
    const [first, second] = [await play(toHistory('chaos', 7)), await play(toHistory('chaos', 7))];

    expect(second.log).toBe(first.log);
  });

  it('breaks no invariant in random histories', async () => {
    for (let seed = 1; seed <= CHAOS_SEEDS; seed += 1) await expectNoViolation(toHistory('chaos', seed));
  });

  it('breaks no invariant when a process is killed or the power fails at any effect', async () => {
    for (let seed = 1; seed <= CRASH_SEEDS; seed += 1)
      for await (const [crash, { violations, log }] of playCrashes(toHistory('crash', seed), EVERY, seed))
        expect(violations, `${seed} ${crash} ${log}`).toEqual([]);
  });

  it.each(Object.entries(KNOWN_HISTORIES))('breaks no invariant when %s', async (_, steps) => {
    await expectNoViolation(steps);
  });
});
