/** Runs complete programs that use the built package, each in its own directory, until they exit. */

import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createSharedTempDir } from './temp-dir.js';

const run = promisify(execFile);
const entry = new URL('../../dist/src/index.js', import.meta.url);

/**
 * Runs a program that can use `Run` and `tracking`, in a working directory and with only the given environment. Rejects when the
 * program fails.
 */
export async function runProgram(
  body: string,
  { cwd, env = {} }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<{ stdout: string; stderr: string }> {
  if (!existsSync(fileURLToPath(entry))) throw new Error('the package is not built: npm run build');
  const path = join(createSharedTempDir(), 'main.mjs');
  writeFileSync(path, `import { Run, tracking } from ${JSON.stringify(entry.href)};\n${body}`);
  return run(process.execPath, [path], { cwd, env: { PATH: process.env.PATH, ...env } });
}
