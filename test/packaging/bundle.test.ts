/** A program that is bundled with polytrack logs runs as usual, and uploads them if the package is installed next to it. */

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

/** Logs a run with `sync` and prints its status and the codes of its warnings. */
const PROGRAM = `
  import { Run } from 'polytrack';
  const [root, store] = process.argv.slice(2);
  const warnings = [];
  const onWarning = ({ code, message }) => warnings.push(code + ': ' + message);
  const run = new Run({ root, name: 'bundled', sync: { store }, trackCode: false, collectResources: false, onWarning });
  run.logMetric('loss', 0.5, { step: 1 });
  run.end().then(() => console.log(JSON.stringify({ uuid: run.uuid, status: run.record.status, warnings })));
`;

interface Outcome {
  readonly uuid: string;
  readonly status: string;
  readonly warnings: readonly string[];
}

/** Bundles the built package into a program in `directory` and runs it. */
async function runBundle(directory: string, format: 'esm' | 'cjs', store: string): Promise<Outcome> {
  const program = join(directory, format === 'esm' ? 'program.mjs' : 'program.cjs');
  await build({
    stdin: { contents: PROGRAM, resolveDir: directory },
    alias: { polytrack: join(repository, 'dist/src/index.js') },
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
  it('logs a run, and warns that the upload cannot start without the package', async () => {
    const directory = createTempDir();
    const store = pathToFileURL(join(directory, 'store')).href;

    const { uuid, status, warnings } = await runBundle(directory, format, store);

    const command = `npx polytrack sync ${join(directory, 'runs/runs', uuid)} --store ${store}`;
    expect(status).toBe('succeeded');
    expect(warnings).toEqual([expect.stringMatching(/^WARN_SYNC_NOT_STARTED: /)]);
    expect(warnings[0]).toContain(command);
  });

  it('uploads a run if the package is installed next to it', async () => {
    const directory = createTempDir();
    mkdirSync(join(directory, 'node_modules'));
    symlinkSync(repository, join(directory, 'node_modules/polytrack'));

    const { uuid, warnings } = await runBundle(
      directory,
      format,
      pathToFileURL(join(directory, 'store')).href,
    );

    expect(warnings).toEqual([]);
    expect(existsSync(join(directory, 'store', uuid, 'run.plx.json'))).toBe(true);
  });
});
