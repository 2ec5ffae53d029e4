/** What a process that is gone has left of a multipart upload, as the store confirms it. */

import type { Part as ListedPart } from '@aws-sdk/client-s3';
import type { FailedOutcome, RetryOutcome } from '../../base/retry.js';
import type { Part } from '../base/part-planner.js';
import type { CommitRequest } from '../base/store.js';
import { outcomeFrom } from './answer.js';
import { crc32OfRange } from './body.js';
import { stripQuotes, toBase64Crc32 } from './commit.js';
import type { S3Connection } from './connection.js';

export interface UploadedPart {
  readonly etag: string;
  readonly sizeBytes: number;
  /** Of a copied part what the store said, if it said anything. */
  readonly crc32: string | undefined;
  /** Null for a copied part: nothing was read. */
  readonly sentCrc32: number | null;
}

export interface UnfinishedPlace {
  readonly bucket: string;
  readonly objectKey: string;
  readonly parts: readonly Part[];
}

export type ConfirmOutcome =
  | { readonly status: 'confirmed'; readonly parts: Map<number, UploadedPart> }
  /** There is no such upload any more, or it cannot be looked at: it cannot be gone on with. */
  | { readonly status: 'gone' }
  | RetryOutcome;

/**
 * The parts of the upload that the plan still has and the store holds: those of `request.unfinished` by number, size and ETag; others, of which a
 * process did not live to note that they were stored, by number, size and the CRC-32 of what the source has there.
 */
export async function confirmParts(
  connection: S3Connection,
  { bucket, objectKey, parts }: UnfinishedPlace,
  request: CommitRequest,
): Promise<ConfirmOutcome> {
  const { unfinished, signal } = request;
  if (unfinished === undefined) return { status: 'gone' };
  const listed = await listParts(
    connection,
    { Bucket: bucket, Key: objectKey, UploadId: unfinished.uploadId },
    signal,
  );
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
      confirmed.set(part.number, { etag, sizeBytes, crc32: toBase64Crc32(crc32), sentCrc32: crc32 });
  }
  return { status: 'confirmed', parts: confirmed };
}

/** CRC-32 of what the source has in place of a part that nobody has noted; null unless the store has the very same. */
async function findCrc32(part: Part, found: ListedPart, request: CommitRequest): Promise<number | null> {
  if (found.ChecksumCRC32 === undefined) return null;
  const crc32 = await crc32OfRange(part, request);
  return crc32 !== null && toBase64Crc32(crc32) === found.ChecksumCRC32 ? crc32 : null;
}

async function listParts(
  connection: S3Connection,
  input: { Bucket: string; Key: string; UploadId: string },
  signal: AbortSignal | undefined,
): Promise<Map<number, ListedPart> | RetryOutcome | FailedOutcome> {
  const listed = new Map<number, ListedPart>();
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
      if (page.IsTruncated !== true || marker === undefined) return listed;
    }
  } catch (error) {
    return outcomeFrom(`list the parts of ${input.Key}`, error, signal);
  }
}

/** "No such upload" has its row among what is tried again, because a commit then starts anew; here it is an answer. */
function isPassing(outcome: RetryOutcome | FailedOutcome): outcome is RetryOutcome {
  return (
    outcome.status === 'retry' &&
    (outcome.maxAttempts ?? Number.POSITIVE_INFINITY) === Number.POSITIVE_INFINITY
  );
}
