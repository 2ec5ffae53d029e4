/**
 * Opens a file of a run for sending. Rejects everything else: the target of a symlink, a FIFO, a file outside of the run.
 *
 * Bytes are read twice: once for the checksum that a commit announces, and once to send them. If both checksums are equal, the file had
 * these bytes between the two reads, so the stored bytes are always a state that the file was in.
 */

import { messageOf } from '../../../src/base/errors.js';
import { FileError } from '../../base/errors.js';
import type { FileStat, FileSystem, ReadableFile } from '../../base/io/file-system.js';
import { isAbsent, systemErrorCode } from '../../base/io/system-error.js';
import { joinPath } from '../../base/join-path.js';
import { type RelPath, toPathBytes } from '../../base/rel-path.js';
import type { ByteSource } from '../../store/base/store.js';

const SLASH = 0x2f;

/** One open file. The caller closes it. */
export interface LocalFile extends ByteSource {
  readonly path: Buffer;
  /** Attributes of the file when it was opened, before any byte was read. */
  readonly opened: FileStat;
  /** Returns the attributes of the open file, even if another file now has its name. */
  stat(): Promise<FileStat>;
  /** Fills `buffer` with the bytes from `position` on, up to the end of the file; resolves to the number of bytes. */
  readInto(buffer: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** Conditions for an opened file, besides being a regular file inside of its run. */
export interface OpenPolicy {
  /** The device of the root; undefined allows any. */
  readonly device?: bigint | undefined;
  readonly allowHardLinks: boolean;
}

/** For generated files: they are in the state directory, which may be on any device. */
export const OWN_FILES: OpenPolicy = { allowHardLinks: false };

/** Opens a file by its local path; errors name it by `relPath`, its path in the run. Throws `FileError`. */
export async function openLocalFile(
  fileSystem: FileSystem,
  { directory, path: localPath }: { readonly directory: Buffer; readonly path: RelPath },
  relPath: RelPath,
  policy: OpenPolicy,
): Promise<LocalFile> {
  const path = joinPath(directory, [toPathBytes(localPath)]);
  const file = await openOrExplain(fileSystem, path, relPath);
  try {
    // A parent directory may have been replaced by a symlink since the scan, so check the real path of the open file.
    const [stat, realPath] = await Promise.all([file.stat(), file.realPath()]);
    if (stat.kind !== 'file') throw outside(relPath, 'it is no longer a regular file');
    if (!isInside(realPath, directory)) throw outside(relPath, 'it is outside of the run directory');
    if (policy.device !== undefined && stat.device !== policy.device)
      throw outside(relPath, 'it is on a different device than the root');
    if (!policy.allowHardLinks && stat.linkCount > 1) throw outside(relPath, 'it has other hard links');
    return new OpenedFile(file, path, relPath, stat);
  } catch (error) {
    await file.close();
    throw error instanceof FileError ? error : unreadable(relPath, error);
  }
}

class OpenedFile implements LocalFile {
  readonly path: Buffer;
  readonly opened: FileStat;
  readonly #file: ReadableFile;
  readonly #relPath: RelPath;

  constructor(file: ReadableFile, path: Buffer, relPath: RelPath, opened: FileStat) {
    this.#file = file;
    this.path = path;
    this.opened = opened;
    this.#relPath = relPath;
  }

  stat(): Promise<FileStat> {
    return this.#file.stat();
  }

  async read(start: number, end: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(end - start);
    const count = await this.readInto(buffer, start);
    return buffer.subarray(0, count);
  }

  async readInto(buffer: Buffer, start: number): Promise<number> {
    let filled = 0;
    try {
      while (filled < buffer.length) {
        const count = await this.#file.read(buffer.subarray(filled), start + filled);
        if (count === 0) break;
        filled += count;
      }
      return filled;
    } catch (error) {
      throw unreadable(this.#relPath, error);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function openOrExplain(fileSystem: FileSystem, path: Buffer, relPath: RelPath): Promise<ReadableFile> {
  try {
    return await fileSystem.openForReading(path);
  } catch (cause) {
    if (isAbsent(cause)) {
      const hint = 'Keep files until a sync has stored them; if you deleted it on purpose, sync again.';
      throw new FileError('ERR_FILE_VANISHED', relPath, 'it was deleted before it could be read', hint, {
        cause,
      });
    }
    const code = systemErrorCode(cause);
    // ELOOP: it is now a symlink. ENXIO: a socket, or a FIFO without a reader.
    if (code === 'ELOOP' || code === 'ENXIO') throw outside(relPath, 'it is no longer a regular file');
    throw unreadable(relPath, cause);
  }
}

function isInside(path: Buffer, directory: Buffer): boolean {
  return path[directory.length] === SLASH && path.subarray(0, directory.length).equals(directory);
}

function outside(relPath: RelPath, found: string): FileError {
  const hint = 'Find the program that replaces files of this run by links; the file was not sent.';
  return new FileError('ERR_FILE_OUTSIDE', relPath, found, hint);
}

function unreadable(relPath: RelPath, cause: unknown): FileError {
  const hint = 'Give the user that runs polytrack permission to read the file, and check the disk.';
  return new FileError('ERR_FILE_UNREADABLE', relPath, `cannot be read: ${messageOf(cause)}`, hint, {
    cause,
  });
}
