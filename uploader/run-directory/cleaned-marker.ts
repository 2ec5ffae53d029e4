/**
 * Reads and writes the marker of a run whose local files were deleted on purpose: `.plx/cleaned.json` in its directory, never uploaded.
 *
 * `clean` writes the marker before it deletes the first file: missing files of a marked run were verified in the store that it names.
 */

import { PROCESS_DIRECTORY } from '../../src/run-directory/layout.js';
import type { FileSystem } from '../base/io/file-system.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';
import { joinNames } from '../base/join-path.js';

export const CLEANED_FILE = 'cleaned.json';

export interface CleanedMarker {
  readonly version: 1;
  /** `cleaning`, `pulling`: the operation is running or was interrupted. */
  readonly state: 'cleaning' | 'cleaned' | 'pulling';
  readonly run: string;
  /** The store URL, as on the command line. */
  readonly store: string;
  /** The key of the manifest. */
  readonly manifest: string;
  /** The time of the operation, in ISO 8601. */
  readonly at: string;
  readonly files: number;
  readonly bytes: number;
}

const MAX_BYTES = 64 * 1024;
const FILE_MODE = 0o644;

export function toMarkerPath(directory: Buffer): Buffer {
  return joinNames(directory, PROCESS_DIRECTORY, CLEANED_FILE);
}

export async function findCleanedMarker(
  fileSystem: FileSystem,
  directory: Buffer,
): Promise<CleanedMarker | null> {
  try {
    const bytes = await readWholeFile(fileSystem, toMarkerPath(directory), MAX_BYTES);
    const marker = JSON.parse(bytes.toString('utf8')) as CleanedMarker;
    return marker.version === 1 ? marker : null;
  } catch {
    return null; // no marker
  }
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
