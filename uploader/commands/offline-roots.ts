/** Finds the directories of runs that polytrack and Polyaxon's Python client have tracked without a server. */

import { resolve } from 'node:path';
import { RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import { NotARunError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import type { Environment } from '../settings/settings.js';

/** The defaults of polytrack and of polyaxon 2.16 (`_contexts/paths.py`). */
const OUR_ROOT = 'plx-runs';
const POLYAXON_ROOT = '/tmp/plx/offline';

/** Returns the roots that exist, each once. Throws `NotARunError` when none exists. */
export async function findOfflineRoots(environment: Environment, fileSystem: FileSystem): Promise<string[]> {
  const { POLYAXON_OFFLINE_ROOT } = environment;
  const candidates = [OUR_ROOT, POLYAXON_OFFLINE_ROOT, POLYAXON_ROOT]
    .filter((path): path is string => path !== undefined && path !== '')
    .map((path) => resolve(path));
  const roots = new Map<string, string>();
  for (const path of candidates) {
    const place = await realPath(`${path}/${RUNS_DIRECTORY}`, fileSystem);
    if (place !== null && !roots.has(place)) roots.set(place, path);
  }
  if (roots.size > 0) return [...roots.values()];
  throw new NotARunError(candidates.join(', '), `none of them contains ${RUNS_DIRECTORY}/`);
}

async function realPath(path: string, fileSystem: FileSystem): Promise<string | null> {
  try {
    const stat = await fileSystem.lstat(path);
    return stat.kind === 'directory' ? (await fileSystem.realPath(path)).toString() : null;
  } catch {
    return null; // missing or unreadable
  }
}
