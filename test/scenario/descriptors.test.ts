/** Descriptors of a run while the disk fails: each is closed once, whatever fails, so that no other file is ever closed in its place. */

import fs, { closeSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const WATCHED = [
  'openSync',
  'closeSync',
  'fsyncSync',
  'fdatasyncSync',
  'open',
  'close',
  'fsync',
  'fdatasync',
] as const;
type Name = (typeof WATCHED)[number];
/** Functions of many shapes are replaced alike. */
type AnyFunction = (...args: unknown[]) => unknown;

/** Counts what happens to each descriptor, and lets one call fail. */
class Disk {
  readonly #open = new Map<number, string>();
  readonly closedTwice: string[] = [];
  /** The calls that can fail, in order. */
  readonly calls: Name[] = [];
  readonly #failing: number;
  readonly #originals = new Map<Name, AnyFunction>();

  /** `failing`: the index of the call that fails. A `close` that fails has closed the descriptor, as on Linux. Source: close(2). */
  constructor(failing = Number.POSITIVE_INFINITY) {
    this.#failing = failing;
    const functions = fs as unknown as Record<Name, AnyFunction>;
    for (const name of WATCHED) {
      const original = functions[name];
      functions[name] = name.endsWith('Sync') ? this.#sync(name, original) : this.#async(name, original);
      this.#originals.set(name, original);
    }
    syncBuiltinESMExports();
    onTestFinished(() => this.release());
  }

  /** Puts the functions of Node back. */
  release(): void {
    const functions = fs as unknown as Record<Name, AnyFunction>;
    for (const [name, original] of this.#originals) functions[name] = original;
    this.#originals.clear();
    syncBuiltinESMExports();
  }

  /** The paths of the descriptors that are open. */
  get open(): string[] {
    return [...this.#open.values()];
  }

  #sync(name: Name, original: AnyFunction): AnyFunction {
    return (...args) => {
      const fails = this.#count(name, args);
      if (fails && name !== 'closeSync') throw eio(name);
      const result = original(...args);
      if (name === 'openSync') this.#open.set(result as number, String(args[0]));
      if (fails) throw eio(name);
      return result;
    };
  }

  #async(name: Name, original: AnyFunction): AnyFunction {
    return (...args) => {
      const done = args.pop() as AnyFunction;
      const fails = this.#count(name, args);
      if (fails && name !== 'close') return process.nextTick(done, eio(name));
      original(...args, (error: unknown, result: unknown) => {
        if (name === 'open' && error === null) this.#open.set(result as number, String(args[0]));
        done(fails ? eio(name) : error, result);
      });
    };
  }

  #count(name: Name, [first]: unknown[]): boolean {
    if (name === 'open' || name === 'openSync') return false;
    if (name === 'close' || name === 'closeSync') {
      const path = this.#open.get(first as number);
      if (path === undefined) this.closedTwice.push(`${name}(${String(first)})`);
      this.#open.delete(first as number);
    }
    this.calls.push(name);
    return this.calls.length - 1 === this.#failing;
  }
}

function eio(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO', syscall: name });
}

/** A run that uses every kind of file: event files with rotation, console output, artifacts, run files, Polyaxon event files. */
async function useDisk(failing?: number): Promise<Disk> {
  const root = createTempDir();
  const disk = new Disk(failing);
  const { run } = startRun({
    root,
    fsync: true,
    maxFileBytes: 2000,
    formats: ['tensorboard', 'polyaxon'],
    trackLogs: true,
  });
  console.log('a line of the program');
  for (let step = 0; step < 30; step++) {
    run.logMetric('loss', 1 / (step + 1), { step });
    if (step % 10 === 9) await run.flush().catch(() => undefined);
  }
  run.logInputs({ rate: 0.1 });
  run.logText('note', 'a text', { step: 1 });
  await run.end().catch(() => undefined);
  disk.release();
  return disk;
}

describe('descriptors of a run', () => {
  it('are each closed once when nothing fails', async () => {
    const disk = await useDisk();

    expect({ open: disk.open, closedTwice: disk.closedTwice }).toEqual({ open: [], closedTwice: [] });
    expect(new Set(disk.calls)).toEqual(
      new Set(['closeSync', 'fsyncSync', 'fdatasync', 'fsync', 'fdatasyncSync']),
    );
  });

  it('are each closed once when any one sync or close fails', async () => {
    const first = await useDisk();
    const found: Record<string, unknown> = {};
    for (let failing = 0; failing < first.calls.length; failing++) {
      const disk = await useDisk(failing);
      if (disk.open.length + disk.closedTwice.length > 0)
        found[`${failing} ${disk.calls[failing]}`] = { open: disk.open, closedTwice: disk.closedTwice };
    }

    expect(found).toEqual({});
  });

  it('are noticed when one is closed twice or left open', () => {
    const file = join(createTempDir(), 'file');
    const disk = new Disk();
    const fd = openSync(file, 'w');
    fsyncSync(fd);
    closeSync(fd);
    expect(() => closeSync(fd)).toThrow('EBADF');
    const left = openSync(file, 'r');

    expect(disk.open).toEqual([file]);
    expect(disk.closedTwice).toEqual([`closeSync(${fd})`]);
    expect(readFileSync(file)).toHaveLength(0);
    closeSync(left);
  });
});
