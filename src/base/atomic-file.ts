/** Writes files atomically: the content goes to a partial file, which is then renamed. A reader sees a whole file or none. */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Makes the names of partial files unique within this process. */
let sequence = 0;

/** The name for the partial file of `path`, in the same directory. Scanners skip such files. */
export function toPartialPath(path: string): string {
  return `${path}.${process.pid}.${sequence++}${PARTIAL_SUFFIX}`;
}

/** Replaces the content of `path` with `text`. A reader sees the old or the new content, never a mix. Throws the file system's error. */
export function replaceFileSync(path: string, text: string | Uint8Array, options: { fsync: boolean }): void {
  const partial = toPartialPath(path);
  try {
    const fd = openSync(partial, 'wx', 0o644);
    try {
      writeFileSync(fd, text);
      if (options.fsync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** The suffix of partial files. They never belong to a run. */
export const PARTIAL_SUFFIX = '.partial';
