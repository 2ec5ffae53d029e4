/**
 * Reads and writes the marker of a run whose local files were deleted on purpose: `.plx/cleaned.json` in its directory, never uploaded.
 *
 * `clean` writes the marker before it deletes the first file: missing files of a marked run were verified in the store that it names.
 */

import { createHash } from 'node:crypto';
import { RunCleanedError } from '../../src/base/errors.js';
import { PROCESS_DIRECTORY } from '../../src/run-directory/layout.js';
import type { FileSystem } from '../base/io/file-system.js';
import { isAbsent, isDiskFull, systemErrorCode } from '../base/io/system-error.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';
import { joinNames } from '../base/join-path.js';

const CLEANED_FILE = 'cleaned.json';

export interface CleanedMarker {
  readonly version: 1;
  /** `cleaning`, `pulling`: the operation is running or was interrupted. */
  readonly state: 'cleaning' | 'cleaned' | 'pulling';
  readonly run: string;
  /** The store URL, as on the command line. */
  readonly store: string;
  /** Identifies the store, however its URL is written. Missing in markers of earlier versions. */
  readonly storeId?: string | undefined;
  /** The key of the manifest. */
  readonly manifest: string;
  /** The time of the operation, in ISO 8601. */
  readonly at: string;
  readonly files: number;
  readonly bytes: number;
  /** The digests of the deleted files (`toFileDigest`), sorted. Missing in markers of earlier versions. */
  readonly digests?: readonly string[] | undefined;
}

const UNREADABLE: CleanedMarker = {
  version: 1,
  state: 'cleaning',
  run: '',
  store: '',
  manifest: '',
  at: '',
  files: 0,
  bytes: 0,
};
const MAX_BYTES = 64 * 1024 * 1024;
const FILE_MODE = 0o644;

export function toMarkerPath(directory: Buffer): Buffer {
  return joinNames(directory, PROCESS_DIRECTORY, CLEANED_FILE);
}

/** Returns the marker, or null. A marker that cannot be read still says that files were deleted, but not where they are. */
export async function findCleanedMarker(
  fileSystem: FileSystem,
  directory: Buffer,
): Promise<CleanedMarker | null> {
  try {
    const bytes = await readWholeFile(fileSystem, toMarkerPath(directory), MAX_BYTES);
    const marker = JSON.parse(bytes.toString('utf8')) as Partial<CleanedMarker>;
    return { ...UNREADABLE, ...marker };
  } catch (error) {
    return isAbsent(error) ? null : UNREADABLE;
  }
}

/** Identifies a path with its content. */
export function toFileDigest(file: {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}): string {
  const { path, sizeBytes, sha256 } = file;
  return createHash('sha256').update(`${path}\0${sizeBytes}\0${sha256}`).digest('hex').slice(0, 16);
}

/** Returns how many of the deleted files are not among `files`; null if the marker does not say. */
export function countMissing(
  { digests }: CleanedMarker,
  files: Iterable<Parameters<typeof toFileDigest>[0]>,
): number | null {
  if (digests === undefined) return null;
  const found = new Set<string>();
  for (const file of files) found.add(toFileDigest(file));
  return digests.filter((digest) => !found.has(digest)).length;
}

/** The error for a store that does not have all files of a run whose local files were deleted. */
export function toCleanedError(
  directory: Buffer,
  { store, files }: CleanedMarker,
  missing: number | null,
): RunCleanedError {
  const count = missing ?? files;
  const where = store === '' ? 'of which another store has a copy' : `of which ${store} has a copy`;
  const found = `${count} files that were deleted on this disk, ${where}, are not in this store`;
  return new RunCleanedError(directory.toString(), found, store);
}

/** Whether the deleted files are in this store. */
export function isMarkedFor(marker: CleanedMarker, url: string, storeId: string): boolean {
  if (marker.storeId !== undefined) return marker.storeId === storeId;
  return marker.store !== '' && marker.store.replace(/\/+$/, '') === url.replace(/\/+$/, '');
}

/** Writes or replaces the marker. `.plx/` must exist. */
export async function writeCleanedMarker(
  fileSystem: FileSystem,
  directory: Buffer,
  marker: CleanedMarker,
): Promise<void> {
  const parent = joinNames(directory, PROCESS_DIRECTORY).toString();
  const path = `${parent}/${CLEANED_FILE}`;
  const paths = { directory: parent, path, temporaryPath: `${path}.partial` };
  await replaceFile(fileSystem, paths, Buffer.from(`${JSON.stringify(marker, null, 2)}\n`), FILE_MODE);
}

/** Creates an empty marker on a full disk, if there is none. It says that files were deleted, but not where they are. */
export async function writeEmptyMarker(fileSystem: FileSystem, directory: Buffer): Promise<void> {
  try {
    const file = await fileSystem.openForWriting(toMarkerPath(directory), 'create', FILE_MODE);
    await file.close();
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST' && !isDiskFull(error) && !isAbsent(error)) throw error;
  }
}
