/** A program that is bundled with polytrack logs runs as usual, and uploads them if the package is installed beside the bundle. */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { createTempDir } from '../support/temp-dir.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const FORMATS = ['esm', 'cjs'] as const;

/** How a program loads the package. */
const LOADS = {
  import: `import { Run } from 'polytrack';`,
  require: `const { Run } = require('polytrack');`,
};

/** Tries to log a run with `sync`, else logs it without, and prints its status and the codes of errors and warnings. */
const PROGRAM = `
  const [root, store] = process.argv.slice(2);
  const warnings = [];
  const onWarning = ({ code, message }) => warnings.push(code + ': ' + message);
  const options = { root, name: 'bundled', trackCode: false, collectResources: false, onWarning };
  const open = () => {
    try {
      return new Run({ ...options, sync: { store } });
    } catch ({ code, message }) {
      warnings.push(code + ': ' + message);
      return new Run(options);
    }
  };
  const run = open();
  run.logMetric('loss', 0.5, { step: 1 });
  run.logHistogram('weights', [1, 2, 3]);
  run.logVideo('frames', { pixels: new Uint8Array(24), count: 2, height: 2, width: 2 });
  run.end().then(() => console.log(JSON.stringify({ uuid: run.uuid, status: run.record.status, warnings })));
`;

interface Outcome {
  readonly uuid: string;
  readonly status: string;
  readonly warnings: readonly string[];
}

/** Bundles the built package into a program in `directory` and runs it. */
async function runBundle(
  directory: string,
  format: (typeof FORMATS)[number],
  store: string,
  load: keyof typeof LOADS = 'import',
): Promise<Outcome> {
  const program = join(directory, format === 'esm' ? 'program.mjs' : 'program.cjs');
  await build({
    // The package refers to itself by name.
    stdin: { contents: LOADS[load] + PROGRAM, resolveDir: repository },
    outfile: program,
    logLevel: 'error',
    bundle: true,
    platform: 'node',
    format,
  });
  const { stdout } = await promisify(execFile)(process.execPath, [program, join(directory, 'runs'), store], {
    cwd: directory,
    env: { ...process.env, XDG_STATE_HOME: join(directory, 'state') },
  });
  return JSON.parse(stdout) as Outcome;
}

describe.each(FORMATS)('a bundle in the format %s', (format) => {
  it('logs a run, and rejects sync without the package', async () => {
    const directory = createTempDir();
    const store = pathToFileURL(join(directory, 'store')).href;

    const { status, warnings } = await runBundle(directory, format, store);

    expect(status).toBe('succeeded');
    expect(warnings).toEqual([
      expect.stringMatching(/^ERR_OPTION_INVALID: sync needs the polytrack command/),
    ]);
  });

  it('uploads a run if the package is installed beside it', async () => {
    const directory = createTempDir();
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(repository, join(directory, 'node_modules/polytrack'));
    const store = pathToFileURL(join(directory, 'store')).href;

    const { uuid, warnings } = await runBundle(directory, format, store);

    expect(warnings).toEqual([]);
    expect(existsSync(join(directory, 'store', uuid, 'run.plx.json'))).toBe(true);
  });
});

it('a bundle of a program that requires the package logs a run', async () => {
  const directory = createTempDir();

  const { status } = await runBundle(directory, 'cjs', pathToFileURL(directory).href, 'require');

  expect(status).toBe('succeeded');
});
