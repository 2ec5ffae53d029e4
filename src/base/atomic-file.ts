/**
 * Files that are whole or absent: written beside their name, then renamed over it.
 */

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/** Distinguishes the partial files of one process. */
let sequence = 0;

/** A name beside `path` for a file that is being written; scanners skip it. */
export function toPartialPath(path: string): string {
  return `${path}.${process.pid}.${sequence++}${PARTIAL_SUFFIX}`;
}

/** Replaces `path` by `text`, so that a reader sees the old or the new content, never a part. Throws what the disk says. */
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

/** Files that are being written beside their final name end with this; they are never part of a run. */
export const PARTIAL_SUFFIX = '.partial';
