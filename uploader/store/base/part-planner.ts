/**
 * Divides an object into the parts of a multipart upload. Pure.
 *
 * All parts but the last have the same size, because some S3-compatible stores require it. Source of the limits: Amazon S3 User Guide,
 * "Amazon S3 multipart upload limits": 5 MiB to 5 GiB per part (the last may be smaller), 10,000 parts, 50 TB per object.
 */

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

export const MIN_PART_BYTES = 5 * MIB;
export const MAX_PART_BYTES = 5 * GIB;
/** Below the store's limit of 10,000, so that a later append can add parts. */
export const MAX_PARTS = 9_500;
export const MAX_OBJECT_BYTES = 50e12;
const FIRST_PART_BYTES = 8 * MIB;

/** Ranges that are copied inside the store: large copies are slow, small ones cost requests. */
const COPY_BYTES = GIB;
/** Leaves room for the parts of the tail. Above this number the ranges grow instead. 9,000 ranges of 5 GiB are 44 TiB. */
const MAX_COPIES = 9_000;
/** The largest object that can be extended by copying ranges. */
export const MAX_BASE_BYTES = MAX_COPIES * MAX_PART_BYTES;
/** Tails up to this size are one part. A part in flight when the process is killed must be sent again. */
const TAIL_PART_BYTES = 8 * MIB;

export interface Part {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** True when the store copies these bytes from the existing object. */
  readonly isCopied: boolean;
}

/** The size of all parts but the last: 8 MiB, doubled until few enough parts are needed. By default for S3, with `sizeBytes` ≤ `MAX_OBJECT_BYTES`. */
export function toPartBytes(
  sizeBytes: number,
  { firstBytes = FIRST_PART_BYTES, maxBytes = MAX_PART_BYTES, maxParts = MAX_PARTS } = {},
): number {
  let partBytes = firstBytes;
  while (partBytes < maxBytes && Math.ceil(sizeBytes / partBytes) > maxParts)
    partBytes = Math.min(partBytes * 2, maxBytes);
  return partBytes;
}

/** The parts of an object of `sizeBytes` ≥ 1, in order and without gaps. */
export function planParts(sizeBytes: number, partBytes = toPartBytes(sizeBytes)): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    number: index + 1,
    start: index * partBytes,
    end: Math.min((index + 1) * partBytes, sizeBytes),
    isCopied: false,
  }));
}

/** The same parts, further back in the object. */
export function shiftParts(parts: readonly Part[], bytes: number, numbers = 0): Part[] {
  return parts.map((part) => ({
    ...part,
    number: part.number + numbers,
    start: part.start + bytes,
    end: part.end + bytes,
  }));
}

/**
 * The parts of an append: `[0, keepBytes)` is copied inside the store, `[keepBytes, sizeBytes)` is sent. Null when the limits of S3 rule it out.
 *
 * Copied ranges have at most 1 GiB, or more if there would be over `MAX_COPIES` of them. Their sizes differ by at most one byte, so none is
 * below 5 MiB. With `isOneCopy`, one range of at most 5 GiB is copied.
 */
export function planAppend(
  keepBytes: number,
  sizeBytes: number,
  options: { isOneCopy: boolean; tailPartBytes?: number | undefined; copyBytes?: number | undefined },
): Part[] | null {
  const { isOneCopy, tailPartBytes = TAIL_PART_BYTES, copyBytes = COPY_BYTES } = options;
  const copies = isOneCopy ? 1 : Math.max(1, Math.min(Math.ceil(keepBytes / copyBytes), MAX_COPIES));
  if (keepBytes < MIN_PART_BYTES || Math.ceil(keepBytes / copies) > MAX_PART_BYTES) return null;
  const toBoundary = (index: number): number => Math.round((keepBytes / copies) * index);
  const copied = Array.from({ length: copies }, (_, index) => ({
    number: index + 1,
    start: toBoundary(index),
    end: index + 1 === copies ? keepBytes : toBoundary(index + 1),
    isCopied: true,
  }));
  const tailBytes = sizeBytes - keepBytes;
  let partBytes = tailPartBytes;
  while (Math.ceil(tailBytes / partBytes) > MAX_PARTS - copies) partBytes *= 2;
  if (partBytes > MAX_PART_BYTES) return null;
  const sent = tailBytes === 0 ? [] : planParts(tailBytes, partBytes);
  return [...copied, ...shiftParts(sent, keepBytes, copies)];
}
