// `polytrack` as a process of its own: started, watched from outside, ended.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the built package is: POLYTRACK_DIST, so that a measurement is not disturbed by the next build, else dist/. */
export const DIST = resolve(
  process.env.POLYTRACK_DIST || fileURLToPath(new URL('../../dist', import.meta.url)),
);
const CLI = join(DIST, 'uploader/cli.js');
const MAX_OUTPUT = 1024 * 1024;
/** Linux: `getconf CLK_TCK` is 100 everywhere. */
const TICK_MS = 10;

export class UploaderProcess {
  pid;
  /** Resolves with the exit code, or the signal's name. */
  exited;
  output = '';
  #child;

  /** Starts `polytrack <args>`; `env` holds what it needs for its store, `home` is a home directory of its own. */
  constructor(args, { env, home }) {
    if (!existsSync(CLI)) throw new Error('the package is not built: npm run build');
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

  /** Sends a signal and waits for the end. */
  end(signal) {
    this.#child.kill(signal);
    return this.exited;
  }

  /** Resident memory now and at its highest so far. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const read = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
    return { residentBytes: read('VmRSS'), peakBytes: read('VmHWM') };
  }

  /** Time on the processor so far, in milliseconds. */
  cpuMs() {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }
}

/** Starts `polytrack watch` for a root and a store, with a state directory of its own. */
export function startWatch({ root, store, stateDir, env, home, intervalSeconds, args = [] }) {
  const interval = intervalSeconds === undefined ? [] : ['--interval', String(intervalSeconds)];
  return new UploaderProcess(
    ['watch', root, '--store', store, '--state-dir', stateDir, ...interval, ...args],
    { env, home },
  );
}
