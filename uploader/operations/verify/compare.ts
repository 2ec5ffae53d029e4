/** Compares the checksums of a file, its object and its manifest line. Pure. */

import type { ManifestLine } from '../../pipeline/manifest/manifest.js';
import type { FileHashes } from '../../pipeline/source/hash-file.js';
import type { Finding } from './verify-report.js';

export interface LocalFacts extends FileHashes {
  readonly sizeBytes: number;
}

export interface ObjectFacts {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly crc32: number;
  /** Null when the object was not read. */
  readonly sha256: string | null;
}

interface Compared {
  readonly finding: Finding;
  readonly message: string;
}

/** Returns the difference; null when all agree. `local` is null for a file that exists only in the manifest. */
export function compare(
  local: LocalFacts | null,
  object: ObjectFacts | null,
  line: ManifestLine | undefined,
  options: { readonly isLive: boolean },
): Compared | null {
  if (object === null) {
    const isToCome = options.isLive && line === undefined;
    return isToCome
      ? { finding: 'behind', message: 'the file is not stored yet' }
      : { finding: 'missing', message: 'the store has no such object' };
  }
  const isStoreIntact = line !== undefined && isSame(object, line);
  // A generated file of a live run may have grown since the manifest was written.
  if (local === null && options.isLive && line?.etag !== object.etag) return null;
  if (local === null) return isStoreIntact || line === undefined ? null : toStoreFault(object, line);
  if (isSame(object, local)) {
    // Size and CRC-32 are equal, but the SHA-256 shows that a different file was stored as this object.
    const isStoredAs = line !== undefined && line.etag === object.etag && local.sha256 !== null;
    const isForged = isStoredAs && line.sha256 !== local.sha256;
    return isForged ? { finding: 'changed', message: 'its SHA-256 differs from the manifest' } : null;
  }
  const isBeginning = object.sizeBytes < local.sizeBytes && local.crc32AtMark === object.crc32;
  if (isBeginning && options.isLive)
    return { finding: 'behind', message: `${local.sizeBytes - object.sizeBytes} bytes are not stored yet` };
  const isLocalIntact = line !== undefined && isSame(local, line);
  if (isLocalIntact) return toStoreFault(object, line);
  if (isStoreIntact) return { finding: 'changed', message: 'the local file has changed since it was stored' };
  if (object.sizeBytes < local.sizeBytes) return toShortened(object.sizeBytes, local.sizeBytes);
  return {
    finding: 'differs',
    message: 'the object differs from the local file, and no manifest says which one is right',
  };
}

function toStoreFault(object: ObjectFacts, line: ManifestLine): Compared {
  if (object.sizeBytes < line.sizeBytes) return toShortened(object.sizeBytes, line.sizeBytes);
  return { finding: 'damaged', message: `the object has changed since ${line.verifiedAt}` };
}

function toShortened(found: number, expected: number): Compared {
  return { finding: 'shortened', message: `the object has ${found} of ${expected} bytes` };
}

interface Sums {
  readonly sizeBytes: number;
  readonly crc32: number;
  readonly sha256: string | null;
}

function isSame(a: Sums, b: Sums): boolean {
  const isShaSame = a.sha256 === null || b.sha256 === null || a.sha256 === b.sha256;
  return a.sizeBytes === b.sizeBytes && a.crc32 === b.crc32 && isShaSame;
}
