/** The counter that orders what the processes of a run write: the size of a file to which each write appends a byte. */

import { closeSync, fstatSync, mkdirSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { openToAppend } from '../base/append-file.js';

/** A larger gap means that a file is damaged; the counter does not grow to close it. */
const MAX_GAP = 1024 * 1024;

export class OrderCounter {
  readonly #path: string;
  #last = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Returns a number above `known` and above every number that a process has taken before this call. Two processes that call it at
   * the same time may get the same number. If the disk fails, the number is only above those of this process.
   */
  next(known: number): number {
    const least = Math.max(this.#last, known) + 1;
    this.#last = least;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      const fd = openToAppend(this.#path);
      try {
        const gap = least - fstatSync(fd).size;
        writeSync(fd, Buffer.alloc(gap > 1 && gap <= MAX_GAP ? gap : 1, '.'));
        this.#last = Math.max(least, fstatSync(fd).size);
      } finally {
        closeSync(fd);
      }
    } catch {
      // The write of the metadata that this number is for reports the disk's error.
    }
    return this.#last;
  }
}
