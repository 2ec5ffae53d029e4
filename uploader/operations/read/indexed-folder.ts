/** A run of a store that is known from the index. Its files are found when one of them is needed. */

import type { EventFileBytes } from '../../../src/format/reader/event-file-bytes.js';
import type { IndexedRun } from '../../../src/reading/run-facts.js';
import type { ReadRunFileOptions, RunFileEntry, RunFolder } from '../../../src/reading/run-source.js';

export class IndexedFolder implements RunFolder {
  readonly uuid: string | null;
  readonly location: string;
  readonly indexed: IndexedRun;
  readonly #open: (signal: AbortSignal | undefined) => Promise<RunFolder>;
  #folder: RunFolder | undefined;

  constructor(
    { uuid, location }: Pick<RunFolder, 'uuid' | 'location'>,
    indexed: IndexedRun,
    open: (signal: AbortSignal | undefined) => Promise<RunFolder>,
  ) {
    this.uuid = uuid;
    this.location = location;
    this.indexed = indexed;
    this.#open = open;
  }

  findCleanedStore(): null {
    return null;
  }

  async listFiles(directory: string, signal?: AbortSignal): Promise<readonly RunFileEntry[]> {
    return (await this.#find(signal)).listFiles(directory, signal);
  }

  async readFile(path: string, options: ReadRunFileOptions): Promise<Uint8Array | null> {
    return (await this.#find(options.signal)).readFile(path, options);
  }

  async openFile(path: string, signal?: AbortSignal): Promise<EventFileBytes> {
    return (await this.#find(signal)).openFile(path, signal);
  }

  async #find(signal: AbortSignal | undefined): Promise<RunFolder> {
    this.#folder ??= await this.#open(signal);
    return this.#folder;
  }
}
