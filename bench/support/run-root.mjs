// Writes a root of finished runs, each with an event file of scalars like that of a training program.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SummaryWriter } from '../../dist/src/index.js';
import { createValues, TAGS } from './values.mjs';

/** Writes `runs` runs of `points` points, of which each has other values. */
export async function writeRunRoot(root, { runs, points }) {
  const values = createValues();
  for (let run = 0; run < runs; run++) {
    const uuid = run.toString(16).padStart(32, '0');
    const directory = join(root, 'runs', uuid);
    mkdirSync(join(directory, 'outputs/tensorboard'), { recursive: true });
    const record = {
      ...{ uuid, name: `run-${run}`, status: 'succeeded', inputs: { lr: 0.1, seed: run }, outputs: {} },
      created_at: new Date(1_700_000_000_000 + run * 1000).toISOString(),
    };
    writeFileSync(join(directory, 'run.plx.json'), JSON.stringify(record));
    const writer = new SummaryWriter(join(directory, 'outputs/tensorboard'));
    for (let i = 0; i < points; i++) {
      const step = Math.floor(i / TAGS.length);
      const options = { wallTime: 1_700_000_000 + run + step * 0.0137 };
      writer.addScalar(TAGS[i % TAGS.length], values[(i + 7 * run) & 1023], step, options);
    }
    await writer.close();
  }
}
