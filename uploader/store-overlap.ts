/** Refuses to write into what is read: a file store in a run directory would be synced into itself, pass after pass. */

import { dirname, join, relative, sep } from 'node:path';
import { StoreInsideRunError } from './errors.js';
import type { FileSystem } from './io/file-system.js';
import { isAbsent } from './io/system-error.js';
import type { RunDirectory } from './scanner.js';

/** Throws `StoreInsideRunError` when the store directory lies in a run, or a run in its own place in the store. */
export async function requireSeparate(
  fileSystem: FileSystem,
  storePath: string,
  runs: readonly RunDirectory[],
): Promise<void> {
  const resolved = await resolveExisting(fileSystem, storePath);
  for (const run of runs) {
    const directory = run.directory.toString();
    if (isInside(resolved, directory) || isInside(directory, join(resolved, run.runUuid)))
      throw new StoreInsideRunError(storePath, directory);
  }
}

/** The path with the links of the part that exists resolved. */
async function resolveExisting(fileSystem: FileSystem, path: string): Promise<string> {
  try {
    return (await fileSystem.realPath(path)).toString();
  } catch (error) {
    const parent = dirname(path);
    if (!isAbsent(error) || parent === path) throw error;
    return join(await resolveExisting(fileSystem, parent), path.slice(parent.length));
  }
}

function isInside(path: string, directory: string): boolean {
  const between = relative(directory, path);
  return between === '' || (between !== '..' && !between.startsWith(`..${sep}`) && !between.startsWith(sep));
}
