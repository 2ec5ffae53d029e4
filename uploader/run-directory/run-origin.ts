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
function isOtherRun(a: RunOrigin, b: RunOrigin): boolean {
  return a.createdAt !== null && b.createdAt !== null && a.createdAt !== b.createdAt;
}

/** Returns true for a directory on this host that no longer exists, or no longer claims the run: `local` replaces it. */
export async function isMoved(
  fileSystem: FileSystem,
  runUuid: string,
  named: RunOrigin,
  local: RunOrigin,
): Promise<boolean> {
  if (named.host !== local.host || isOtherRun(named, local)) return false;
  return !(await isStillThere(fileSystem, runUuid, named));
}

/** Describes why a directory may not continue a run that the store or the server has from another one. */
export function toConflict(
  keeper: 'store' | 'server',
  local: RunOrigin,
  named: RunOrigin,
): { found: string; hint: string } {
  const created = isOtherRun(named, local)
    ? `, which was created at ${named.createdAt}, not at ${local.createdAt}`
    : '';
  const [verb, kept] =
    keeper === 'store' ? ['upload', ': earlier content is kept below .plx/gen/'] : ['report', ''];
  return {
    found: `the ${keeper} has this run from ${toPlace(named)}${created}; ${toPlace(local)} is not ${verb}ed`,
    hint: `Sync it from there, or give one of them another uuid. To continue the run from ${local.directory}, use --take-over${kept}.`,
  };
}

function toPlace({ directory, hostname }: RunOrigin): string {
  return `${directory} on host ${hostname}`;
}

/** Validates an origin from a journal, a store or a server; null when it is malformed. */
export function parseRunOrigin(value: Readonly<Record<string, unknown>>): RunOrigin | null {
  const { host, hostname: name, directory, ino, birthNs, createdAt } = value;
  if (!isText(host) || !isText(name) || !isText(directory) || !isText(ino)) return null;
  if (!/^-?\d{1,20}$/.test(ino) || !isTextOrNull(birthNs) || !isTextOrNull(createdAt)) return null;
  return { host, hostname: name, directory, ino, birthNs, createdAt };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value);
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
async function isStillThere(fileSystem: FileSystem, runUuid: string, origin: RunOrigin): Promise<boolean> {
  const directory = Buffer.from(origin.directory);
  if (await isUnreadable(fileSystem, directory)) return true;
  const found = await readRunOrigin(fileSystem, directory, origin.host);
  if (found === null || !isSameDirectory(found, origin)) return false;
  return ((await readRunUuid(fileSystem, directory)) ?? toUuidOfPlace(directory) ?? runUuid) === runUuid;
}
