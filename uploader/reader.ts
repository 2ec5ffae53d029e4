/**
 * Opens one file of a run for sending, and nothing else: not what a link leads to, not a FIFO, not a file outside of the run.
 *
 * Bytes are read twice: once for the checksum that a commit announces, once to be sent. Equal checksums of both mean that the
 * bytes stood in the file at the moment between the two readings, so what is stored is always a state that the file was in.
 */

import { crc32 } from 'node:zlib';
import { messageOf } from '../src/errors.js';
import { FileError } from './errors.js';
import type { FileStat, FileSystem, ReadableFile } from './io/file-system.js';
import { isAbsent, systemErrorCode } from './io/system-error.js';
import { type RelPath, toPathBytes } from './rel-path.js';
import { joinPath } from './scanner.js';
import type { ByteSource } from './store/store.js';

const CHUNK_BYTES = 1024 * 1024;
const SLASH = 0x2f;

/** One open file. The caller closes it. */
export interface LocalFile extends ByteSource {
  readonly path: Buffer;
  /** Of the file that is open, whatever its name leads to by now. */
  stat(): Promise<FileStat>;
  /** CRC-32 of the first `sizeBytes` bytes; null when the file has become shorter. */
  crc32(sizeBytes: number, signal?: AbortSignal): Promise<number | null>;
  close(): Promise<void>;
}

/** Opens the file at `relPath` of the run at `directory` (resolved). Throws `FileError`. */
export async function openLocalFile(
  fileSystem: FileSystem,
  directory: Buffer,
  relPath: RelPath,
): Promise<LocalFile> {
  const path = joinPath(directory, [toPathBytes(relPath)]);
  const file = await openOrExplain(fileSystem, path, relPath);
  try {
    // A directory on the way may have been replaced by a link since the walk: what counts is where the open file lies.
    const [stat, realPath] = await Promise.all([file.stat(), file.realPath()]);
    if (stat.kind !== 'file') throw outside(relPath, 'it is no longer a regular file');
    if (!isInside(realPath, directory)) throw outside(relPath, 'it lies outside of the run directory');
    return new OpenedFile(file, path, relPath);
  } catch (error) {
    await file.close();
    throw error instanceof FileError ? error : unreadable(relPath, error);
  }
}

class OpenedFile implements LocalFile {
  readonly path: Buffer;
  readonly #file: ReadableFile;
  readonly #relPath: RelPath;

  constructor(file: ReadableFile, path: Buffer, relPath: RelPath) {
    this.#file = file;
    this.path = path;
    this.#relPath = relPath;
  }

  stat(): Promise<FileStat> {
    return this.#file.stat();
  }

  async read(start: number, end: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(end - start);
    const count = await this.#readInto(buffer, start);
    return buffer.subarray(0, count);
  }

  async crc32(sizeBytes: number, signal?: AbortSignal): Promise<number | null> {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes));
    let crc = 0;
    for (let position = 0; position < sizeBytes; ) {
      signal?.throwIfAborted();
      const wanted = buffer.subarray(0, Math.min(buffer.length, sizeBytes - position));
      const count = await this.#readInto(wanted, position);
      if (count < wanted.length) return null;
      crc = crc32(wanted, crc);
      position += count;
    }
    return crc;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Fills `buffer` as far as the file goes. */
  async #readInto(buffer: Buffer, start: number): Promise<number> {
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
