import { basename, dirname, join } from 'node:path';
import type { EventSink, OpenEventFile } from '../../src/event/event-sink.js';

/** Event files in memory, on a disk that can be told to fail. */
export class MemorySink implements EventSink {
  readonly files = new Map<string, Buffer>();
  /** Thrown by the next calls, until it is cleared. */
  failure: NodeJS.ErrnoException | undefined;
  /** Bytes that are still accepted before `failure` applies. */
  spaceBytes = Number.POSITIVE_INFINITY;
  writes = 0;
  syncs = 0;

  create(directory: string, fileName: string): OpenEventFile {
    this.#check();
    const path = join(directory, fileName);
    if (this.files.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: 'EEXIST' });
    this.files.set(path, Buffer.alloc(0));
    return {
      path,
      write: (bytes, position) => this.#write(path, bytes, position),
      sync: () => {
        this.#check();
        this.syncs++;
        return Promise.resolve();
      },
      close: (sync) => {
        if (sync) this.syncs++;
      },
    };
  }

  list(directory: string): string[] {
    return [...this.files.keys()].filter((path) => dirname(path) === directory).map((path) => basename(path));
  }

  read(directory: string, fileName: string): Uint8Array {
    this.#check();
    return this.files.get(join(directory, fileName))!;
  }

  #write(path: string, bytes: Uint8Array, position: number): number {
    this.writes++;
    if (this.spaceBytes === 0) this.#check();
    const count = Math.min(bytes.length, this.spaceBytes);
    this.spaceBytes -= count;
    const before = this.files.get(path)!;
    this.files.set(path, Buffer.concat([before.subarray(0, position), bytes.subarray(0, count)]));
    return count;
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

/** An error as Node's file system throws it. */
export function diskError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: disk says no`), { code });
}
