/**
 * Walks one run directory and says what is in it: a `Snapshot`.
 *
 * Never follows a symbolic link and reads no file. A directory that is replaced by a link while the walk runs can make it see
 * foreign names; the reader, which checks every file that it opened, keeps foreign bytes out. Deep trees cost memory, not stack.
 */

import { messageOf } from '../src/errors.js';
import { FileError } from './errors.js';
import { type SkipReason, toSkipReason } from './excludes.js';
import type { FileStat, FileSystem } from './io/file-system.js';
import { isAbsent } from './io/system-error.js';
import { type RelPath, tooLongReason, toRelPath } from './rel-path.js';

/** What tells whether a file is still the one that was read. Never a device number: those change with every mount. */
export interface FileVersion {
  readonly sizeBytes: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

export interface ScannedFile extends FileVersion {
  readonly relPath: RelPath;
}

export interface SkippedPath {
  /** Inside the run, or inside the root; encoded as `RelPath` encodes. */
  readonly path: string;
  readonly reason: SkipReason;
}

export interface Snapshot {
  readonly runUuid: string;
  /** The run directory, every link resolved. */
  readonly directory: Buffer;
  /** Sorted by path. */
  readonly files: readonly ScannedFile[];
  readonly skipped: readonly SkippedPath[];
  /** Directories that could not be listed and names that cannot be stored: a pass with problems is not complete. */
  readonly problems: readonly FileError[];
}

export interface RunDirectory {
  readonly runUuid: string;
  readonly directory: Buffer;
}

const SLASH = Buffer.from('/');

/** Lists all files of a run; what it has seen so far once the signal is aborted. `keyPrefix` is what their keys will begin with, for the limit on a key's length. */
export async function scanRun(
  fileSystem: FileSystem,
  run: RunDirectory,
  options: { keyPrefix: string; signal?: AbortSignal | undefined },
): Promise<Snapshot> {
  const files: ScannedFile[] = [];
  const skipped: SkippedPath[] = [];
  const problems: FileError[] = [];
  const pending: Buffer[][] = [[]];

  for (let names = pending.pop(); names !== undefined; names = pending.pop()) {
    if (options.signal?.aborted) break;
    const listed = await listDirectory(fileSystem, run.directory, names);
    if (listed instanceof FileError) problems.push(listed);
    else for (const name of listed) await visit([...names, name]);
  }
  files.sort((a, b) => (a.relPath < b.relPath ? -1 : 1));
  return { ...run, files, skipped, problems };

  async function visit(names: Buffer[]): Promise<void> {
    const relPath = toRelPath(names);
    const stat = await lstatOrProblem(fileSystem, run.directory, names);
    if (stat === null) return;
    if (stat instanceof FileError) {
      problems.push(stat);
      return;
    }
    const reason = toReason(relPath.slice(relPath.lastIndexOf('/') + 1), stat);
    if (reason !== null) {
      skipped.push({ path: relPath, reason });
      return;
    }
    const tooLong = tooLongReason(`${options.keyPrefix}${relPath}`);
    if (tooLong !== null) {
      problems.push(new FileError('ERR_NAME_TOO_LONG', relPath, tooLong, 'Give it a shorter name.'));
      return;
    }
    if (stat.kind === 'directory') pending.push(names);
    else files.push(toScannedFile(relPath, stat));
  }
}

/** `directory` joined with names below it, as bytes. */
export function joinPath(directory: Buffer, names: readonly Buffer[]): Buffer {
  return Buffer.concat([directory, ...names.flatMap((name) => [SLASH, name])]);
}

function toReason(name: string, stat: FileStat): SkipReason | null {
  if (stat.kind === 'link') return 'symbolic-link';
  if (stat.kind === 'other') return 'not-regular';
  return toSkipReason(name);
}

function toScannedFile(relPath: RelPath, stat: FileStat): ScannedFile {
  const { sizeBytes, mtimeNs, ctimeNs, ino } = stat;
  return { relPath, sizeBytes, mtimeNs, ctimeNs, ino };
}

async function listDirectory(
  fileSystem: FileSystem,
  directory: Buffer,
  names: Buffer[],
): Promise<Buffer[] | FileError> {
  try {
    return await fileSystem.readDirectory(joinPath(directory, names));
  } catch (error) {
    // A directory below the run that went away has no files left to send; the run directory itself must be there.
    if (isAbsent(error) && names.length > 0) return [];
    return unreadable(names, error);
  }
}

async function lstatOrProblem(
  fileSystem: FileSystem,
  directory: Buffer,
  names: Buffer[],
): Promise<FileStat | FileError | null> {
  try {
    return await fileSystem.lstat(joinPath(directory, names));
  } catch (error) {
    return isAbsent(error) ? null : unreadable(names, error);
  }
}

function unreadable(names: Buffer[], cause: unknown): FileError {
  const path = names.length === 0 ? '.' : toRelPath(names);
  const hint = 'Let the user that runs the sync read it.';
  return new FileError('ERR_FILE_UNREADABLE', path, `cannot be listed: ${messageOf(cause)}`, hint, { cause });
}
