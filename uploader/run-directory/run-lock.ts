/**
 * Locks a run directory for a command that deletes or overwrites files: `.plx/lock.json`, never uploaded.
 *
 * Writers do not take this lock, because a training job never waits for a command: their heartbeat is their claim. A command announces
 * itself first (`cleaned-marker.ts`) and checks for writers afterwards, before each file; a writer beats first and checks for the announcement
 * afterwards. So at least one of them sees the other.
 */

import { PROCESS_DIRECTORY } from '../../src/run-directory/layout.js';
import { LockedError, RunLockedError } from '../base/errors.js';
import type { FileSystem } from '../base/io/file-system.js';
import type { Io } from '../base/io/io.js';
import { type Lock, takeLock } from '../base/io/lock-file.js';
import { systemErrorCode } from '../base/io/system-error.js';
import { joinNames } from '../base/join-path.js';

const LOCK_FILE = 'lock.json';
const DIRECTORY_MODE = 0o755;
const OPTIONS = { refreshMs: 5_000, watchMs: 20_000, mayBeEmpty: true };

export interface RunLock extends Pick<Lock, 'isHeld' | 'release'> {
  /** Identifies this holder in the content of the lock. */
  readonly token: string;
  /** When the lock was taken, by the clock that stamps the files of the run; in ms since 1970. */
  readonly takenMs: number;
}

function toRunLockPath(directory: Buffer): Buffer {
  return joinNames(directory, PROCESS_DIRECTORY, LOCK_FILE);
}

/** The key under which a store that is the directory of the run itself would show the lock. */
export function toRunLockKey(runUuid: string): string {
  return `${runUuid}/${PROCESS_DIRECTORY}/${LOCK_FILE}`;
}

/** Locks the run. Throws `RunLockedError` if another command holds it, and errors of the disk. */
export async function lockRun(io: Io, directory: Buffer): Promise<RunLock> {
  const { fileSystem } = io;
  const path = toRunLockPath(directory).toString();
  await makeProcessDirectory(fileSystem, directory);
  let lock: Lock;
  try {
    lock = await takeLock(path, io, OPTIONS);
  } catch (error) {
    if (error instanceof LockedError) throw new RunLockedError(directory.toString(), error.holder, path);
    throw error;
  }
  const { mtimeNs } = await fileSystem.lstat(path);
  return {
    token: lock.token,
    takenMs: Number(mtimeNs / 1_000_000n),
    isHeld: lock.isHeld,
    release: lock.release,
  };
}

/** Creates `.plx/`, unless it exists. */
export async function makeProcessDirectory(fileSystem: FileSystem, directory: Buffer): Promise<void> {
  const path = joinNames(directory, PROCESS_DIRECTORY);
  try {
    await fileSystem.makeDirectory(path, DIRECTORY_MODE);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const { kind } = await fileSystem.lstat(path);
    if (kind === 'directory') return;
    throw Object.assign(new Error(`ENOTDIR: ${path.toString()} is not a directory`), { code: 'ENOTDIR' });
  }
}
