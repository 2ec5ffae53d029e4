import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { FileSystem, FsPath } from './file-system.js';
import { isAbsent } from './system-error.js';

export interface Sums {
  readonly sizeBytes: number;
  readonly crc32: number;
  /** Hex. */
  readonly sha256: string;
}

const CHUNK_BYTES = 1024 * 1024;

/** Reads a file and returns its checksums; null when it does not exist. */
export async function sumFile(
  fileSystem: FileSystem,
  path: FsPath,
  signal?: AbortSignal,
): Promise<Sums | null> {
  try {
    const file = await fileSystem.openForReading(path);
    try {
      const sha256 = createHash('sha256');
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      let [crc, sizeBytes] = [0, 0];
      for (;;) {
        signal?.throwIfAborted();
        const count = await file.read(buffer, sizeBytes);
        if (count === 0) return { sizeBytes, crc32: crc, sha256: sha256.digest('hex') };
        const bytes = buffer.subarray(0, count);
        crc = crc32(bytes, crc);
        sha256.update(bytes);
        sizeBytes += count;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
