/** The paths of the uploader's state: one directory for each pair of root and store, never inside the synced tree. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { StateDirectoryError } from '../../base/errors.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { makeDirectories } from '../../base/io/make-directories.js';

const DIRECTORY_MODE = 0o700;

export interface StatePaths {
  /** Identifies the pair of root and store. */
  readonly rootKey: string;
  readonly directory: string;
  readonly lock: string;
  /** Status of the running uploader. */
  readonly status: string;
  /** Status of complete runs, while the uploader is running. */
  readonly settled: string;
  /** A file that is removed when the disk is full, so that commits can still be recorded. */
  readonly ballast: string;
  /** Generated files: a directory for each run. */
  readonly exports: string;
  /** The state that an API has acknowledged: a file for each run. */
  readonly notified: string;
}

/** Returns the state paths of one root and one store. Does not access the disk. */
export function toStatePaths(stateDirectory: string, root: Buffer, storeId: string): StatePaths {
  const rootKey = createHash('sha256').update(root).update('\0').update(storeId).digest('hex').slice(0, 32);
  return toStatePathsIn(join(stateDirectory, rootKey), rootKey);
}

/** Returns the paths in the state directory of one root and store. */
export function toStatePathsIn(directory: string, rootKey: string): StatePaths {
  return {
    rootKey,
    directory,
    lock: join(directory, 'lock'),
    status: join(directory, 'status.json'),
    settled: join(directory, 'settled.jsonl'),
    ballast: join(directory, 'ballast'),
    exports: join(directory, 'exports'),
    notified: join(directory, 'notified'),
  };
}

/** Creates the directory and its parents, accessible only to this user. Throws `StateDirectoryError`. */
export async function makeStateDirectory(fileSystem: FileSystem, paths: StatePaths): Promise<void> {
  try {
    await makeDirectories(fileSystem, paths.directory, DIRECTORY_MODE);
  } catch (cause) {
    throw new StateDirectoryError(paths.directory, 'create the directory', { cause });
  }
}
