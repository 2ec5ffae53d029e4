/**
 * What a path given on the command line means: one run directory, or a root of runs.
 *
 * A run is known by the uuid in its `run.plx.json`, else by its place `<root>/runs/<uuid>` (a run that was killed before its first
 * breath). A run directory at that place belongs to its root even when it is named alone, so that both ways of
 * syncing it share one journal and one lock.
 */

import { messageOf } from '../src/errors.js';
import { RUN_FILE, RUN_UUID_PATTERN, RUNS_DIRECTORY } from '../src/layout.js';
import { FileError, NotARunError } from './errors.js';
import type { FileSystem } from './io/file-system.js';
import { isAbsent } from './io/system-error.js';
import { readWholeFile } from './io/whole-file.js';
import { toRelPath } from './rel-path.js';
import { joinPath, type RunDirectory, type SkippedPath } from './scanner.js';

export interface LocatedRuns {
  /** Resolved. The identity of the journal: the root of the runs, or the run directory where it has no root. */
  readonly root: Buffer;
  /** Sorted by uuid. */
  readonly runs: readonly RunDirectory[];
  readonly skipped: readonly SkippedPath[];
  readonly problems: readonly FileError[];
}

/** A run file is small; more than this is something else under its name. */
const MAX_RUN_FILE_BYTES = 64 * 1024 * 1024;

/** Finds the runs at `path`. Throws `NotARunError` when there can be none. */
export async function locateRuns(fileSystem: FileSystem, path: string): Promise<LocatedRuns> {
  const directory = await resolveDirectory(fileSystem, path);
  if ((await kindOf(fileSystem, joinPath(directory, [Buffer.from(RUNS_DIRECTORY)]))) === 'directory')
    return locateInRoot(fileSystem, directory);

  const runUuid = await readRunUuid(fileSystem, directory);
  if (runUuid !== null) {
    const root = toRootOf(directory) ?? directory;
    return { root, runs: [{ runUuid, directory }], skipped: [], problems: [] };
  }
  const hasRunFile = (await kindOf(fileSystem, joinPath(directory, [Buffer.from(RUN_FILE)]))) !== undefined;
  throw new NotARunError(
    path,
    hasRunFile
      ? `its ${RUN_FILE} holds no uuid of 32 hex digits`
      : `neither ${RUN_FILE} nor ${RUNS_DIRECTORY}/ is in this directory`,
  );
}

async function locateInRoot(fileSystem: FileSystem, root: Buffer): Promise<LocatedRuns> {
  const runsName = Buffer.from(RUNS_DIRECTORY);
  const names = await fileSystem.readDirectory(joinPath(root, [runsName]));
  const runs = new Map<string, RunDirectory>();
  const skipped: SkippedPath[] = [];
  const problems: FileError[] = [];

  for (const name of names.sort(Buffer.compare)) {
    const directory = joinPath(root, [runsName, name]);
    const shown = toRelPath([runsName, name]);
    const kind = await kindOf(fileSystem, directory);
    const runUuid = kind === 'directory' ? await readRunUuid(fileSystem, directory) : null;
    const other = runUuid === null ? undefined : runs.get(runUuid);
    if (kind === 'link') skipped.push({ path: shown, reason: 'symbolic-link' });
    else if (runUuid === null) skipped.push({ path: shown, reason: 'not-a-run' });
    else if (other !== undefined) problems.push(duplicate(shown, runUuid, other));
    else runs.set(runUuid, { runUuid, directory });
  }
  return { root, runs: [...runs.values()], skipped, problems };
}

/** The uuid that the run file claims, else the one in the path, else null. A run file behind a link is not read. */
async function readRunUuid(fileSystem: FileSystem, directory: Buffer): Promise<string | null> {
  try {
    const bytes = await readWholeFile(
      fileSystem,
      joinPath(directory, [Buffer.from(RUN_FILE)]),
      MAX_RUN_FILE_BYTES,
    );
    const uuid = toUuid(JSON.parse(bytes.toString('utf8')));
    if (uuid !== null) return uuid;
  } catch {
    // Absent, unreadable or no JSON: the place of the directory may still say which run it is.
  }
  const name = baseName(directory);
  return RUN_UUID_PATTERN.test(name) && toRootOf(directory) !== null ? name : null;
}

function toUuid(record: unknown): string | null {
  if (typeof record !== 'object' || record === null || !('uuid' in record)) return null;
  return typeof record.uuid === 'string' && RUN_UUID_PATTERN.test(record.uuid) ? record.uuid : null;
}

/** `<root>` of `<root>/runs/<name>`, else null. */
function toRootOf(directory: Buffer): Buffer | null {
  const parent = directory.subarray(0, directory.lastIndexOf(0x2f));
  if (baseName(parent) !== RUNS_DIRECTORY) return null;
  return parent.subarray(0, Math.max(1, parent.lastIndexOf(0x2f)));
}

function baseName(path: Buffer): string {
  return path.toString('utf8', path.lastIndexOf(0x2f) + 1);
}

async function resolveDirectory(fileSystem: FileSystem, path: string): Promise<Buffer> {
  try {
    // The path on the command line may itself be a link: the user named it. Below it no link is followed.
    const resolved = await fileSystem.realPath(path);
    if ((await fileSystem.lstat(resolved)).kind === 'directory') return resolved;
  } catch (cause) {
    const found = isAbsent(cause) ? 'there is no such directory' : messageOf(cause);
    throw new NotARunError(path, found, { cause });
  }
  throw new NotARunError(path, 'this is a file, not a directory');
}

async function kindOf(fileSystem: FileSystem, path: Buffer): Promise<string | undefined> {
  try {
    return (await fileSystem.lstat(path)).kind;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

function duplicate(path: string, runUuid: string, other: RunDirectory): FileError {
  return new FileError(
    'ERR_RUN_DUPLICATE',
    path,
    `its run ${runUuid} is also in ${other.directory.toString()}`,
    'Remove the copy, or give it a uuid of its own.',
  );
}
