/**
 * What a store supports. For S3 it is learned from ordinary requests (`s3/optionals.ts`), never inferred from the name of a vendor; Google's, Azure's and
 * Polyaxon's capabilities are documented constants.
 */

export interface StoreCapabilities {
  /** A create fails when the object already exists, also in a race. */
  readonly conditionalCreate: boolean;
  /** A replace fails when the object is not the expected version. */
  readonly conditionalReplace: boolean;
  /** The completion of a multipart upload supports both conditions. */
  readonly conditionalComplete: boolean;
  /** Requests may have checksum headers. */
  readonly checksumHeaders: boolean;
  /** The store rejects bytes that do not match their checksum, for every kind of upload that is used. */
  readonly rejectsWrongChecksum: boolean;
  /** Multipart uploads accept the CRC-32 of the whole object, and the store checks it. */
  readonly multipartChecksum: boolean;
  /** `head` returns the CRC-32 of whole objects. */
  readonly wholeObjectChecksum: boolean;
  /** The store keeps commit ids and the counts of previous versions as metadata of the object. */
  readonly metadata: boolean;
  /** The sizes of objects that can be extended; null when every commit has to send all bytes. */
  readonly append: AppendCapability | null;
  /** A range of an object can be copied into a new one, with the checksum of that range. */
  readonly rangeCopy: boolean;
  /** The parts of a multipart upload may have different sizes. */
  readonly unevenParts: boolean;
  /** Open multipart uploads can be listed, so that `collect` finds orphaned uploads. */
  readonly listMultipart: boolean;
  /** `on`: the store keeps, and charges for, every version that a commit replaces. */
  readonly versioning: 'on' | 'off' | 'unknown';
  readonly maxObjectBytes: number;
  /** Names that differ only in case or in Unicode composition collide. */
  readonly foldsNames: boolean;
}

/** As `StoreCapabilities`, with `unknown` for what the store has not shown yet. */
export type KnownCapabilities = {
  readonly [name in keyof StoreCapabilities]: StoreCapabilities[name] | 'unknown';
};

export interface AppendCapability {
  /** Smaller objects are committed as a whole. */
  readonly minBaseBytes: number;
  /** Larger objects are committed as a whole too. */
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

/** The same capabilities with another `minBaseBytes`. A store that cannot append still cannot. */
export function withMinBase(found: StoreCapabilities, minBaseBytes: number): StoreCapabilities {
  return found.append === null ? found : { ...found, append: { ...found.append, minBaseBytes } };
}

/** The defaults for a bucket: conditions and checksums, because a store that lacks them returns an error; no append. */
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

/** A directory: a lock enforces conditions, and reading back verifies checksums. */
export const FILE_STORE: StoreCapabilities = {
  ...UNPROBED_S3,
  rejectsWrongChecksum: true,
  wholeObjectChecksum: false,
  metadata: false,
  append: { minBaseBytes: 0, maxBaseBytes: Number.MAX_SAFE_INTEGER },
  unevenParts: true,
  versioning: 'off',
  maxObjectBytes: Number.MAX_SAFE_INTEGER,
};

/** Polyaxon's streams service: it reports only files and sizes, so the uploader verifies bytes by reading them back. */
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
