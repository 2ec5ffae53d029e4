/**
 * Quickstart: trains a small classifier on real handwritten digits and tracks the run.
 *
 *     npm run quickstart -- [--root ./plx-runs] [--epochs 30]
 */

import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Run } from 'polytrack';
import { trainAndLog } from './train.js';

interface Options {
  readonly root: string;
  readonly epochs: number;
}

const { root, epochs } = parseOptions(process.argv.slice(2));
const run = new Run({
  root,
  name: 'digits',
  project: 'quickstart',
  description: 'A 64–32–10 network learns handwritten digits.',
});
const { accuracy } = await trainAndLog(run, epochs);
await run.end();

console.log(`Trained for ${epochs} epochs: ${(100 * accuracy).toFixed(1)} % of the test digits are right.

  run         ${shown(run.paths.run)}
  parameters  ${shown(run.paths.runFile)}
  events      ${shown(run.getTensorboardPath())}
  model       ${shown(run.getOutputsPath('model/model.json'))}

See it in TensorBoard (pip install tensorboard):

  tensorboard --logdir ${shown(run.paths.root)}/tensorboard
`);

function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      root: { type: 'string', default: 'plx-runs' },
      epochs: { type: 'string', default: '30' },
    },
  });
  const epochs = Number(values.epochs);
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new Error(`--epochs is ${values.epochs}, expected a whole number of 1 or more`);
  }
  return { root: values.root, epochs };
}

/** A path as a person in this directory would type it. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}
