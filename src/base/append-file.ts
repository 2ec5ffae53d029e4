/** Opens files of a run to append to them, but never a link: another user who can write the run directory could let it lead to any file. */

import { closeSync, constants, openSync, writeFileSync } from 'node:fs';

/** Windows has no such flag; creating a link there needs a privilege. */
export const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
export const APPEND_FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | NO_FOLLOW;

/** Opens a file for reading and appending, and creates it if it does not exist. Throws the file system's error: `ELOOP` for a link. */
export function openToAppend(path: string): number {
  return openSync(path, APPEND_FLAGS, 0o644);
}

/** Appends a text with one write. Throws as `openToAppend` does, and errors of the disk. */
export function appendText(path: string, text: string): void {
  const fd = openToAppend(path);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}
