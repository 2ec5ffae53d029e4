// A training program that is killed and resumed, `programs/train-until-killed.mjs`, and the steps that it has confirmed.

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../programs/train-until-killed.mjs', import.meta.url));
/** Steps that a new life of a program leaves out, so that no two lives log the same. */
const GAP = 1_000;

export class Trainer {
  uuid;
  /** First and last confirmed step of each life. */
  lives = [];
  #root;
  #child;
  #closed;
  #steps = '';
  /** What it has printed on stderr. */
  output = '';

  constructor(root) {
    this.#root = root;
    this.uuid = randomUUID().replaceAll('-', '');
  }

  get pid() {
    return this.#child.pid;
  }

  get directory() {
    return join(this.#root, 'runs', this.uuid);
  }

  start() {
    const { last = 0 } = this.lives.at(-1) ?? {};
    const life = { first: last + GAP, last: last + GAP, hasConfirmed: false };
    this.lives.push(life);
    const args = [PROGRAM, this.#root, this.uuid, String(life.first)];
    const resume = existsSync(this.directory) ? 'yes' : 'no';
    this.#child = spawn(process.execPath, [...args, resume], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#closed = once(this.#child, 'close');
    this.#steps = '';
    this.output = '';
    this.#child.stdout.on('data', (chunk) => {
      this.#steps += chunk;
      const lines = this.#steps.split('\n');
      this.#steps = lines.pop();
      if (lines.length > 0) Object.assign(life, { last: Number(lines.at(-1)), hasConfirmed: true });
    });
    this.#child.stderr.on('data', (chunk) => {
      this.output += chunk;
    });
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends a signal and waits until the program ends. Returns the exit code, or the name of the signal. */
  async end(signal) {
    this.#child.kill(signal);
    const [code, name] = await this.#closed;
    return code ?? name;
  }
}
