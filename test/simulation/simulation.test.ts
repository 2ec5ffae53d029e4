/** A short form of the simulator: some seeds, and known histories. `npm run simulate` plays more. */

import { describe, expect, it } from 'vitest';
import { KNOWN_HISTORIES } from './known-histories.js';
import { play, toHistory } from './play.js';
import type { SaltedStep } from './steps.js';

const CHAOS_SEEDS = 40;

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

  it.each(Object.entries(KNOWN_HISTORIES))('breaks no invariant when %s', async (_, steps) => {
    await expectNoViolation(steps);
  });
});
