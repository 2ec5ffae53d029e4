/**
 * Allows one writer at a time for each object of a file store: first come, first served within this process, and a lock file between
 * processes. A lock is needed because a file system cannot compare and replace in one step.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Io } from '../../base/io/io.js';
import { acquireLock } from '../../base/io/lock-file.js';
import { makeDirectories } from '../../base/io/make-directories.js';
import { KeyedQueue } from '../base/keyed-queue.js';

const DIRECTORY_MODE = 0o755;

export class ObjectLocks {
  readonly #directory: string;
  readonly #io: Io;
  readonly #queue = new KeyedQueue();

  /** `directory`: for the lock files; the first lock creates it. */
  constructor(directory: string, io: Io) {
    this.#directory = directory;
    this.#io = io;
  }

  /** Runs `work` while no other caller writes `key`. Throws `LockedError` when another process does. */
  use<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    return this.#queue.use(key, () => this.#useFile(key, work));
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
