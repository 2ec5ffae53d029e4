/** Finds runs on the local disk: those below a root, or the run in a run directory. */

import { constants } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, RunFileError, RunsNotFoundError } from '../base/errors.js';
import { type EventFileBytes, openLocalEventFile } from '../format/reader/event-file-bytes.js';
import { findCleanedStore } from '../run-directory/cleaned-run.js';
import { RUN_FILE, RUN_UUID_PATTERN, RUNS_DIRECTORY } from '../run-directory/layout.js';
import type {
  ListRunsOptions,
  ReadRunFileOptions,
  RunFileEntry,
  RunFolder,
  RunSource,
} from './run-source.js';

export function createLocalSource(path: string): RunSource {
  const location = resolve(path);
  return { location, listRuns: (options) => listRuns(location, options), close: async () => {} };
}

async function* listRuns(
  location: string,
  { uuids, signal }: ListRunsOptions,
): AsyncGenerator<RunFolder, void, void> {
  const names = await listNames(join(location, RUNS_DIRECTORY));
  if (names === null) {
    const isInRoot =
      RUN_UUID_PATTERN.test(basename(location)) && basename(dirname(location)) === RUNS_DIRECTORY;
    if (!isInRoot && !(await exists(join(location, RUN_FILE)))) throw await explain(location);
    yield new LocalRun(location);
    return;
  }
  for (const name of names) {
    signal?.throwIfAborted();
    const run = new LocalRun(join(location, RUNS_DIRECTORY, name));
    const { uuid } = run;
    if (uuid !== null && uuids?.every((each) => !uuid.startsWith(each))) continue;
    if (uuid !== null || (await exists(join(run.location, RUN_FILE)))) yield run;
  }
}

class LocalRun implements RunFolder {
  readonly uuid: string | null;
  readonly location: string;

  constructor(location: string) {
    const name = basename(location);
    this.location = location;
    this.uuid = RUN_UUID_PATTERN.test(name) ? name : null;
  }

  findCleanedStore(): string | null {
    return findCleanedStore(this.location);
  }

  async listFiles(directory: string, signal?: AbortSignal): Promise<RunFileEntry[]> {
    const files: RunFileEntry[] = [];
    await this.#walk(directory, files, signal);
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async readFile(path: string, { maxBytes }: ReadRunFileOptions): Promise<Uint8Array | null> {
    const full = join(this.location, path);
    let file: FileHandle | undefined;
    try {
      // Does not wait for the other end of a FIFO.
      file = await open(full, constants.O_RDONLY | constants.O_NONBLOCK);
      const found = await file.stat();
      if (!found.isFile()) throw new RunFileError(full, 'is not a regular file');
      if (found.size > maxBytes)
        throw new RunFileError(full, `has ${found.size} bytes, expected at most ${maxBytes}`);
      const bytes = new Uint8Array(found.size);
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    } catch (error) {
      if (isAbsent(error)) return null;
      throw toRunFileError(full, error);
    } finally {
      await file?.close();
    }
  }

  async openFile(path: string): Promise<EventFileBytes> {
    const full = join(this.location, path);
    const guard = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        throw toRunFileError(full, error);
      }
    };
    const bytes = await guard(() => openLocalEventFile(full));
    return {
      findSize: () => guard(() => bytes.findSize()),
      read: (buffer, position) => guard(() => bytes.read(buffer, position)),
      close: () => bytes.close(),
    };
  }

  async #walk(directory: string, files: RunFileEntry[], signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const full = join(this.location, directory);
    try {
      for (const entry of await readdir(full, { withFileTypes: true })) {
        const path = `${directory}/${entry.name}`;
        if (entry.isDirectory()) await this.#walk(path, files, signal);
        else if (entry.isFile())
          files.push({ path, sizeBytes: (await stat(join(this.location, path))).size });
      }
    } catch (error) {
      if (!isAbsent(error)) throw toRunFileError(full, error);
    }
  }
}

/** The sorted names of the directories in a directory; null if it is not a directory. */
async function listNames(path: string): Promise<string[] | null> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? entry.name : [])).sort();
  } catch (error) {
    if (isAbsent(error)) return null;
    throw new RunsNotFoundError(path, messageOf(error), { cause: error });
  }
}

async function explain(location: string): Promise<RunsNotFoundError> {
  const isThere = await exists(location);
  const found = isThere ? `has neither ${RUN_FILE} nor ${RUNS_DIRECTORY}/` : 'does not exist';
  return new RunsNotFoundError(location, found);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    return !isAbsent(error);
  }
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** An error that says of itself what is wrong with the file stays. */
function toRunFileError(path: string, error: unknown): unknown {
  const isOurs = error instanceof Error && String(Reflect.get(error, 'code')).startsWith('ERR_');
  return isOurs ? error : new RunFileError(path, messageOf(error), { cause: error });
}
