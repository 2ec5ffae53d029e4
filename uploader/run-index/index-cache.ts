/**
 * Keeps the rows of the index of a store on disk, in a file for each object and version. It contains only what the store has now, and may be deleted at any
 * time. A cache that cannot be read or written is as good as an empty one.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Io } from '../base/io/io.js';
import { makeDirectories } from '../base/io/make-directories.js';
import { readWholeFile, removeFile, replaceFile } from '../base/io/whole-file.js';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
/** A larger file is not read. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** A listing of all runs of a store. */
interface ListedNames {
  /** When it began, in milliseconds since 1970. */
  readonly atMs: number;
  /** The uuids of the runs, sorted. */
  readonly names: readonly string[];
  /** The uuids of runs that the index had and the store no longer. */
  readonly removed: readonly string[];
}

const NAMES_FILE = 'names.json';

export class IndexCache {
  readonly #io: Io;
  readonly #directory: string;
  #hasDirectory = false;

  constructor(io: Io, stateDirectory: string, storeId: string) {
    this.#io = io;
    const name = createHash('sha256').update(storeId).digest('hex').slice(0, 32);
    this.#directory = join(stateDirectory, 'indexes', name);
  }

  /** What was written for a version; null if it is not here. */
  async read(name: string): Promise<Buffer | null> {
    try {
      return await readWholeFile(this.#io.fileSystem, join(this.#directory, name), MAX_FILE_BYTES);
    } catch {
      return null; // not read before, or too large
    }
  }

  /** The last listing of all runs; null if there is none. */
  async readNames(): Promise<ListedNames | null> {
    const bytes = await this.read(NAMES_FILE);
    try {
      const found = JSON.parse(bytes?.toString('utf8') ?? 'null') as ListedNames | null;
      return Array.isArray(found?.names) && Array.isArray(found.removed) ? found : null;
    } catch {
      return null; // damaged
    }
  }

  async writeNames(names: ListedNames): Promise<void> {
    await this.write(NAMES_FILE, Buffer.from(JSON.stringify(names)));
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const { fileSystem, randomness } = this.#io;
    const path = join(this.#directory, name);
    const paths = { directory: this.#directory, path, temporaryPath: `${path}.${randomness.id()}.partial` };
    try {
      if (!this.#hasDirectory) await makeDirectories(fileSystem, this.#directory, DIRECTORY_MODE);
      this.#hasDirectory = true;
      await replaceFile(fileSystem, paths, bytes, FILE_MODE);
    } catch {
      // A full or read-only disk: the next process reads the object again.
    }
  }

  /** Removes all other versions. */
  async retain(names: readonly string[]): Promise<void> {
    const { fileSystem } = this.#io;
    const wanted = new Set([...names, NAMES_FILE]);
    try {
      for (const found of await fileSystem.readDirectory(this.#directory))
        if (!wanted.has(found.toString()))
          await removeFile(fileSystem, join(this.#directory, found.toString()));
    } catch {
      // There is nothing to remove.
    }
  }
}
