/** Reads records of several files at any offset. Memory: at most `MAX_OPEN` windows, and the largest record. */

import { type FileHandle, open } from 'node:fs/promises';
import { EventFileChangedError } from '../../../src/base/errors.js';

const MAX_OPEN = 16;
const WINDOW_BYTES = 256 * 1024;

interface OpenFile {
  readonly file: FileHandle;
  readonly window: Uint8Array;
  start: number;
  filled: number;
}

export class RecordSource {
  readonly #paths: readonly string[];
  /** By number of the file; the least recently used first. */
  readonly #open = new Map<number, OpenFile>();

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** The bytes of a record, framing included; valid until the next call. Throws `EventFileChangedError` if the file has become shorter. */
  async read(file: number, offset: number, sizeBytes: number): Promise<Uint8Array> {
    const source = await this.#openFile(file);
    if (sizeBytes > WINDOW_BYTES)
      return this.#fill(file, source, new Uint8Array(sizeBytes), offset, sizeBytes);
    if (offset < source.start || offset + sizeBytes > source.start + source.filled) {
      source.filled = 0;
      source.start = offset;
      source.filled = (await this.#fill(file, source, source.window, offset, sizeBytes)).length;
    }
    return source.window.subarray(offset - source.start, offset - source.start + sizeBytes);
  }

  async close(): Promise<void> {
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(({ file }) => file.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Reads at least `neededBytes`, and more as far as the buffer and the file go. */
  async #fill(
    number: number,
    { file }: OpenFile,
    buffer: Uint8Array,
    offset: number,
    neededBytes: number,
  ): Promise<Uint8Array> {
    let filled = 0;
    while (filled < neededBytes) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, offset + filled);
      if (bytesRead === 0)
        throw new EventFileChangedError(this.#paths[number]!, 'the file was truncated during reading');
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async #openFile(number: number): Promise<OpenFile> {
    const known = this.#open.get(number);
    if (known !== undefined) {
      this.#open.delete(number);
      this.#open.set(number, known);
      return known;
    }
    for (const [oldest, { file }] of this.#open) {
      if (this.#open.size < MAX_OPEN) break;
      this.#open.delete(oldest);
      await file.close();
    }
    const file = await open(this.#paths[number]!, 'r');
    const opened = { file, window: new Uint8Array(WINDOW_BYTES), start: 0, filled: 0 };
    this.#open.set(number, opened);
    return opened;
  }
}
