/**
 * One writer at a time for each object of a file store: within this process in order of their coming, among processes by a lock file, because a
 * file system can compare and replace only in two steps.
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
  /** The end of the last of those who wait for a key. */
  readonly #queues = new Map<string, Promise<void>>();

  /** `directory`: where the lock files are; made with the first. */
  constructor(directory: string, io: Io) {
    this.#directory = directory;
    this.#io = io;
  }

  /** Runs `work` while nobody else writes `key`. Throws `LockedError` when another process does. */
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
