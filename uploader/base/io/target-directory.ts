/** Checks a directory that a command is about to fill with copies. */

import { readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { isAbsent } from './system-error.js';

/**
 * Returns why copies of the files in `source` cannot be written to `target`, or null: it is not empty, or inside `source`. Throws errors of the
 * file system.
 */
export async function findTargetProblem(source: string, target: string): Promise<string | null> {
  const existing = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  if (existing.length > 0) return 'the directory is not empty';
  const real = await realpath(source);
  // Resolve the nearest existing directory, because a link may lead from outside into the source.
  let parent = resolve(target);
  let realParent: string | undefined;
  while (realParent === undefined) {
    realParent = await realpath(parent).catch((error: unknown) => {
      if (isAbsent(error)) return undefined;
      throw error;
    });
    if (realParent === undefined) parent = dirname(parent);
  }
  const inside = relative(real, join(realParent, relative(parent, resolve(target))));
  const isOutside = inside === '..' || inside.startsWith(`..${sep}`);
  return isOutside ? null : 'the target is inside the source directory';
}
