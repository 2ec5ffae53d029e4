/** Downloads byte ranges of objects into one file, and resumes after the bytes of an interrupted attempt. */

import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { CodedError } from '../../../src/base/errors.js';
import type { FileSystem, FsPath, WritableFile } from '../../base/io/file-system.js';
import { isAbsent } from '../../base/io/system-error.js';
import type { RateLimit } from '../../base/limits/rate-limit.js';
import { OutcomeError } from '../../base/retry-table.js';
import type { StoreAccess } from '../../pipeline/manifest/stored-run.js';
import type { PullFinding } from './pull-report.js';

export interface ReceiveContext extends StoreAccess {
  readonly fileSystem: FileSystem;
  readonly bandwidth: RateLimit;
  readonly signal?: AbortSignal | undefined;
}

/** Thrown to end the pull of one file with a problem. */
export class PullFailure extends Error {
  constructor(
    readonly finding: PullFinding,
    message: string,
    readonly error: CodedError | null = null,
  ) {
    super(message);
  }
}

/** A byte range of an object. */
export interface Piece {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

export interface Sums {
  readonly sizeBytes: number;
  readonly crc32: number;
  /** Hex. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1024 * 1024;
const FILE_MODE = 0o644;

/** Downloads the missing bytes and returns the checksums of the whole file. Throws `PullFailure` and errors of the disk. */
export async function receive(
  path: string,
  { pieces, sizeBytes }: { readonly pieces: readonly Piece[]; readonly sizeBytes: number },
  context: ReceiveContext,
): Promise<{ readonly sums: Sums; readonly receivedBytes: number }> {
  const { fileSystem } = context;
  let before = await readBefore(path, context);
  if (before !== null && before.sizeBytes > sizeBytes) {
    await fileSystem.unlink(path);
    before = null;
  }
  const sums = before ?? new RunningSums();
  const beforeBytes = sums.sizeBytes;
  const file = await fileSystem.openForWriting(path, 'append', FILE_MODE);
  try {
    let from = 0;
    for (const piece of pieces) {
      await receivePiece({ file, piece, from, sums }, context);
      from += piece.end - piece.start;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { sums: sums.end(), receivedBytes: sums.sizeBytes - beforeBytes };
}

/** The checksums of a file; null when it does not exist. */
export async function sumFile(path: FsPath, context: ReceiveContext): Promise<Sums | null> {
  return (await readBefore(path, context))?.end() ?? null;
}

class RunningSums {
  sizeBytes = 0;
  #crc32 = 0;
  readonly #sha256: Hash = createHash('sha256');

  take(bytes: Uint8Array): void {
    this.#crc32 = crc32(bytes, this.#crc32);
    this.#sha256.update(bytes);
    this.sizeBytes += bytes.length;
  }

  /** The checksums of all bytes so far. Call it once. */
  end(): Sums {
    return { sizeBytes: this.sizeBytes, crc32: this.#crc32, sha256: this.#sha256.digest('hex') };
  }
}

/** Downloads one piece; `from` is its offset in the file. */
async function receivePiece(
  target: {
    readonly file: WritableFile;
    readonly piece: Piece;
    readonly from: number;
    readonly sums: RunningSums;
  },
  { store, retryPolicy, signal, bandwidth }: ReceiveContext,
): Promise<void> {
  const { file, piece, from, sums } = target;
  const { key } = piece;
  const end = from + piece.end - piece.start;
  if (sums.sizeBytes >= end) return;
  let attemptBytes = 0;
  const attempt = async () => {
    attemptBytes = 0;
    const range = { start: piece.start + sums.sizeBytes - from, end: piece.end };
    try {
      for await (const bytes of store.read(key, { range, signal })) {
        await bandwidth.take(bytes.length, 'events', signal);
        await file.append(bytes);
        sums.take(bytes);
        attemptBytes += bytes.length;
      }
      return { status: 'read' as const };
    } catch (error) {
      if (error instanceof OutcomeError) return error.outcome;
      throw error;
    }
  };
  const madeProgress = (): boolean => attemptBytes > 0;
  const outcome = await retryPolicy.withRetry(`read ${key}`, attempt, { signal, madeProgress });
  if (outcome.status === 'failed') throw new PullFailure('unreadable', outcome.error.message, outcome.error);
  if (sums.sizeBytes === end) return;
  const message = `${key}: the download ended after ${sums.sizeBytes - from} of ${piece.end - piece.start} bytes`;
  throw new PullFailure('damaged', message);
}

/** Reads the existing part of a file; null when the file does not exist. */
async function readBefore(path: FsPath, { fileSystem, signal }: ReceiveContext): Promise<RunningSums | null> {
  try {
    const file = await fileSystem.openForReading(path);
    try {
      const sums = new RunningSums();
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      for (;;) {
        signal?.throwIfAborted();
        const count = await file.read(buffer, sums.sizeBytes);
        if (count === 0) return sums;
        sums.take(buffer.subarray(0, count));
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
