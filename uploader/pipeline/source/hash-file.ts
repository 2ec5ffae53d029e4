/** Computes the checksums of an open file in one read. */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { BufferPool } from './buffer-pool.js';
import type { LocalFile } from './local-file.js';

export interface FileHashes {
  readonly crc32: number;
  /** Hex; null when not requested. */
  readonly sha256: string | null;
  /** CRC-32 of the first `mark` bytes; null when the file has fewer. */
  readonly crc32AtMark: number | null;
}

/** Hashes the first `sizeBytes` bytes; null when the file has become shorter. Throws the errors of `file`. */
export function hashFile(
  file: LocalFile,
  sizeBytes: number,
  options: {
    readonly pool: BufferPool;
    readonly mark?: number | undefined;
    /** Whether to compute the SHA-256, which takes twice as long as all other work. Default true. */
    readonly withSha256?: boolean | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<FileHashes | null> {
  const { pool, mark = sizeBytes, withSha256 = true, signal } = options;
  return pool.use(async (buffer) => {
    const sha256 = withSha256 ? createHash('sha256') : null;
    let crc = 0;
    let crc32AtMark = mark === 0 ? 0 : null;
    for (let position = 0; position < sizeBytes; ) {
      signal?.throwIfAborted();
      const end = position < mark ? Math.min(mark, sizeBytes) : sizeBytes;
      const bytes = buffer.subarray(0, Math.min(buffer.length, end - position));
      if ((await file.readInto(bytes, position)) < bytes.length) return null;
      crc = crc32(bytes, crc);
      sha256?.update(bytes);
      position += bytes.length;
      if (position === mark) crc32AtMark = crc;
    }
    return { crc32: crc, sha256: sha256?.digest('hex') ?? null, crc32AtMark };
  });
}
