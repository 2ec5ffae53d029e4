/** Finds the roots of runs that were tracked without a server. They are the default of all commands that read runs. */

import { resolve } from 'node:path';
import { RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import type { FileSystem } from '../base/io/file-system.js';

/** The defaults of polytrack and of polyaxon 2.16 (`_contexts/paths.py`). */
const OUR_ROOT = 'plx-runs';
const POLYAXON_ROOT = '/tmp/plx/offline';

interface OfflineRoots {
  /** The roots that exist, each once. */
  readonly found: readonly string[];
  /** All places that were searched. */
  readonly searched: readonly string[];
}

/** Finds the roots of runs that polytrack and Polyaxon's Python client have tracked. */
export async function findOfflineRoots(
  { POLYAXON_OFFLINE_ROOT }: Readonly<Record<string, string | undefined>>,
  fileSystem: FileSystem,
): Promise<OfflineRoots> {
  const searched = [OUR_ROOT, POLYAXON_OFFLINE_ROOT, POLYAXON_ROOT]
    .filter((path): path is string => path !== undefined && path !== '')
    .map((path) => resolve(path));
  const roots = new Map<string, string>();
  for (const path of searched) {
    const place = await realPath(`${path}/${RUNS_DIRECTORY}`, fileSystem);
    if (place !== null && !roots.has(place)) roots.set(place, path);
  }
  return { found: [...roots.values()], searched };
}

async function realPath(path: string, fileSystem: FileSystem): Promise<string | null> {
  try {
    const stat = await fileSystem.lstat(path);
    return stat.kind === 'directory' ? (await fileSystem.realPath(path)).toString() : null;
  } catch {
    return null; // missing or unreadable
  }
}
