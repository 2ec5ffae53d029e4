/** Reads the JSON files that the writers of a run leave on disk (src/run-directory/run-files.ts). */

import { parseBoundedJson } from '../../src/base/bounded-json.js';
import { messageOf } from '../../src/base/errors.js';
import {
  isWorkerFile,
  LINEAGE_FILE,
  MAIN_WRITER,
  ORDER_FILE,
  PROCESS_DIRECTORY,
  RUN_FILE,
  toEndMarkerPath,
} from '../../src/run-directory/layout.js';
import { parseRunFiles, type RunFiles } from '../../src/run-directory/run-files.js';
import { FileError } from '../base/errors.js';
import { mapInParallel } from '../base/in-parallel.js';
import type { FileSystem } from '../base/io/file-system.js';
import { isAbsent } from '../base/io/system-error.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { joinNames } from '../base/join-path.js';

const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Reads the files. Returns null, and passes the reason to `onUnreadable`, if a file exists but cannot be read now, for example while it is
 * replaced on some file systems, or after a power failure has damaged it. Throws `FileError` if a file is too large.
 */
export async function readRunFiles(
  fileSystem: FileSystem,
  directory: Buffer,
  onUnreadable: (error: FileError) => void = () => undefined,
): Promise<RunFiles | null> {
  let path = directory.toString();
  try {
    const read = async (...names: string[]): Promise<unknown> => {
      try {
        return await readJsonFile(fileSystem, joinNames(directory, ...names));
      } catch (error) {
        path = joinNames(directory, ...names).toString();
        throw error;
      }
    };
    const workers = (await listProcessFiles(fileSystem, directory)).filter(isWorkerFile);
    return parseRunFiles({
      record: await read(RUN_FILE),
      lineage: await read(LINEAGE_FILE),
      order: await read(PROCESS_DIRECTORY, ORDER_FILE),
      workers: await mapInParallel(workers, (name) => read(PROCESS_DIRECTORY, name)),
      end: await readJsonFile(fileSystem, Buffer.from(toEndMarkerPath(directory.toString(), MAIN_WRITER))),
    });
  } catch (error) {
    if (error instanceof FileError) throw error;
    onUnreadable(toUnreadable(path, error));
    return null;
  }
}

function toUnreadable(path: string, cause: unknown): FileError {
  const hint = 'Restore the file. Or delete it: the run is then reported without what it says.';
  return new FileError('ERR_FILE_UNREADABLE', path, `cannot be read: ${messageOf(cause)}`, hint, { cause });
}

/** Returns a text that changes when the files change. Does not read the files. */
export async function readSignature(fileSystem: FileSystem, directory: Buffer): Promise<string> {
  const names = (await listProcessFiles(fileSystem, directory).catch(() => []))
    .filter((name) => isWorkerFile(name) || name === ORDER_FILE || name === `end-${MAIN_WRITER}.json`)
    .map((name) => [PROCESS_DIRECTORY, name]);
  const paths = [[RUN_FILE], [LINEAGE_FILE], ...names].map((each) => joinNames(directory, ...each));
  const stats = await fileSystem.lstatAll(paths);
  return stats
    .map((stat) => (stat instanceof Error ? '-' : `${stat.ino} ${stat.sizeBytes} ${stat.ctimeNs}`))
    .join('\n');
}

/** Lists the names in `.plx/`, sorted; empty if it does not exist. */
export async function listProcessFiles(fileSystem: FileSystem, directory: Buffer): Promise<string[]> {
  try {
    const found = await fileSystem.readDirectory(joinNames(directory, PROCESS_DIRECTORY));
    return found.map((name) => name.toString('utf8')).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Returns undefined if the file does not exist. */
export async function readJsonFile(fileSystem: FileSystem, path: Buffer): Promise<unknown> {
  try {
    return parseBoundedJson((await readWholeFile(fileSystem, path, MAX_BYTES)).toString('utf8'));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
