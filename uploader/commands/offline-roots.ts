/** Where runs lie that were tracked without a server: ours, and those of Polyaxon's Python client. */

import { resolve } from 'node:path';
import { RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import { NotARunError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import type { Environment } from '../settings/settings.js';

/** Tracking's own default, and that of polyaxon 2.16 (`_contexts/paths.py`). */
const OUR_ROOT = 'plx-runs';
const POLYAXON_ROOT = '/tmp/plx/offline';

/** Those that are there, each once. Throws `NotARunError` when none is. */
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
  throw new NotARunError(candidates.join(', '), `there is no ${RUNS_DIRECTORY}/ in any of them`);
}

async function realPath(path: string, fileSystem: FileSystem): Promise<string | null> {
  try {
    const stat = await fileSystem.lstat(path);
    return stat.kind === 'directory' ? (await fileSystem.realPath(path)).toString() : null;
  } catch {
    return null; // not there, or not ours to read
  }
}
