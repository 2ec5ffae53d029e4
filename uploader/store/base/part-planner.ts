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

/** Copies inside of the store: large ones take long to answer, small ones cost requests. */
const COPY_BYTES = GIB;
/** As many ranges as leave room for tails; beyond, ranges grow. 9,000 of 5 GiB are 44 TiB. */
const MAX_COPIES = 9_000;
/** The largest object that can be extended by copies of ranges. */
export const MAX_BASE_BYTES = MAX_COPIES * MAX_PART_BYTES;
/** Tails up to this size are one part. A part that was on its way when the process was killed is sent again. */
const TAIL_PART_BYTES = 8 * MIB;

export interface Part {
  /** From 1. */
  readonly number: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  /** True where the store copies these bytes from the object as it is. */
  readonly isCopied: boolean;
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
    isCopied: false,
  }));
}

/**
 * The parts of an append: `[0, keepBytes)` copied inside of the store, `[keepBytes, sizeBytes)` sent. Null when it cannot be done with
 * parts that S3 takes.
 *
 * Copied ranges are at most 1 GiB while they are few, of one size but for a byte, and so never below 5 MiB; with `isOneCopy` there is one of at most 5 GiB.
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
  return [
    ...copied,
    ...sent.map(({ number, start, end }) => ({
      number: number + copies,
      start: start + keepBytes,
      end: end + keepBytes,
      isCopied: false,
    })),
  ];
}
