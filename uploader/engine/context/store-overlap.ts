/** Detects a file store that overlaps a run directory, which every sync would upload into itself. */

import { join, relative, sep } from 'node:path';
import { StoreInsideRunError } from '../../base/errors.js';

/**
 * Returns an error when the store directory is inside the run, or the run is inside its own folder in the store; null otherwise. Both
 * paths must have all links resolved.
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
