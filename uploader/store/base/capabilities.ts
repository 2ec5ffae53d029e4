/**
 * What a store does, as found by asking it: never inferred from the name of a vendor.
 *
 * A file store knows its own. For a bucket, `Store.probe` finds them, and `check/` keeps them for a week.
 */

export interface StoreCapabilities {
  /** An object is made only where there is none, and the loser of a race is told. */
  readonly conditionalCreate: boolean;
  /** An object is replaced only where it still is the expected one. */
  readonly conditionalReplace: boolean;
  /** The completion of a multipart upload takes both conditions. */
  readonly conditionalComplete: boolean;
  /** Requests with checksum headers are taken. */
  readonly checksumHeaders: boolean;
  /** Bytes that do not fit their checksum are refused, on every way into the store that is used. */
  readonly rejectsWrongChecksum: boolean;
  /** Multipart uploads take the CRC-32 of the whole object, and check it. */
  readonly multipartChecksum: boolean;
  /** `head` knows the CRC-32 of whole objects. */
  readonly wholeObjectChecksum: boolean;
  /** Commit ids and generations are kept with the object. */
  readonly metadata: boolean;
  /** How objects are extended; null where every commit has to send all of its bytes. */
  readonly append: AppendCapability | null;
  /** A piece of an object can be copied into a new one, with the checksum of that piece. */
  readonly rangeCopy: boolean;
  /** Parts of a multipart upload need not have one size. */
  readonly unevenParts: boolean;
  /** Open multipart uploads can be listed, so that `collect` finds what a killed process left. */
  readonly listMultipart: boolean;
  /** On: every commit leaves the version before it behind, and all of them are paid for. */
  readonly versioning: 'on' | 'off' | 'unknown';
  readonly maxObjectBytes: number;
  /** Names that differ in case only, or in how accents are composed, are one name here. */
  readonly foldsNames: boolean;
}

export interface AppendCapability {
  /** Smaller objects are committed as a whole. */
  readonly minBaseBytes: number;
  /** Larger ones too. */
  readonly maxBaseBytes: number;
}

/** Whether `append` can keep the first `keepBytes` bytes of an object of `baseBytes` bytes. */
export function canAppend(
  { append, rangeCopy }: StoreCapabilities,
  baseBytes: number,
  keepBytes = baseBytes,
): boolean {
  if (append === null || (keepBytes !== baseBytes && !rangeCopy)) return false;
  return keepBytes >= append.minBaseBytes && keepBytes <= append.maxBaseBytes;
}

/** What is expected of a bucket before it was asked: conditions and checksums, which it refuses loudly if it cannot; no append. */
export const UNPROBED_S3: StoreCapabilities = {
  conditionalCreate: true,
  conditionalReplace: true,
  conditionalComplete: true,
  checksumHeaders: true,
  rejectsWrongChecksum: false,
  multipartChecksum: true,
  wholeObjectChecksum: true,
  metadata: true,
  append: null,
  rangeCopy: false,
  unevenParts: false,
  listMultipart: true,
  versioning: 'unknown',
  maxObjectBytes: 50e12,
  foldsNames: false,
};

/** A directory: conditions hold by a lock, checksums by reading back. */
export const FILE_STORE: StoreCapabilities = {
  conditionalCreate: true,
  conditionalReplace: true,
  conditionalComplete: true,
  checksumHeaders: true,
  rejectsWrongChecksum: true,
  multipartChecksum: true,
  wholeObjectChecksum: false,
  metadata: false,
  append: { minBaseBytes: 0, maxBaseBytes: Number.MAX_SAFE_INTEGER },
  rangeCopy: false,
  unevenParts: true,
  listMultipart: true,
  versioning: 'off',
  maxObjectBytes: Number.MAX_SAFE_INTEGER,
  foldsNames: false,
};

/** Polyaxon's streams service: files, and their sizes. What is stored is proven by reading it back. */
export const POLYAXON_STORE: StoreCapabilities = {
  conditionalCreate: false,
  conditionalReplace: false,
  conditionalComplete: false,
  checksumHeaders: false,
  rejectsWrongChecksum: false,
  multipartChecksum: false,
  wholeObjectChecksum: false,
  metadata: false,
  append: null,
  rangeCopy: false,
  unevenParts: true,
  listMultipart: false,
  versioning: 'off',
  maxObjectBytes: Number.MAX_SAFE_INTEGER,
  foldsNames: false,
};
