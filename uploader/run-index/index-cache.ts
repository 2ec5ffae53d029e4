/**
 * Keeps objects of the index of a store on disk, by their version. It contains only what the store has now, so it is as large as the index, and may be
 * deleted at any time. A cache that cannot be read or written is as good as an empty one.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Io } from '../base/io/io.js';
import { makeDirectories } from '../base/io/make-directories.js';
import { readWholeFile, removeFile, replaceFile } from '../base/io/whole-file.js';

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

export class IndexCache {
  readonly #io: Io;
  readonly #directory: string;
  #hasDirectory = false;

  constructor(io: Io, stateDirectory: string, storeId: string) {
    this.#io = io;
    const name = createHash('sha256').update(storeId).digest('hex').slice(0, 32);
    this.#directory = join(stateDirectory, 'indexes', name);
  }

  /** The bytes of a version; null if they are not here. */
  async read(name: string, sizeBytes: number): Promise<Buffer | null> {
    try {
      const bytes = await readWholeFile(this.#io.fileSystem, join(this.#directory, name), sizeBytes);
      return bytes.length === sizeBytes ? bytes : null;
    } catch {
      return null; // not read before, or damaged
    }
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
    const wanted = new Set(names);
    try {
      for (const found of await fileSystem.readDirectory(this.#directory))
        if (!wanted.has(found.toString()))
          await removeFile(fileSystem, join(this.#directory, found.toString()));
    } catch {
      // There is nothing to remove.
    }
  }
}
