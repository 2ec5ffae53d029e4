import type { EventSink, OpenEventFile } from '../../src/format/writer/event-sink.js';
import { MemorySink } from '../../src/format/writer/memory-sink.js';

/** Event files in memory, on a simulated disk that can fail. */
export class FailingSink implements EventSink {
  readonly #memory = new MemorySink();
  /** The error that calls throw until it is cleared. */
  failure: NodeJS.ErrnoException | undefined;
  /** Number of bytes that are still accepted before `failure` applies. */
  spaceBytes = Number.POSITIVE_INFINITY;
  writes = 0;
  syncs = 0;

  get files(): ReadonlyMap<string, Uint8Array> {
    return this.#memory.files;
  }

  create(directory: string, fileName: string): OpenEventFile {
    this.#check();
    const file = this.#memory.create(directory, fileName);
    return {
      path: file.path,
      write: (bytes, position) => {
        this.writes++;
        if (this.spaceBytes === 0) this.#check();
        const count = Math.min(bytes.length, this.spaceBytes);
        this.spaceBytes -= count;
        return file.write(bytes.subarray(0, count), position);
      },
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
    return this.#memory.list(directory);
  }

  read(directory: string, fileName: string): Uint8Array[] {
    this.#check();
    return this.#memory.read(directory, fileName);
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}

/** Creates an error like those of Node's file system. */
export function diskError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: simulated disk error`), { code });
}
