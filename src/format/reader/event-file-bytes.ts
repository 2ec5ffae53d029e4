/** Where the bytes of an event file come from: the local disk, or another place that can read parts of a file. */

import { type FileHandle, open, stat } from 'node:fs/promises';
import { EventFileChangedError } from '../../base/errors.js';

/** An opened event file. */
export interface EventFileBytes {
  /** Resolves to the size now. May throw `EventFileChangedError`. */
  findSize(): Promise<number>;
  /** Reads into `buffer` from `position`. Resolves to the number of bytes read, which may be less than requested; 0 at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Opens a local file. Throws the file system's error. */
export async function openLocalEventFile(path: string): Promise<EventFileBytes> {
  const file = await open(path, 'r');
  return {
    findSize: () => findSize(path, file),
    read: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
    close: () => file.close(),
  };
}

async function findSize(path: string, file: FileHandle): Promise<number> {
  const [opened, named] = await Promise.all([file.stat(), stat(path)]);
  if (opened.ino !== named.ino || opened.dev !== named.dev) {
    throw new EventFileChangedError(path, 'the file was replaced by another one');
  }
  return opened.size;
}
