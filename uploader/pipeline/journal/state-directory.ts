/** Where the uploader keeps what it remembers: one directory for each pair of root and store, never inside the synced tree. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { StateDirectoryError } from '../../base/errors.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { makeDirectories } from '../../base/io/make-directories.js';

const DIRECTORY_MODE = 0o700;

export interface StatePaths {
  /** Identifies the pair of root and store. */
  readonly rootId: string;
  readonly directory: string;
  readonly lock: string;
  /** What the uploader at work says of itself. */
  readonly status: string;
  /** Space that is given up when the disk is full, so that commits can still be recorded. */
  readonly ballast: string;
  /** There as long as a probe of the store goes on. */
  readonly probing: string;
  /** What is made of event files: a directory for each run. */
  readonly exports: string;
  /** What an API was told and has acknowledged: a file for each run. */
  readonly notified: string;
}

/** The places of the state of one root and one store. Touches no disk. */
export function toStatePaths(stateDirectory: string, root: Buffer, storeId: string): StatePaths {
  const rootId = createHash('sha256').update(root).update('\0').update(storeId).digest('hex').slice(0, 32);
  return toStatePathsIn(join(stateDirectory, rootId), rootId);
}

/** The places in the directory of one root and store. */
export function toStatePathsIn(directory: string, rootId: string): StatePaths {
  return {
    rootId,
    directory,
    lock: join(directory, 'lock'),
    status: join(directory, 'status.json'),
    ballast: join(directory, 'ballast'),
    probing: join(directory, 'probing'),
    exports: join(directory, 'exports'),
    notified: join(directory, 'notified'),
  };
}

/** Makes the directory and those above it, for this user alone. Throws `StateDirectoryError`. */
export async function makeStateDirectory(fileSystem: FileSystem, paths: StatePaths): Promise<void> {
  try {
    await makeDirectories(fileSystem, paths.directory, DIRECTORY_MODE);
  } catch (cause) {
    throw new StateDirectoryError(paths.directory, 'make the directory', { cause });
  }
}
