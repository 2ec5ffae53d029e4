/**
 * Cuts an object into the parts of a multipart upload. Pure.
 *
 * All parts but the last have the same size, which some S3-compatible stores demand. Source of the limits: Amazon S3 User Guide,
 * "Amazon S3 multipart upload limits": 5 MiB to 5 GiB a part (the last may be smaller), 10,000 parts, 50 TB an object.
 */

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

export const MIN_PART_BYTES = 5 * MIB;
export const MAX_PART_BYTES = 5 * GIB;
/** Below the store's 10,000: an append later adds parts to what is there. */
export const MAX_PARTS = 9_500;
export const MAX_OBJECT_BYTES = 50e12;
const FIRST_PART_BYTES = 8 * MIB;

export interface Part {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** The size of all parts but the last. Doubles from 8 MiB until the parts are few enough. `sizeBytes` ≤ `MAX_OBJECT_BYTES`. */
export function toPartBytes(sizeBytes: number): number {
  let partBytes = FIRST_PART_BYTES;
  while (Math.ceil(sizeBytes / partBytes) > MAX_PARTS) partBytes = Math.min(partBytes * 2, MAX_PART_BYTES);
  return partBytes;
}

/** The parts of an object of `sizeBytes` ≥ 1, in order and without gaps. */
export function planParts(sizeBytes: number, partBytes = toPartBytes(sizeBytes)): Part[] {
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    number: index + 1,
    start: index * partBytes,
    end: Math.min((index + 1) * partBytes, sizeBytes),
  }));
}
