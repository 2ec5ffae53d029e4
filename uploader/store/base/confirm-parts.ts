/** Finds the parts of an unfinished upload that the store confirms, so that a commit sends only the others. */

import { stripQuotes } from './commit-outcome.js';
import type { UploadedPart } from './driver.js';
import type { Part } from './part-planner.js';
import { scan } from './source-checksums.js';
import type { CommitRequest } from './store.js';

export type DonePart = UploadedPart & { readonly isCopied: boolean };

/** The planned parts that the store has. A recorded part must match in size and ETag, any other in size and the CRC-32 of the source. */
export async function confirmParts(
  listed: readonly UploadedPart[],
  parts: readonly Part[],
  request: CommitRequest,
): Promise<Map<number, DonePart>> {
  const found = new Map(listed.map((part) => [part.number, part]));
  const noted = new Map(request.unfinished?.parts.map((part) => [part.number, part]));
  const confirmed = new Map<number, DonePart>();
  for (const part of parts) {
    const stored = found.get(part.number);
    if (part.isCopied || stored === undefined || stored.sizeBytes !== part.end - part.start) continue;
    const known = noted.get(part.number);
    const isNoted = known?.sizeBytes === stored.sizeBytes && stripQuotes(known.etag) === stored.etag;
    const crc = isNoted ? known.crc32 : stored.crc32 === null ? null : (await scan(request, part))?.crc32;
    if (crc === null || crc === undefined || (!isNoted && crc !== stored.crc32)) continue;
    confirmed.set(part.start, { ...stored, crc32: crc, isCopied: false });
  }
  return confirmed;
}

/** The first `sizeBytes` bytes as parts: those that this process has sent, and one for the rest. Null when the source is too short. */
export async function confirmStart(
  sizeBytes: number,
  before: ReadonlyMap<number, DonePart>,
  request: CommitRequest,
): Promise<Map<number, DonePart> | null> {
  const confirmed = new Map<number, DonePart>();
  let end = 0;
  for (const [start, part] of inOrder(before)) {
    if (start + part.sizeBytes > sizeBytes) break;
    confirmed.set(start, part);
    end = start + part.sizeBytes;
  }
  if (end === sizeBytes) return confirmed;
  const rest = await scan(request, { start: end, end: sizeBytes });
  if (rest === null) return null;
  return confirmed.set(end, {
    number: 0,
    etag: '',
    sizeBytes: sizeBytes - end,
    crc32: rest.crc32,
    isCopied: false,
  });
}

export function inOrder(
  parts: ReadonlyMap<number, DonePart>,
  more: readonly (readonly [number, DonePart])[] = [],
) {
  return [...parts, ...more].sort(([a], [b]) => a - b);
}

export function sizeOf(parts: readonly (Part | UploadedPart)[]): number {
  return parts.reduce((sum, part) => sum + ('start' in part ? part.end - part.start : part.sizeBytes), 0);
}
