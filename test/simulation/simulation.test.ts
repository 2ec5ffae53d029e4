/**
 * A short form of the simulator: some seeds of each mode, and histories that random ones contain rarely. `npm run simulate` plays more.
 */

import { describe, expect, it } from 'vitest';
import { play, toHistory } from './play.js';
import type { Invocation, SaltedStep, Step } from './steps.js';

const CHAOS_SEEDS = 40;

async function expectNoViolation(steps: readonly SaltedStep[]): Promise<void> {
  const { violations, log } = await play(steps);
  expect(violations, log).toEqual([]);
}

const command = (kind: Invocation['kind'], machine = 0, incident: Invocation['incident'] = null): Step => ({
  ...{ kind, run: 0, machine, store: 0, incident },
});
const SYNC = command('sync');
const on = (kind: 'rewrite artifact' | 'restart log'): Step => ({ kind, run: 0 });

const KNOWN: Readonly<Record<string, readonly Step[]>> = {
  'a copy on another machine is synced after the run': [
    ...[{ kind: 'copy to machine', run: 0 } as const, on('rewrite artifact'), on('restart log')],
    ...[SYNC, command('sync', 1), on('rewrite artifact'), on('restart log')],
  ],
  'a log is restarted twice, and the state is lost in between': [
    ...[SYNC, on('restart log'), SYNC, { kind: 'lose state', machine: 0 } as const, SYNC],
    ...[on('restart log'), SYNC],
  ],
};

describe('the simulation', () => {
  it('has the same history for the same seed', async () => {
    const [first, second] = [await play(toHistory('chaos', 7)), await play(toHistory('chaos', 7))];

    expect(second.log).toBe(first.log);
  });

  it('breaks no invariant in random histories', async () => {
    for (let seed = 1; seed <= CHAOS_SEEDS; seed += 1) await expectNoViolation(toHistory('chaos', seed));
  });

  it.each(Object.entries(KNOWN))('breaks no invariant when %s', async (_, steps) => {
    await expectNoViolation(steps.map((step, salt) => ({ ...step, salt })));
  });
});
