/** Writes runs of one experiment that differ in their seed. */

import { Run } from '../../src/index.js';
import { NO_CAPTURE } from './start-run.js';

/** Creates four runs of 50 steps, of which the last one ends after 40; returns their names. The values are the same each time. */
export async function writeSeeds(root: string): Promise<string[]> {
  const names: string[] = [];
  for (let seed = 1; seed <= 4; seed++) {
    const run = new Run({ root, name: `seed-${seed}`, uuid: `${seed}`.repeat(32), ...NO_CAPTURE });
    run.logInputs({ lr: 0.1, seed });
    for (let step = 0; step < (seed === 4 ? 40 : 50); step++) {
      const noise = ((seed * 7919 + step * seed * 104_729) % 1000) / 5000 - 0.1;
      run.logMetrics(
        { loss: 2 / (1 + step / 5) + noise + seed / 20, accuracy: 1 - 1 / (1.5 + step / 8) + noise / 2 },
        { step, wallTime: 1_700_000_000 + seed * 1000 + step },
      );
    }
    await run.end();
    names.push(run.name);
  }
  return names;
}
