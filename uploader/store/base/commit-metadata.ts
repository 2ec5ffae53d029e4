/**
 * The metadata that polytrack stores with an object: its commit id, size, CRC-32 and count of previous versions. The HTTP headers are
 * `x-amz-meta-plx-…`, `x-goog-meta-plx-…` and `x-ms-meta-plx_…`. Also the text forms of checksums.
 */

import type { CommitRequest } from './store.js';

/** polytrack stores all files as plain bytes. */
export const CONTENT_TYPE = 'application/octet-stream';

const COMMIT_ID = 'plx-commit';
const SIZE = 'plx-size';
const CRC32 = 'plx-crc32';
const GENERATION = 'plx-generation';

export interface CommitFacts {
  readonly commitId: string | null;
  readonly generation: number | null;
  /** The CRC-32 from the commit. Not verified unless the store has checked it. */
  readonly claimedCrc32: number | null;
}

export function toMetadata({
  commitId,
  target,
  generation,
}: Pick<CommitRequest, 'commitId' | 'target' | 'generation'>): Record<string, string> {
  return {
    [COMMIT_ID]: commitId,
    [SIZE]: String(target.sizeBytes),
    [CRC32]: toHexCrc(target.crc32),
    ...(generation === undefined ? {} : { [GENERATION]: String(generation) }),
  };
}

/** What `toMetadata` wrote; null for missing fields. All are null when the size differs: another program has copied and changed the object. */
export function fromMetadata(
  metadata: Readonly<Record<string, string>> | undefined,
  sizeBytes: number,
): CommitFacts {
  const size = metadata?.[SIZE];
  if (size !== undefined && size !== String(sizeBytes))
    return { commitId: null, generation: null, claimedCrc32: null };
  const generation = metadata?.[GENERATION] ?? '';
  return {
    commitId: metadata?.[COMMIT_ID] ?? null,
    generation: /^\d{1,15}$/.test(generation) ? Number(generation) : null,
    claimedCrc32: fromHexCrc(metadata?.[CRC32]),
  };
}

export function toHexCrc(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

export function fromHexCrc(text: string | undefined): number | null {
  return text !== undefined && /^[0-9a-f]{8}$/.test(text) ? Number.parseInt(text, 16) : null;
}

/** The big-endian checksum in base64, as S3 and Google Cloud Storage write it. Source: Amazon S3 User Guide, "Checking object integrity". */
export function toBase64Crc(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

/** The inverse of `toBase64Crc`; null for a composite checksum of S3 (`…-<parts>`), which is not that of the whole object. */
export function fromBase64Crc(text: string | undefined): number | null {
  if (text === undefined || !/^[A-Za-z0-9+/]{6}==$/.test(text)) return null;
  return Buffer.from(text, 'base64').readUInt32BE();
}
