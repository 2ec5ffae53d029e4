/**
 * Keeps two runs with one uuid apart: the server records the directory that a run was created from, and a run from another directory is
 * rejected. A run that the platform, Python's client or another program created belongs to no directory.
 *
 * The record is an entry of `meta_info`: it is created with the run, returned with it, shown on no page, and kept by merges.
 */

import { type JsonMap, toCleanMap } from '../../src/base/clean-json.js';
import { FileError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import type { PolyaxonRun } from '../polyaxon-api/types.js';
import {
  isMoved,
  isSameDirectory,
  parseRunOrigin,
  type RunOrigin,
  toConflict,
} from '../run-directory/run-origin.js';

interface ClaimOptions {
  readonly fileSystem: FileSystem;
  /** Report the run from this directory, whatever directory the server names. */
  readonly takesOver: boolean;
}

const ORIGIN = 'polytrack_origin';

/**
 * Returns the entry of `meta_info` that names the directory of a run. `offsetMs`: how its times on the server differ from those on disk, so
 * that every later process reports the same times.
 */
export function toClaim(origin: RunOrigin, offsetMs: number): JsonMap {
  return { [ORIGIN]: { ...origin, ...(offsetMs === 0 ? {} : { offsetMs }) } };
}

/** Returns how the times of a run on the server differ from those on disk. */
export function toClaimedOffsetMs({ meta_info }: PolyaxonRun): number {
  const { offsetMs } = toCleanMap(toCleanMap(meta_info)[ORIGIN]);
  return Number.isSafeInteger(offsetMs) ? (offsetMs as number) : 0;
}

/**
 * Whether the entry of the server has to be replaced, because the directory was moved or takes over. Throws `ERR_RUN_CONFLICT` if the
 * run belongs to another directory.
 */
export async function checkClaim(
  run: PolyaxonRun,
  local: RunOrigin,
  { fileSystem, takesOver }: ClaimOptions,
): Promise<boolean> {
  const named = parseRunOrigin(toCleanMap(toCleanMap(run.meta_info)[ORIGIN]));
  if (named === null || isSameDirectory(named, local)) return false;
  if (takesOver || (await isMoved(fileSystem, run.uuid, named, local))) return true;
  const { found, hint } = toConflict('server', local, named);
  throw new FileError('ERR_RUN_CONFLICT', run.uuid, found, hint);
}
