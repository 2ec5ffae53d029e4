/**
 * Allows one writer at a time for each object of a file store: first come, first served within this process, and a lock file between
 * processes. A lock is needed because a file system cannot compare and replace in one step.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Io } from '../../base/io/io.js';
import { acquireLock } from '../../base/io/lock-file.js';
import { makeDirectories } from '../../base/io/make-directories.js';

const DIRECTORY_MODE = 0o755;

export class ObjectLocks {
  readonly #directory: string;
  readonly #io: Io;
  /** By key: resolves when the last queued writer has finished. */
  readonly #queues = new Map<string, Promise<void>>();

  /** `directory`: for the lock files; the first lock creates it. */
  constructor(directory: string, io: Io) {
    this.#directory = directory;
    this.#io = io;
  }

  /** Runs `work` while no other caller writes `key`. Throws `LockedError` when another process does. */
  async use<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const turn = before.then(() => this.#useFile(key, work));
    const end = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#queues.set(key, end);
    try {
      return await turn;
    } finally {
      if (this.#queues.get(key) === end) this.#queues.delete(key);
    }
  }

  async #useFile<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    await makeDirectories(this.#io.fileSystem, this.#directory, DIRECTORY_MODE);
    const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
    const lock = await acquireLock(join(this.#directory, name), this.#io);
    try {
      return await work();
    } finally {
      await lock.release();
    }
  }
}
