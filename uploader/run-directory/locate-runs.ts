/** Resolves a path of the command line: where the scan starts, and which root identifies the journal. */

import { resolve } from 'node:path';
import { CodedError, messageOf } from '../../src/base/errors.js';
import { RUN_FILE, RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import { NotARunError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import { findStat, resolveExisting } from '../base/io/resolve-existing.js';
import { isAbsent } from '../base/io/system-error.js';
import { joinNames } from '../base/join-path.js';
import { findLinked } from './run-links.js';
import { readRunUuid, toRootOf, toUuidOfPlace } from './run-uuid.js';

export interface Place {
  /** Where the scan starts; every link is resolved. */
  readonly start: Buffer;
  /**
   * Identifies the journal. A run directory at `<root>/runs/<uuid>` belongs to its root even if only the run is synced, so that
   * both ways to sync it share one journal and one lock.
   */
  readonly root: Buffer;
}

/**
 * Resolves `path`. Throws `NotARunError` if it is not a directory, cannot be read, or only holds links to runs. With `mayBeMissing`, the directory need not
 * exist yet.
 */
export async function locate(
  fileSystem: FileSystem,
  path: string,
  options: { readonly mayBeMissing: boolean },
): Promise<Place> {
  try {
    return await findPlace(fileSystem, path, options);
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    throw new NotARunError(path, messageOf(cause), { cause });
  }
}

async function findPlace(
  fileSystem: FileSystem,
  path: string,
  options: { readonly mayBeMissing: boolean },
): Promise<Place> {
  const linked = await findLinked(fileSystem, path);
  if (linked !== null) throw new NotARunError(path, linked.found, { hint: `Pass ${linked.path} instead.` });
  const start = await resolveDirectory(fileSystem, path, options.mayBeMissing);
  const isRun = (await readRunUuid(fileSystem, start)) !== null || toUuidOfPlace(start) !== null;
  const hasRuns = await isDirectory(fileSystem, joinNames(start, RUNS_DIRECTORY));
  return { start, root: isRun && !hasRuns ? (toRootOf(start) ?? start) : start };
}

/** Explains why the scan found no run at a path. Returns null for an empty root. */
export async function explainNoRuns(fileSystem: FileSystem, path: string): Promise<NotARunError | null> {
  const directory = Buffer.from(resolve(path));
  let hasRunFile: boolean;
  try {
    if (await isDirectory(fileSystem, joinNames(directory, RUNS_DIRECTORY))) return null;
    hasRunFile = (await findStat(fileSystem, joinNames(directory, RUN_FILE))) !== null;
  } catch (cause) {
    return new NotARunError(path, messageOf(cause), { cause });
  }
  return new NotARunError(
    path,
    hasRunFile
      ? `its ${RUN_FILE} has no uuid of 32 hex digits`
      : `the directory has neither ${RUN_FILE} nor ${RUNS_DIRECTORY}/, and no event files`,
  );
}

async function resolveDirectory(
  fileSystem: FileSystem,
  path: string,
  mayBeMissing: boolean,
): Promise<Buffer> {
  let resolved: Buffer;
  try {
    // Follow a link on the command line, because the user named it. Links below it are not followed.
    resolved = await fileSystem.realPath(path);
  } catch (cause) {
    if (isAbsent(cause) && mayBeMissing) return Buffer.from(await resolveExisting(fileSystem, path));
    throw new NotARunError(path, isAbsent(cause) ? 'the directory does not exist' : messageOf(cause), {
      cause,
    });
  }
  if (await isDirectory(fileSystem, resolved)) return resolved;
  throw new NotARunError(path, 'is not a directory');
}

async function isDirectory(fileSystem: FileSystem, path: Buffer): Promise<boolean> {
  return (await findStat(fileSystem, path))?.kind === 'directory';
}
