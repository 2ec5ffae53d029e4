/** Runs the simulator (`test/simulation/main.ts`): `npm run simulate -- --seeds 100 --mode chaos`. Compiles the sources first. */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const REPOSITORY = join(import.meta.dirname, '..');
const COMPILED = join(REPOSITORY, 'build/simulation');

function listSources(directory) {
  return readdirSync(join(REPOSITORY, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/.test(name) && !/\.(d|test)\.ts$/.test(name))
    .map((name) => join(REPOSITORY, directory, name));
}

await build({
  entryPoints: ['src', 'uploader', 'test/simulation', 'test/uploader/support'].flatMap(listSources),
  outdir: COMPILED,
  outbase: REPOSITORY,
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
});
const main = join(COMPILED, 'test/simulation/main.js');
const { status } = spawnSync(process.execPath, ['--enable-source-maps', main, ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
