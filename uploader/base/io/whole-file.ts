/** Reads and replaces small files as a whole. */

import { FileError } from '../errors.js';
import type { FileSystem, FsPath } from './file-system.js';
import { isAbsent } from './system-error.js';

/** Reads a regular file. Throws `FileError` if it has more than `maxBytes`; fails with `EINVAL` if it is not a regular file. */
export async function readWholeFile(fileSystem: FileSystem, path: FsPath, maxBytes: number): Promise<Buffer> {
  const file = await fileSystem.openForReading(path);
  try {
    const { kind, sizeBytes } = await file.stat();
    if (kind !== 'file') throw systemError('EINVAL', `${String(path)} is not a regular file`);
    if (sizeBytes > maxBytes) throw tooLarge(String(path), sizeBytes, maxBytes);
    const buffer = Buffer.alloc(sizeBytes);
    let position = 0;
    while (position < sizeBytes) {
      const count = await file.read(buffer.subarray(position), position);
      if (count === 0) break;
      position += count;
    }
    return buffer.subarray(0, position);
  } finally {
    await file.close();
  }
}

/** Replaces a file atomically: writes and syncs a temporary file, renames it, syncs the directory. Readers see the old or new bytes. */
export async function replaceFile(
  fileSystem: FileSystem,
  paths: { directory: string; path: string; temporaryPath: string },
  bytes: Uint8Array,
  mode: number,
): Promise<void> {
  await fileSystem.unlink(paths.temporaryPath).catch(() => {
    // Usually it does not exist. If it exists and cannot be removed, the create below fails.
  });
  const file = await fileSystem.openForWriting(paths.temporaryPath, 'create', mode);
  try {
    await file.append(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await fileSystem.rename(paths.temporaryPath, paths.path);
  await fileSystem.syncDirectory(paths.directory);
}

/** Removes a file, unless it does not exist. */
export async function removeFile(fileSystem: FileSystem, path: FsPath): Promise<void> {
  try {
    await fileSystem.unlink(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}

function tooLarge(path: string, sizeBytes: number, maxBytes: number): FileError {
  const found = `has ${sizeBytes} bytes, expected at most ${maxBytes}`;
  return new FileError('ERR_FILE_TOO_LARGE', path, found, 'Make the file smaller, or move it away.');
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}
