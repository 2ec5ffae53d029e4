/** The stored state of a run on disk, for the reader of runs: its stored files, up to the sizes that the store has of them. */

import { crc32 } from 'node:zlib';
import { messageOf, RunFileError } from '../../src/base/errors.js';
import type { EventFileBytes } from '../../src/format/reader/event-file-bytes.js';
import type { ReadRunFileOptions, RunFileEntry, RunFolder } from '../../src/reading/run-source.js';
import { RUN_FILE } from '../../src/run-directory/layout.js';
import type { FileSystem } from '../base/io/file-system.js';
import { toKey } from '../base/rel-path.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import type { Inventory } from '../pipeline/inventory/inventory.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import { type LocalFile, type OpenPolicy, OWN_FILES, openLocalFile } from '../pipeline/source/local-file.js';
import { isIndexedFile, toRunVersion } from './run-version.js';

interface InventoryFolderParts {
  readonly fileSystem: FileSystem;
  readonly inventory: Inventory;
  readonly run: KnownRun;
  readonly openPolicy: () => OpenPolicy;
}

export class InventoryFolder implements RunFolder {
  readonly uuid: string;
  readonly location: string;
  readonly #fileSystem: FileSystem;
  readonly #inventory: Inventory;
  readonly #openPolicy: () => OpenPolicy;
  /** The event files that are stored, by path. */
  readonly #files = new Map<string, number>();
  readonly #runFile: FileId | null;

  constructor({ fileSystem, inventory, run, openPolicy }: InventoryFolderParts) {
    this.uuid = run.uuid;
    this.location = String(run.directory);
    this.#fileSystem = fileSystem;
    this.#inventory = inventory;
    this.#openPolicy = openPolicy;
    let runFile: FileId | null = null;
    for (const id of inventory.filesOf(run)) {
      if (!inventory.table.has(id, FLAG.stored)) continue;
      const path = inventory.relPathOf(id);
      if (path === RUN_FILE) runFile = id;
      if (isIndexedFile(path)) this.#files.set(path, storedBytesOf(inventory, id));
    }
    this.#runFile = runFile;
  }

  /** The version of what is stored; null if the run file is not stored. */
  get version(): string | null {
    if (this.#runFile === null) return null;
    const files = Array.from(this.#files, ([path, sizeBytes]) => ({ path, sizeBytes }));
    return toRunVersion(this.#inventory.table.etags.get(this.#runFile), files);
  }

  findCleanedStore(): null {
    return null;
  }

  async listFiles(directory: string): Promise<RunFileEntry[]> {
    return [...this.#files]
      .filter(([path]) => path.startsWith(`${directory}/`))
      .map(([path, sizeBytes]) => ({ path, sizeBytes }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async readFile(path: string, { maxBytes }: ReadRunFileOptions): Promise<Uint8Array | null> {
    if (path !== RUN_FILE || this.#runFile === null) return null;
    const file = await this.#open(path, this.#runFile);
    try {
      const { sizeBytes } = file.opened;
      if (sizeBytes > maxBytes) throw new RunFileError(path, `has ${sizeBytes} bytes`);
      const bytes = await file.read(0, sizeBytes);
      const isStored = crc32(bytes) === this.#inventory.entryOf(this.#runFile)?.crc32;
      if (!isStored) throw new RunFileError(path, 'differs from the stored one');
      return bytes;
    } finally {
      await file.close();
    }
  }

  async openFile(path: string): Promise<EventFileBytes> {
    const storedBytes = this.#files.get(path);
    if (storedBytes === undefined) throw new RunFileError(path, 'is not stored');
    const file = await this.#open(path, this.#inventory.idOf(toKey(this.uuid, path)));
    return {
      findSize: async () => storedBytes,
      read: (buffer, position) => {
        const wanted = Math.max(0, Math.min(buffer.length, storedBytes - position));
        return file.readInto(Buffer.from(buffer.buffer, buffer.byteOffset, wanted), position);
      },
      close: () => file.close(),
    };
  }

  async #open(path: string, id: FileId): Promise<LocalFile> {
    const place = this.#inventory.placeOf(id);
    if (place === null) throw new RunFileError(path, 'was removed');
    const policy = this.#inventory.table.has(id, FLAG.generated) ? OWN_FILES : this.#openPolicy();
    try {
      return await openLocalFile(this.#fileSystem, place, this.#inventory.relPathOf(id), policy);
    } catch (error) {
      throw new RunFileError(path, messageOf(error), { cause: error });
    }
  }
}

/** The size of the object of a file and of the segments that follow it. */
function storedBytesOf({ table, segments }: Inventory, id: FileId): number {
  const objectBytes = table.objectBytes[id]!;
  const segment = segments.get(id);
  return segment === undefined ? objectBytes : Math.max(objectBytes, segment.end);
}
