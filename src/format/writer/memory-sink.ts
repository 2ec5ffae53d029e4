/** Event files in memory: for tests, and for programs that send the bytes elsewhere. */

import { basename, dirname, join } from 'node:path';
import type { EventSink, OpenEventFile } from './event-sink.js';

export class MemorySink implements EventSink {
  readonly #files = new Map<string, Uint8Array>();

  /** The bytes of each file by path, in order of creation. */
  get files(): ReadonlyMap<string, Uint8Array> {
    return this.#files;
  }

  create(directory: string, fileName: string): OpenEventFile {
    const path = join(directory, fileName);
    if (this.#files.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' });
    let storage = new Uint8Array(64 * 1024);
    this.#files.set(path, storage.subarray(0, 0));
    return {
      path,
      write: (bytes, position) => {
        const end = position + bytes.length;
        if (end > storage.length) {
          const larger = new Uint8Array(Math.max(end, storage.length * 2));
          larger.set(storage.subarray(0, position));
          storage = larger;
        }
        storage.set(bytes, position);
        this.#files.set(path, storage.subarray(0, end));
        return bytes.length;
      },
      sync: () => Promise.resolve(),
      close: () => {},
    };
  }

  list(directory: string): string[] {
    return [...this.#files.keys()]
      .filter((path) => dirname(path) === directory)
      .map((path) => basename(path));
  }

  read(directory: string, fileName: string): Uint8Array[] {
    const bytes = this.#files.get(join(directory, fileName));
    if (bytes === undefined) throw Object.assign(new Error(`ENOENT: ${fileName}`), { code: 'ENOENT' });
    return [bytes];
  }
}
