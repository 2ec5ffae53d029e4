/** Reads the bodies of parts. Small ones are held in memory; large ones are read twice, for the checksum and for the upload. */

import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { readBody } from '../base/body-memory.js';
import type { Part } from '../base/part-planner.js';
import type { CommitRequest } from '../base/store.js';

/** Large parts are streamed from the source in pieces of this size. */
const STREAM_PIECE_BYTES = 1024 * 1024;

export interface PartBody {
  readonly crc32: number;
  /** Whether `open` returns a buffer. */
  readonly isBuffer: boolean;
  /** The bytes for one request. Call it again for each further request. */
  open(): Buffer | Readable;
}

/** The body of a part, in `buffer` if one is given; null when the source has become too short. */
export async function readPartBody(
  part: Part,
  request: CommitRequest,
  buffer: Buffer | null,
): Promise<PartBody | null> {
  if (buffer === null) return toStreamedBody(part, request);
  const bytes = await readBody(request.source, part, buffer);
  return bytes.length === part.end - part.start
    ? { crc32: crc32(bytes), isBuffer: true, open: () => bytes }
    : null;
}

/** CRC-32 of `[start, end)` of the source; null when the source is too short. */
export async function crc32OfRange(
  range: { readonly start: number; readonly end: number },
  request: CommitRequest,
): Promise<number | null> {
  let crc = 0;
  let sizeBytes = 0;
  for await (const piece of readPieces(range, request)) {
    crc = crc32(piece, crc);
    sizeBytes += piece.length;
  }
  return sizeBytes === range.end - range.start ? crc : null;
}

async function toStreamedBody(part: Part, request: CommitRequest): Promise<PartBody | null> {
  const crc = await crc32OfRange(part, request);
  return crc === null
    ? null
    : { crc32: crc, isBuffer: false, open: () => Readable.from(readPieces(part, request)) };
}

async function* readPieces(
  { start, end }: { readonly start: number; readonly end: number },
  { source, signal }: CommitRequest,
): AsyncGenerator<Buffer> {
  for (let position = start; position < end; position += STREAM_PIECE_BYTES) {
    signal?.throwIfAborted();
    yield await source.read(position, Math.min(position + STREAM_PIECE_BYTES, end));
  }
}
