/** One run of a store, as `loadRuns` reads it: the files of its objects, and ranges of its event files. */

import { messageOf, RunFileError } from '../../../src/base/errors.js';
import type { EventFileBytes } from '../../../src/format/reader/event-file-bytes.js';
import type { ReadRunFileOptions, RunFileEntry, RunFolder } from '../../../src/reading/run-source.js';
import { StoreError } from '../../base/errors.js';
import { joinSegments, type StoredSegment } from '../../pipeline/commit/segments.js';
import { readObject, type StoreAccess } from '../../pipeline/manifest/stored-run.js';
import type { ObjectVersion } from '../../store/base/store.js';

interface StoredFolderParts {
  readonly access: StoreAccess;
  readonly runUuid: string;
  readonly location: string;
  /** By path inside the run. */
  readonly files: ReadonlyMap<string, ObjectVersion>;
  /** Tails of growing files. */
  readonly segments: readonly StoredSegment[];
}

/** A part of a file that one object contains: the file's bytes `[start, end)`, which begin at `skip` in the object. */
interface Piece {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly skip: number;
}

/** The least that is requested at a time while a file is read from start to end. */
const BLOCK_BYTES = 4 * 1024 * 1024;

export class StoredFolder implements RunFolder {
  readonly uuid: string;
  readonly location: string;
  readonly #access: StoreAccess;
  readonly #files: ReadonlyMap<string, ObjectVersion>;
  readonly #segments: readonly StoredSegment[];

  constructor({ access, runUuid, location, files, segments }: StoredFolderParts) {
    this.uuid = runUuid;
    this.location = location;
    this.#access = access;
    this.#files = files;
    this.#segments = segments;
  }

  /** A store keeps the files that were deleted on disk. */
  findCleanedStore(): null {
    return null;
  }

  async listFiles(directory: string): Promise<RunFileEntry[]> {
    return this.listNow(directory);
  }

  listNow(directory: string): RunFileEntry[] {
    const files = [...this.#files].filter(([path]) => path.startsWith(`${directory}/`));
    return files
      .map(([path, { sizeBytes }]) => ({
        path,
        sizeBytes: this.#joinPieces(path, sizeBytes, null).at(-1)!.end,
      }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async readFile(path: string, { maxBytes, signal }: ReadRunFileOptions): Promise<Uint8Array | null> {
    const found = this.#files.get(path);
    if (found === undefined) return null;
    if (found.sizeBytes > maxBytes)
      throw new RunFileError(
        `${this.location}/${path}`,
        `has ${found.sizeBytes} bytes, expected at most ${maxBytes}`,
      );
    return this.#guard(path, () => readObject(this.#access, this.#keyOf(path), { maxBytes, signal }));
  }

  async openFile(path: string, signal?: AbortSignal): Promise<EventFileBytes> {
    const { store, retryPolicy } = this.#access;
    const key = this.#keyOf(path);
    const head = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
    if (head.status === 'absent')
      throw new RunFileError(`${this.location}/${path}`, 'the object no longer exists');
    if (head.status === 'failed') throw this.#toError(path, head.error);
    const { sizeBytes, generation } = head.object;
    const pieces = this.#joinPieces(path, sizeBytes, generation);
    const read = (piece: Piece, start: number, end: number): Promise<Buffer> => {
      const range = { start: start - piece.start + piece.skip, end: end - piece.start + piece.skip };
      return this.#guard(path, () => readObject(this.#access, piece.key, { range, signal }));
    };
    return new StoredFile(pieces, read);
  }

  /** The objects that a file consists of: at least its own. */
  #joinPieces(path: string, sizeBytes: number, generation: number | null): readonly Piece[] {
    const pieces: Piece[] = [{ key: this.#keyOf(path), start: 0, end: sizeBytes, skip: 0 }];
    const own = this.#segments.filter((segment) => segment.path === path);
    for (const { object, skip, end } of joinSegments(own, sizeBytes, generation))
      pieces.push({ key: object.key, start: pieces.at(-1)!.end, end, skip });
    return pieces;
  }

  #keyOf(path: string): string {
    return `${this.uuid}/${path}`;
  }

  async #guard<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#toError(path, error);
    }
  }

  /** An error that concerns only this object becomes a problem of the run. */
  #toError(path: string, error: unknown): unknown {
    if (!(error instanceof StoreError) || error.concernsAllFiles) return error;
    return new RunFileError(`${this.location}/${path}`, messageOf(error), { cause: error });
  }
}

class StoredFile implements EventFileBytes {
  readonly #pieces: readonly Piece[];
  readonly #read: (piece: Piece, start: number, end: number) => Promise<Buffer>;
  #block: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };

  constructor(pieces: readonly Piece[], read: (piece: Piece, start: number, end: number) => Promise<Buffer>) {
    this.#pieces = pieces;
    this.#read = read;
  }

  async findSize(): Promise<number> {
    return this.#pieces.at(-1)!.end;
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const piece = this.#pieces.find(({ start, end }) => position >= start && position < end);
    if (piece === undefined) return 0;
    const blockEnd = this.#block.start + this.#block.bytes.length;
    if (position < this.#block.start || position >= blockEnd) {
      const isNext = position === blockEnd && position > 0;
      const wanted = isNext ? Math.max(buffer.length, BLOCK_BYTES) : buffer.length;
      const end = Math.min(piece.end, position + wanted);
      this.#block = { start: position, bytes: await this.#read(piece, position, end) };
    }
    const { start, bytes } = this.#block;
    const found = bytes.subarray(position - start, position - start + buffer.length);
    buffer.set(found);
    return found.length;
  }

  async close(): Promise<void> {
    this.#block = { start: 0, bytes: Buffer.alloc(0) };
  }
}
