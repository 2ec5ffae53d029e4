/**
 * Quickstart: trains a small classifier on real handwritten digits, tracks the run, and uploads it to a store.
 *
 *     npm run quickstart -- [--root plx-runs] [--store plx-store] [--epochs 30]
 *
 * `--store` is a directory or a URL: file:///… or s3://bucket/prefix.
 */

import { join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { Run } from 'polytrack';
import { nodeFileSystem, resolveConfig, sync } from 'polytrack/uploader';
import { trainAndLog } from './train.js';

interface Options {
  readonly root: string;
  /** The URL of the store. */
  readonly store: string;
  readonly epochs: number;
}

const { root, store, epochs } = parseOptions(process.argv.slice(2));
const run = new Run({
  root,
  name: 'digits',
  project: 'quickstart',
  description: 'A 64–32–10 network learns handwritten digits.',
});
const { accuracy } = await trainAndLog(run, epochs);
await run.end();

const { config } = await resolveConfig(run.paths.root, { store }, process.env, nodeFileSystem);
const report = await sync(config);
if (!report.isComplete) process.exitCode = 1;

const stored = store.startsWith('file:')
  ? shown(join(fileURLToPath(store), run.uuid))
  : `${store}/${run.uuid}`;
console.log(`Trained for ${epochs} epochs: ${(100 * accuracy).toFixed(1)} % of the test digits are classified correctly.
Synced ${report.files.total} files, ${report.uploads.length} of them new or grown: ${report.bytes.sent} bytes sent.
${report.unsent.map(({ path, error }) => `Not stored: ${path}: ${error.message}. ${error.hint}\n`).join('')}
  run         ${shown(run.paths.run)}
  parameters  ${shown(run.paths.runFile)}
  events      ${shown(run.getTensorboardPath())}
  model       ${shown(run.getOutputsPath('model/model.json'))}
  stored in   ${stored}

Open the run in TensorBoard (pip install tensorboard), or sync again:

  tensorboard --logdir ${shown(run.paths.links)}
  npx polytrack sync ${shown(run.paths.root)} --store ${store}
`);

function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      root: { type: 'string', default: 'plx-runs' },
      store: { type: 'string', default: 'plx-store' },
      epochs: { type: 'string', default: '30' },
    },
  });
  const epochs = Number(values.epochs);
  if (!Number.isInteger(epochs) || epochs < 1) {
    throw new Error(`--epochs is ${values.epochs}, expected a whole number of 1 or more`);
  }
  const store = values.store.includes('://') ? values.store : pathToFileURL(resolve(values.store)).href;
  return { root: values.root, store: store.replace(/\/+$/, ''), epochs };
}

/** Returns the path relative to the current directory, if it lies below it. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}
