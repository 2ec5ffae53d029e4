/** Finds the parts that an earlier process has uploaded and that the store confirms. */

import type { Part as ListedPart } from '@aws-sdk/client-s3';
import type { FailedOutcome, RetryOutcome } from '../../base/retry-table.js';
import { ListingGuard } from '../base/bounds.js';
import { toBase64Crc } from '../base/commit-metadata.js';
import { stripQuotes } from '../base/commit-outcome.js';
import { isPassing } from '../base/http-outcome.js';
import type { Part } from '../base/part-planner.js';
import type { CommitRequest } from '../base/store.js';
import { outcomeFrom } from './answer.js';
import { crc32OfRange } from './body.js';
import type { S3Connection } from './connection.js';
import type { Optionals } from './optionals.js';

export interface UploadedPart {
  readonly etag: string;
  readonly sizeBytes: number;
  /** For a copied part, the checksum that the store returned, if any. */
  readonly crc32: string | undefined;
  /** The CRC-32 of the bytes sent; null for a copied part. */
  readonly sentCrc32: number | null;
}

export interface UnfinishedPlace {
  readonly bucket: string;
  readonly optionals: Optionals;
  readonly objectKey: string;
  readonly parts: readonly Part[];
}

export type ConfirmOutcome =
  | { readonly status: 'confirmed'; readonly parts: Map<number, UploadedPart> }
  /** The upload no longer exists or cannot be listed, so it cannot be resumed. */
  | { readonly status: 'gone' }
  | RetryOutcome;

/**
 * The planned parts that the store already has. A part of `request.unfinished` must match in number, size and ETag. A part that the process could not
 * record before it was killed must match in number, size and the CRC-32 of the source.
 */
export async function confirmParts(
  connection: S3Connection,
  { bucket, optionals, objectKey, parts }: UnfinishedPlace,
  request: CommitRequest,
): Promise<ConfirmOutcome> {
  const { unfinished, signal } = request;
  if (unfinished === undefined || !optionals.uses('listParts')) return { status: 'gone' };
  const listed = await listParts(
    connection,
    { Bucket: bucket, Key: objectKey, UploadId: unfinished.uploadId },
    optionals,
    signal,
  );
  if (listed === null) return { status: 'gone' };
  // Commits retry "no such upload", because they then start over; here it means `gone`.
  if ('status' in listed) return isPassing(listed) ? listed : { status: 'gone' };
  const noted = new Map(unfinished.parts.map((part) => [part.number, part]));
  const confirmed = new Map<number, UploadedPart>();
  for (const part of parts) {
    const found = listed.get(part.number);
    const sizeBytes = part.end - part.start;
    if (part.isCopied || found?.ETag === undefined || found.Size !== sizeBytes) continue;
    const etag = stripQuotes(found.ETag);
    const known = noted.get(part.number);
    const isNoted = known !== undefined && known.sizeBytes === sizeBytes && stripQuotes(known.etag) === etag;
    const crc32 = isNoted ? known.crc32 : await findCrc32(part, found, request);
    if (crc32 !== null)
      confirmed.set(part.number, { etag, sizeBytes, crc32: toBase64Crc(crc32), sentCrc32: crc32 });
  }
  return { status: 'confirmed', parts: confirmed };
}

/** CRC-32 of the source for an unrecorded part; null unless the store has the same CRC-32. */
async function findCrc32(part: Part, found: ListedPart, request: CommitRequest): Promise<number | null> {
  if (found.ChecksumCRC32 === undefined) return null;
  const crc32 = await crc32OfRange(part, request);
  return crc32 !== null && toBase64Crc(crc32) === found.ChecksumCRC32 ? crc32 : null;
}

/** Null when the store rejects the operation. */
async function listParts(
  connection: S3Connection,
  input: { Bucket: string; Key: string; UploadId: string },
  optionals: Optionals,
  signal: AbortSignal | undefined,
): Promise<Map<number, ListedPart> | RetryOutcome | FailedOutcome | null> {
  const listed = new Map<number, ListedPart>();
  const guard = new ListingGuard(`list the parts of ${input.Key}`);
  let marker: string | undefined;
  try {
    for (;;) {
      const after = marker === undefined ? {} : { PartNumberMarker: marker };
      const page = await connection.send((sdk) => new sdk.ListPartsCommand({ ...input, ...after }), {
        signal,
      });
      for (const part of page.Parts ?? [])
        if (part.PartNumber !== undefined) listed.set(part.PartNumber, part);
      marker = page.NextPartNumberMarker;
      optionals.accept(['listParts']);
      if (page.IsTruncated !== true || marker === undefined) return listed;
      guard.advance(marker, page.Parts?.length ?? 0);
    }
  } catch (error) {
    signal?.throwIfAborted();
    const rejection = optionals.suspect(['listParts'], error);
    if (rejection !== null) {
      optionals.reject('listParts', rejection);
      return null;
    }
    return outcomeFrom(`list the parts of ${input.Key}`, error, signal);
  }
}
