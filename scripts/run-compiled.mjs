/** Compiles the sources and a program of the tests into `build/`, and runs it. */

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const REPOSITORY = join(import.meta.dirname, '..');

function listSources(directory) {
  return readdirSync(join(REPOSITORY, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/.test(name) && !/\.(d|test)\.ts$/.test(name))
    .map((name) => join(REPOSITORY, directory, name));
}

/** Runs `main.ts` of the first folder of tests, with the arguments of this process. Returns its exit code. */
export async function runCompiled(name, folders) {
  const outdir = join(REPOSITORY, 'build', name);
  await build({
    entryPoints: ['src', 'uploader', ...folders].flatMap(listSources),
    outdir,
    outbase: REPOSITORY,
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  });
  const program = join(outdir, folders[0], 'main.js');
  const args = ['--enable-source-maps', program, ...process.argv.slice(2)];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
}
