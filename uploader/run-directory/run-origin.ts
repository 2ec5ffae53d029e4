/**
 * Identifies the directory that a run comes from, beyond its uuid, which a copy and any other job can claim too.
 *
 * The directory is the same if its inode and its time of creation are: neither a copy nor a new directory in the same place has both.
 */

import { hostname } from 'node:os';
import { RUN_FILE } from '../../src/run-directory/layout.js';
import type { FileSystem } from '../base/io/file-system.js';
import { isAbsent } from '../base/io/system-error.js';
import { joinNames } from '../base/join-path.js';
import { readJsonFile } from './run-files.js';
import { readRunUuid, toUuidOfPlace } from './run-uuid.js';

export interface RunOrigin {
  /** Id of the host that uploads the run, and its name for messages. */
  readonly host: string;
  readonly hostname: string;
  readonly directory: string;
  readonly ino: string;
  /** When the directory was created, in ns; null where the file system does not say. */
  readonly birthNs: string | null;
  /** When the run was created, as its writer wrote it into the run file; null when the run file does not say. */
  readonly createdAt: string | null;
}

/** Reads the origin of a run; null when its directory does not exist or cannot be examined. */
export async function readRunOrigin(
  fileSystem: FileSystem,
  directory: Buffer,
  host: string,
): Promise<RunOrigin | null> {
  const stat = await fileSystem.lstat(directory).catch(() => null);
  if (stat?.kind !== 'directory') return null;
  const record = await readJsonFile(fileSystem, joinNames(directory, RUN_FILE)).catch(() => undefined);
  const createdAt =
    typeof record === 'object' && record !== null && 'created_at' in record ? record.created_at : null;
  return {
    host,
    hostname: hostname(),
    directory: directory.toString(),
    ino: String(stat.ino),
    birthNs: stat.birthNs === undefined ? null : String(stat.birthNs),
    createdAt: typeof createdAt === 'string' ? createdAt : null,
  };
}

/** Returns true for the same directory, also after it was moved, or was mounted at another path or on another host. */
export function isSameDirectory(a: RunOrigin, b: RunOrigin): boolean {
  if (a.ino !== b.ino) return false;
  if (a.birthNs !== null && b.birthNs !== null) return a.birthNs === b.birthNs;
  // Without a time of creation: inode numbers are reused, so the path or the run must be the same too.
  if (isOtherRun(a, b)) return false;
  return a.directory === b.directory || (a.createdAt !== null && a.createdAt === b.createdAt);
}

/** Returns true when the run files show that one uuid was given to two runs. */
export function isOtherRun(a: RunOrigin, b: RunOrigin): boolean {
  return a.createdAt !== null && b.createdAt !== null && a.createdAt !== b.createdAt;
}

/** Returns true when it cannot be found out whether the directory exists. */
export async function isUnreadable(fileSystem: FileSystem, directory: Buffer): Promise<boolean> {
  try {
    await fileSystem.lstat(directory);
    return false;
  } catch (error) {
    return !isAbsent(error);
  }
}

/** Returns true when the origin's directory still claims the run on this host, or when that cannot be found out. */
export async function isStillThere(
  fileSystem: FileSystem,
  runUuid: string,
  origin: RunOrigin,
): Promise<boolean> {
  const directory = Buffer.from(origin.directory);
  if (await isUnreadable(fileSystem, directory)) return true;
  const found = await readRunOrigin(fileSystem, directory, origin.host);
  if (found === null || !isSameDirectory(found, origin)) return false;
  return ((await readRunUuid(fileSystem, directory)) ?? toUuidOfPlace(directory) ?? runUuid) === runUuid;
}
