/** Reads ranges of a source, and computes their checksums. */

import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { crc32c } from '../../../src/format/record/crc32c.js';
import { readBody } from './body-memory.js';
import type { PartBody } from './driver.js';
import type { CommitRequest } from './store.js';

const PIECE_BYTES = 1024 * 1024;

type Source = Pick<CommitRequest, 'source' | 'signal'>;
type Range = { readonly start: number; readonly end: number };

async function* readPieces({ source, signal }: Source, { start, end }: Range): AsyncGenerator<Buffer> {
  for (let position = start; position < end; position += PIECE_BYTES) {
    signal?.throwIfAborted();
    yield await source.read(position, Math.min(position + PIECE_BYTES, end));
  }
}

/** The checksums of `[start, end)` of the source; null when the source is too short. The CRC-32C only if `needsCrc32c`, because it costs more time. */
export async function scan(
  request: Source,
  { start, end }: Range,
  needsCrc32c = false,
): Promise<{ readonly crc32: number; readonly crc32c: number } | null> {
  let iso = 0;
  let castagnoli = 0;
  let sizeBytes = 0;
  for await (const piece of readPieces(request, { start, end })) {
    iso = crc32(piece, iso);
    if (needsCrc32c) castagnoli = crc32c(piece, 0, piece.length, castagnoli);
    sizeBytes += piece.length;
  }
  return sizeBytes === end - start ? { crc32: iso, crc32c: castagnoli } : null;
}

/** A range as the body of a request, in `buffer` if one is given, else read twice: for the checksum and for the request. Null when the source is too short. */
export async function readPart(
  part: Range,
  request: CommitRequest,
  buffer: Buffer | null,
): Promise<PartBody | null> {
  const sizeBytes = part.end - part.start;
  if (buffer === null) {
    const scanned = await scan(request, part);
    const open = (): Readable => Readable.from(readPieces(request, part));
    return scanned === null ? null : { crc32: scanned.crc32, sizeBytes, isBuffer: false, open };
  }
  const bytes = await readBody(request.source, part, buffer);
  return bytes.length === sizeBytes
    ? { crc32: crc32(bytes), sizeBytes, isBuffer: true, open: () => bytes }
    : null;
}
