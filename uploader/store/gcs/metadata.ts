/**
 * Checksums of objects in Google Cloud Storage. The store keeps only a CRC-32C, so polytrack stores the CRC-32 as metadata, together with the
 * CRC-32C of the same bytes. The CRC-32 is valid only while that CRC-32C equals the one that the store reports.
 */

import { fromBase64Crc, fromHexCrc, fromMetadata, toHexCrc, toMetadata } from '../base/commit-metadata.js';
import type { ObjectWrite } from '../base/driver.js';
import type { StoredObject } from '../base/store.js';
import type { GcsObject } from './connection.js';

const CRC32C = 'plx-crc32c';

export function toGcsMetadata(write: ObjectWrite, crc32c: number): Record<string, string> {
  return { ...toMetadata(write), [CRC32C]: toHexCrc(crc32c) };
}

export function toStoredObject({ generation, size, crc32c, metadata }: GcsObject): StoredObject {
  const sizeBytes = Number(size);
  const { commitId, generation: fileGeneration, claimedCrc32 } = fromMetadata(metadata, sizeBytes);
  const isProven = fromHexCrc(metadata?.[CRC32C]) === fromBase64Crc(crc32c);
  return {
    etag: generation,
    sizeBytes,
    crc32: isProven ? claimedCrc32 : null,
    commitId,
    generation: fileGeneration,
  };
}
