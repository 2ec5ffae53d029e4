/**
 * Deletes the verified files of a run. Each file must still be the version that was verified, and no path may contain a link. A marker
 * is written before the first file is deleted.
 */

import { messageOf } from '../../../src/base/errors.js';
import { PROCESS_DIRECTORY, RUN_FILE } from '../../../src/run-directory/layout.js';
import type { FileStat, FileSystem } from '../../base/io/file-system.js';
import { isSameVersion } from '../../base/io/file-version.js';
import { isAbsent, systemErrorCode } from '../../base/io/system-error.js';
import { joinPath } from '../../base/join-path.js';
import { type CleanedMarker, writeCleanedMarker } from '../../run-directory/cleaned-marker.js';
import type { VerifiedFile } from '../verify/verify-run.js';

export interface DeleteRunOptions {
  readonly files: readonly VerifiedFile[];
  readonly marker: Pick<CleanedMarker, 'run' | 'store' | 'manifest' | 'at'>;
  /** Also delete the run file and the directory, unless other files remain in it. */
  readonly isAll: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface DeletedRun {
  readonly files: number;
  readonly bytes: number;
  /** Why the deletion stopped early; null when it finished. The marker stays. */
  readonly failure: { readonly path: string; readonly reason: string } | null;
}

const DIRECTORY_MODE = 0o755;

/** Deletes the files. A second call with the remaining files finishes an interrupted one. Throws only when the signal is aborted. */
export async function deleteRun(
  fileSystem: FileSystem,
  directory: Buffer,
  { files, marker, isAll, signal }: DeleteRunOptions,
): Promise<DeletedRun> {
  const done = { files: 0, bytes: 0 };
  const write = (state: CleanedMarker['state']): Promise<void> =>
    writeCleanedMarker(fileSystem, directory, { version: 1, state, ...marker, ...done });
  try {
    await makeProcessDirectory(fileSystem, directory);
    await write('cleaning');
  } catch (error) {
    return { ...done, failure: toUnwritable(error) };
  }
  const runFile = files.find(({ path }) => path === RUN_FILE);
  const parents = new Set<string>();
  /** Inodes of which one name was deleted, which changes the ctime of their other names. */
  const unlinked = new Set<bigint>();
  for (const file of files) {
    if (file === runFile) continue;
    signal?.throwIfAborted();
    const reason = await deleteFile(fileSystem, file, unlinked);
    if (reason !== null) return { ...done, failure: { path: file.path, reason } };
    done.files += 1;
    done.bytes += file.version.sizeBytes;
    addParents(parents, file.localPath, directory);
  }
  await removeEmpty(fileSystem, parents);
  if (isAll && (await isOnlyOurs(fileSystem, directory))) {
    const reason = runFile === undefined ? null : await deleteFile(fileSystem, runFile, unlinked);
    if (reason !== null) return { ...done, failure: { path: RUN_FILE, reason } };
    if (runFile !== undefined) done.files += 1;
    done.bytes += runFile?.version.sizeBytes ?? 0;
    await removeOwn(fileSystem, directory);
    return { ...done, failure: null };
  }
  try {
    await write('cleaned');
    return { ...done, failure: null };
  } catch (error) {
    return { ...done, failure: toUnwritable(error) };
  }
}

function toUnwritable(error: unknown): DeletedRun['failure'] {
  return { path: PROCESS_DIRECTORY, reason: `not writable: ${messageOf(error)}` };
}

/** Returns null once the file is deleted, else the reason why it was not. */
async function deleteFile(
  fileSystem: FileSystem,
  { localPath, version }: VerifiedFile,
  unlinked: Set<bigint>,
): Promise<string | null> {
  const parent = parentOf(localPath);
  try {
    if (!(await fileSystem.realPath(parent)).equals(parent)) return 'a parent directory has become a link';
    const found: FileStat = await fileSystem.lstat(localPath);
    const expected = unlinked.has(found.ino) ? { ...version, ctimeNs: found.ctimeNs } : version;
    if (found.kind !== 'file' || !isSameVersion(found, expected))
      return 'the file has changed since it was verified';
    await fileSystem.unlink(localPath);
    unlinked.add(found.ino);
    return null;
  } catch (error) {
    return isAbsent(error) ? null : `the file cannot be deleted: ${messageOf(error)}`;
  }
}

function addParents(parents: Set<string>, path: Buffer, directory: Buffer): void {
  for (let each = parentOf(path); each.length > directory.length; each = parentOf(each))
    parents.add(each.toString('latin1'));
}

function parentOf(path: Buffer): Buffer {
  return path.subarray(0, path.lastIndexOf(0x2f));
}

/** Removes the directories that have become empty, innermost first. */
async function removeEmpty(fileSystem: FileSystem, parents: ReadonlySet<string>): Promise<void> {
  const ordered = [...parents].sort((a, b) => b.length - a.length);
  for (const path of ordered)
    try {
      await fileSystem.removeDirectory(Buffer.from(path, 'latin1'));
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error; // else: it still holds excluded files
    }
}

/** Whether only the run file and the `.plx` directory remain. */
async function isOnlyOurs(fileSystem: FileSystem, directory: Buffer): Promise<boolean> {
  const names = (await fileSystem.readDirectory(directory)).map((name) => name.toString('utf8'));
  return names.every((name) => name === RUN_FILE || name === PROCESS_DIRECTORY);
}

/** Removes `.plx/` and then the run's directory. If that fails, an empty run stays. */
async function removeOwn(fileSystem: FileSystem, directory: Buffer): Promise<void> {
  const own = joinPath(directory, [Buffer.from(PROCESS_DIRECTORY)]);
  try {
    await removeTree(fileSystem, own);
    await fileSystem.removeDirectory(directory);
    await fileSystem.syncDirectory(parentOf(directory));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

async function removeTree(fileSystem: FileSystem, directory: Buffer): Promise<void> {
  for (const name of await fileSystem.readDirectory(directory)) {
    const path = joinPath(directory, [name]);
    if ((await fileSystem.lstat(path)).kind === 'directory') await removeTree(fileSystem, path);
    else await fileSystem.unlink(path);
  }
  await fileSystem.removeDirectory(directory);
}

async function makeProcessDirectory(fileSystem: FileSystem, directory: Buffer): Promise<void> {
  const path = joinPath(directory, [Buffer.from(PROCESS_DIRECTORY)]);
  try {
    await fileSystem.makeDirectory(path, DIRECTORY_MODE);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  const { kind } = await fileSystem.lstat(path);
  if (kind !== 'directory') throw new Error('it is not a directory');
}
