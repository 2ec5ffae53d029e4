/** Refuses to write into what is read: a file store in a run directory would be synced into itself, pass after pass. */

import { join, relative, sep } from 'node:path';
import { StoreInsideRunError } from '../../base/errors.js';

/**
 * The error when the store directory lies in a run, or a run in its own place in the store; null when they are apart. Paths have every
 * link resolved.
 */
export function findOverlap(
  storePath: string,
  run: { readonly uuid: string; readonly directory: Buffer },
): StoreInsideRunError | null {
  const directory = run.directory.toString();
  const overlaps = isInside(storePath, directory) || isInside(directory, join(storePath, run.uuid));
  return overlaps ? new StoreInsideRunError(storePath, directory) : null;
}

function isInside(path: string, directory: string): boolean {
  const between = relative(directory, path);
  return between === '' || (between !== '..' && !between.startsWith(`..${sep}`) && !between.startsWith(sep));
}
