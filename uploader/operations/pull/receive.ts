/** Downloads byte ranges of objects into one file, and resumes after the bytes of an interrupted attempt. */

import type { CodedError } from '../../../src/base/errors.js';
import type { FileSystem, WritableFile } from '../../base/io/file-system.js';
import { findStat } from '../../base/io/resolve-existing.js';
import { type Sums, sumFile } from '../../base/io/sum-file.js';
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
export interface ReceivedPiece {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

const FILE_MODE = 0o644;

/**
 * Downloads the bytes that the file does not have yet, and reads the whole file back. Returns the checksums of what is on disk. Throws
 * `PullFailure` and errors of the disk.
 */
export async function receive(
  path: string,
  { pieces, sizeBytes }: { readonly pieces: readonly ReceivedPiece[]; readonly sizeBytes: number },
  context: ReceiveContext,
): Promise<{ readonly sums: Sums; readonly resumedBytes: number; readonly receivedBytes: number }> {
  const { fileSystem } = context;
  let resumedBytes = (await findStat(fileSystem, path))?.sizeBytes ?? 0;
  if (resumedBytes > sizeBytes) {
    await fileSystem.unlink(path);
    resumedBytes = 0;
  }
  const progress = { sizeBytes: resumedBytes };
  const file = await fileSystem.openForWriting(path, 'append', FILE_MODE);
  try {
    let from = 0;
    for (const piece of pieces) {
      await receivePiece({ file, piece, from, progress }, context);
      from += piece.end - piece.start;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const sums = await sumFile(fileSystem, path, context.signal);
  if (sums === null) throw new PullFailure('unwritable', 'the temporary file was deleted');
  return { sums, resumedBytes, receivedBytes: progress.sizeBytes - resumedBytes };
}

/** Downloads one piece; `from` is its offset in the file. */
async function receivePiece(
  target: {
    readonly file: WritableFile;
    readonly piece: ReceivedPiece;
    readonly from: number;
    readonly progress: { sizeBytes: number };
  },
  { store, retryPolicy, signal, bandwidth }: ReceiveContext,
): Promise<void> {
  const { file, piece, from, progress } = target;
  const { key } = piece;
  const end = from + piece.end - piece.start;
  if (progress.sizeBytes >= end) return;
  let attemptBytes = 0;
  const attempt = async () => {
    attemptBytes = 0;
    const range = { start: piece.start + progress.sizeBytes - from, end: piece.end };
    try {
      for await (const bytes of store.read(key, { range, signal })) {
        await bandwidth.take(bytes.length, 'events', signal);
        await file.append(bytes);
        progress.sizeBytes += bytes.length;
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
  if (progress.sizeBytes === end) return;
  const message = `${key}: the download ended after ${progress.sizeBytes - from} of ${piece.end - piece.start} bytes`;
  throw new PullFailure('damaged', message);
}
