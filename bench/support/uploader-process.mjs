// Starts `polytrack` as a separate process, measures it, and ends it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCpuMs, readMemory } from './process-stat.mjs';

/** Directory of the built package: POLYTRACK_DIST, which a new build does not change during a measurement, else dist/. */
export const DIST = resolve(
  process.env.POLYTRACK_DIST || fileURLToPath(new URL('../../dist', import.meta.url)),
);
export const CLI = join(DIST, 'uploader/cli.js');
const MAX_OUTPUT = 1024 * 1024;

export class UploaderProcess {
  pid;
  /** Resolves with the exit code, or the name of the signal. */
  exited;
  output = '';
  #child;

  /** Starts `polytrack <args>`. `env` has the variables for its store; `home` is a separate home directory. */
  constructor(args, { env, home }) {
    if (!existsSync(CLI)) throw new Error(`${CLI} does not exist; run npm run build`);
    this.#child = spawn(process.execPath, [CLI, ...args], {
      env: { PATH: process.env.PATH, HOME: home, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.pid = this.#child.pid;
    this.exited = once(this.#child, 'close').then(([code, signal]) => code ?? signal);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (chunk) => {
        this.output = (this.output + chunk).slice(-MAX_OUTPUT);
      });
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal and waits until the process ends. */
  end(signal) {
    this.#child.kill(signal);
    return this.exited;
  }

  /** Returns the current and peak resident memory. */
  memory() {
    return readMemory(this.pid);
  }

  /** Returns the processor time in milliseconds. */
  cpuMs() {
    return readCpuMs(this.pid).own;
  }
}

/** Starts `polytrack watch` for a root and a store, with a separate state directory. */
export function startWatch({ root, store, stateDir, env, home, intervalSeconds, args = [] }) {
  const interval = intervalSeconds === undefined ? [] : ['--interval', String(intervalSeconds)];
  return new UploaderProcess(
    ['watch', root, '--store', store, '--state-dir', stateDir, ...interval, ...args],
    { env, home },
  );
}
