/**
 * Opens one file of a run for sending, and nothing else: not what a link leads to, not a FIFO, not a file outside of the run.
 *
 * Bytes are read twice: once for the checksum that a commit announces, once to be sent. Equal checksums of both mean that the
 * bytes stood in the file at the moment between the two readings, so what is stored is always a state that the file was in.
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
  /** As it was when it was opened, before a byte of it was read. */
  readonly opened: FileStat;
  /** Of the file that is open, whatever its name leads to by now. */
  stat(): Promise<FileStat>;
  /** Fills `buffer` from `position` on, as far as the file goes; resolves to the number of bytes. */
  readInto(buffer: Buffer, position: number): Promise<number>;
  close(): Promise<void>;
}

/** What an opened file must be, besides a regular file inside of its run. */
export interface OpenPolicy {
  /** The device of the root; undefined allows any. */
  readonly device?: bigint | undefined;
  readonly allowHardLinks: boolean;
}

/** Opens the file at `place`, which is `relPath` in its run, and is called that in errors. Throws `FileError`. */
export async function openLocalFile(
  fileSystem: FileSystem,
  { directory, path: localPath }: { readonly directory: Buffer; readonly path: RelPath },
  relPath: RelPath,
  policy: OpenPolicy,
): Promise<LocalFile> {
  const path = joinPath(directory, [toPathBytes(localPath)]);
  const file = await openOrExplain(fileSystem, path, relPath);
  try {
    // A directory on the way may have been replaced by a link since the walk: what counts is where the open file lies.
    const [stat, realPath] = await Promise.all([file.stat(), file.realPath()]);
    if (stat.kind !== 'file') throw outside(relPath, 'it is no longer a regular file');
    if (!isInside(realPath, directory)) throw outside(relPath, 'it lies outside of the run directory');
    if (policy.device !== undefined && stat.device !== policy.device)
      throw outside(relPath, 'it lies on another device than the root');
    if (!policy.allowHardLinks && stat.linkCount > 1) throw outside(relPath, 'it has other names');
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
      const hint = 'Keep files until a sync has stored them; if it was meant to go, sync again.';
      throw new FileError('ERR_FILE_VANISHED', relPath, 'it was deleted before it could be read', hint, {
        cause,
      });
    }
    const code = systemErrorCode(cause);
    // ELOOP: a link by now. ENXIO: a socket, or a FIFO without a reader.
    if (code === 'ELOOP' || code === 'ENXIO') throw outside(relPath, 'it is no longer a regular file');
    throw unreadable(relPath, cause);
  }
}

function isInside(path: Buffer, directory: Buffer): boolean {
  return path[directory.length] === SLASH && path.subarray(0, directory.length).equals(directory);
}

function outside(relPath: RelPath, found: string): FileError {
  const hint = 'Find out who replaces files of this run by links; nothing of it was sent.';
  return new FileError('ERR_FILE_OUTSIDE', relPath, found, hint);
}

function unreadable(relPath: RelPath, cause: unknown): FileError {
  const hint = 'Let the user that runs the sync read it, and check the disk.';
  return new FileError('ERR_FILE_UNREADABLE', relPath, `cannot be read: ${messageOf(cause)}`, hint, {
    cause,
  });
}
