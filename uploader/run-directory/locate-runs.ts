/** What a path given on the command line means: where the scan begins, and under which root what is remembered is kept. */

import { resolve } from 'node:path';
import { messageOf } from '../../src/base/errors.js';
import { RUN_FILE, RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import { NotARunError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import { resolveExisting } from '../base/io/resolve-existing.js';
import { isAbsent } from '../base/io/system-error.js';
import { joinPath } from '../base/join-path.js';
import { readRunUuid, toRootOf, toUuidOfPlace } from './run-uuid.js';

export interface Place {
  /** Where the scan begins; every link resolved. */
  readonly start: Buffer;
  /**
   * The identity of the journal. A run directory at `<root>/runs/<uuid>` belongs to its root even when it is named alone, so that both
   * ways of syncing it share one journal and one lock.
   */
  readonly root: Buffer;
}

/** Finds the place of `path`. Throws `NotARunError` when it is no directory; one that is still to come is one if `mayBeMissing`. */
export async function locate(
  fileSystem: FileSystem,
  path: string,
  options: { readonly mayBeMissing: boolean },
): Promise<Place> {
  const start = await resolveDirectory(fileSystem, path, options.mayBeMissing);
  const isRun = (await readRunUuid(fileSystem, start)) !== null || toUuidOfPlace(start) !== null;
  const hasRuns = await isDirectory(fileSystem, joinPath(start, [Buffer.from(RUNS_DIRECTORY)]));
  return { start, root: isRun && !hasRuns ? (toRootOf(start) ?? start) : start };
}

/** Why there is no run at a place, once the scan has found none; null for a root that is merely empty. */
export async function explainNoRuns(fileSystem: FileSystem, path: string): Promise<NotARunError | null> {
  const directory = Buffer.from(resolve(path));
  if (await isDirectory(fileSystem, joinPath(directory, [Buffer.from(RUNS_DIRECTORY)]))) return null;
  const hasRunFile = await exists(fileSystem, joinPath(directory, [Buffer.from(RUN_FILE)]));
  return new NotARunError(
    path,
    hasRunFile
      ? `its ${RUN_FILE} holds no uuid of 32 hex digits`
      : `neither ${RUN_FILE} nor ${RUNS_DIRECTORY}/ is in this directory, and no event files`,
  );
}

async function resolveDirectory(
  fileSystem: FileSystem,
  path: string,
  mayBeMissing: boolean,
): Promise<Buffer> {
  let resolved: Buffer;
  try {
    // The path on the command line may itself be a link: the user named it. Below it no link is followed.
    resolved = await fileSystem.realPath(path);
  } catch (cause) {
    if (isAbsent(cause) && mayBeMissing) return Buffer.from(await resolveExisting(fileSystem, path));
    throw new NotARunError(path, isAbsent(cause) ? 'there is no such directory' : messageOf(cause), {
      cause,
    });
  }
  if (await isDirectory(fileSystem, resolved)) return resolved;
  throw new NotARunError(path, 'this is a file, not a directory');
}

async function isDirectory(fileSystem: FileSystem, path: Buffer): Promise<boolean> {
  try {
    return (await fileSystem.lstat(path)).kind === 'directory';
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

async function exists(fileSystem: FileSystem, path: Buffer): Promise<boolean> {
  try {
    await fileSystem.lstat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}
