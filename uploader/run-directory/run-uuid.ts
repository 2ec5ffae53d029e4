/** Determines the uuid of the run in a directory. */

import { createHash } from 'node:crypto';
import { RUN_FILE, RUN_UUID_PATTERN, RUNS_DIRECTORY } from '../../src/run-directory/layout.js';
import { findUuid } from '../../src/run-directory/run-files.js';
import type { FileSystem } from '../base/io/file-system.js';
import { joinNames } from '../base/join-path.js';
import { readJsonFile } from './run-files.js';

/** The uuid in a run file: null without one. `damage`: why the file cannot be read, or is not JSON. */
interface RunClaim {
  readonly uuid: string | null;
  readonly damage: unknown;
}

/** Reads the run file of a directory, but not behind a link. */
export async function readRunClaim(fileSystem: FileSystem, directory: Buffer): Promise<RunClaim> {
  try {
    const uuid = findUuid(await readJsonFile(fileSystem, joinNames(directory, RUN_FILE)));
    return { uuid, damage: null };
  } catch (damage) {
    return { uuid: null, damage };
  }
}

/** Returns the uuid in the run file, or null. Without it, the path of the directory may still contain the uuid. */
export async function readRunUuid(fileSystem: FileSystem, directory: Buffer): Promise<string | null> {
  return (await readRunClaim(fileSystem, directory)).uuid;
}

/** Returns the uuid in `<root>/runs/<uuid>`, or null. Needed if a run was killed before it wrote its run file. */
export function toUuidOfPlace(directory: Buffer): string | null {
  const name = baseName(directory);
  return RUN_UUID_PATTERN.test(name) && toRootOf(directory) !== null ? name : null;
}

/** Returns `<root>` of `<root>/runs/<name>`, or null. */
export function toRootOf(directory: Buffer): Buffer | null {
  const parent = directory.subarray(0, directory.lastIndexOf(0x2f));
  if (baseName(parent) !== RUNS_DIRECTORY) return null;
  return parent.subarray(0, Math.max(1, parent.lastIndexOf(0x2f)));
}

/** Derives the uuid of a directory whose writer gave it none. Equal arguments give equal uuids, also after a restart. */
export function toImportedUuid(uuidSeed: string, rootPath: string): string {
  return createHash('sha256').update(uuidSeed).update('\0').update(rootPath).digest('hex').slice(0, 32);
}

function baseName(path: Buffer): string {
  return path.toString('utf8', path.lastIndexOf(0x2f) + 1);
}
