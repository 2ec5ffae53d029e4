/** Runs `polytrack run` as a user would, in a working directory. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CLI = fileURLToPath(new URL('../../dist/uploader/cli.js', import.meta.url));
/** For programs that import the built package. */
export const ENTRY = new URL('../../dist/src/index.js', import.meta.url).href;

export interface TrackedProgram {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves to the exit code, or the name of the signal. */
  readonly ended: Promise<number | string>;
}

export function startTracked(
  args: readonly string[],
  {
    cwd,
    env = {},
    input,
  }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv; readonly input?: string },
): TrackedProgram {
  const child = spawn(process.execPath, [CLI, 'run', ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  child.stdin.on('error', () => undefined); // The program need not read its input.
  child.stdin.end(input ?? '');
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  return { child, stdout: () => output.stdout, stderr: () => output.stderr, ended };
}

/** The directories of the runs below `root`, oldest first. */
export function listRuns(root: string): string[] {
  const runs = join(root, 'runs');
  return existsSync(runs) ? readdirSync(runs).map((name) => join(runs, name)) : [];
}

/** The only run below the working directory. */
export function onlyRun(cwd: string): string {
  const runs = listRuns(join(cwd, 'plx-runs'));
  if (runs.length !== 1) throw new Error(`expected one run, found ${runs.length}`);
  return runs[0]!;
}
