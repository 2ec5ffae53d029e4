/** Which run a directory is. */

import { createHash } from 'node:crypto';
import { RUN_FILE, RUN_UUID_PATTERN, RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import type { FileSystem } from '../base/io/file-system.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { joinPath } from '../base/join-path.js';

/** A run file is small; more than this is something else under its name. */
const MAX_RUN_FILE_BYTES = 64 * 1024 * 1024;

/** The uuid that the run file claims, else null. A run file behind a link is not read. */
export async function readRunUuid(fileSystem: FileSystem, directory: Buffer): Promise<string | null> {
  try {
    const path = joinPath(directory, [Buffer.from(RUN_FILE)]);
    const bytes = await readWholeFile(fileSystem, path, MAX_RUN_FILE_BYTES);
    return toUuid(JSON.parse(bytes.toString('utf8')));
  } catch {
    return null; // absent, unreadable or no JSON: the place of the directory may still say which run it is
  }
}

/** The uuid of `<root>/runs/<uuid>`, else null: a run that was killed before its first breath. */
export function toUuidOfPlace(directory: Buffer): string | null {
  const name = baseName(directory);
  return RUN_UUID_PATTERN.test(name) && toRootOf(directory) !== null ? name : null;
}

/** `<root>` of `<root>/runs/<name>`, else null. */
export function toRootOf(directory: Buffer): Buffer | null {
  const parent = directory.subarray(0, directory.lastIndexOf(0x2f));
  if (baseName(parent) !== RUNS_DIRECTORY) return null;
  return parent.subarray(0, Math.max(1, parent.lastIndexOf(0x2f)));
}

/** The uuid of a directory that no writer gave one: the same for the same place, on this host and after every restart. */
export function toImportedUuid(uuidSeed: string, rootPath: string): string {
  return createHash('sha256').update(uuidSeed).update('\0').update(rootPath).digest('hex').slice(0, 32);
}

function toUuid(record: unknown): string | null {
  if (typeof record !== 'object' || record === null || !('uuid' in record)) return null;
  return typeof record.uuid === 'string' && RUN_UUID_PATTERN.test(record.uuid) ? record.uuid : null;
}

function baseName(path: Buffer): string {
  return path.toString('utf8', path.lastIndexOf(0x2f) + 1);
}
