/** Aborts orphaned multipart uploads, whose parts are charged until then. */

import type { ListMultipartUploadsCommandOutput, MultipartUpload } from '@aws-sdk/client-s3';
import { ListingGuard } from '../base/bounds.js';
import { PrefixSet } from '../base/prefix-set.js';
import type { CollectOutcome, CollectRequest } from '../base/store.js';
import { outcomeFrom } from './answer.js';
import type { S3Connection } from './connection.js';
import type { Optionals } from './optionals.js';

export interface CollectPlace {
  readonly bucket: string;
  readonly optionals: Optionals;
  readonly toObjectKey: (key: string) => string;
  /** Whether this process uses the upload. */
  readonly isInUse: (uploadId: string) => boolean;
}

/** How often a failed listing is repeated. It is optional, so its failures do not count as an outage. */
const MAX_ATTEMPTS = 3;

/** Aborts the uploads below the prefixes that are old enough by the clock of the store. Does nothing if the store cannot list uploads. */
export async function collectUploads(
  connection: S3Connection,
  place: CollectPlace,
  { prefixes, olderThanMs, signal }: CollectRequest,
): Promise<CollectOutcome> {
  let removed = 0;
  let left = 0;
  const { optionals } = place;
  if (!optionals.uses('listUploads')) return { status: 'collected', removed, left };
  const wanted = new PrefixSet(prefixes);
  const baseLength = place.toObjectKey('').length;
  for (const prefix of wanted.toList) {
    try {
      for await (const { Key, UploadId, Initiated } of listUploads(connection, place, prefix, signal)) {
        if (Key === undefined || UploadId === undefined || place.isInUse(UploadId)) continue;
        // Listings match any prefix: `a` also finds `a.1`.
        if (!wanted.has(Key.slice(baseLength))) continue;
        const ageMs = Initiated === undefined ? 0 : connection.storeTimeMs() - Initiated.getTime();
        // Some stores round `Initiated` to seconds, so an age of 0 means all uploads.
        const isOld = olderThanMs === 0 || ageMs > olderThanMs;
        if (isOld && (await abort(connection, { Bucket: place.bucket, Key, UploadId }, signal))) removed += 1;
        else left += 1;
      }
    } catch (error) {
      signal?.throwIfAborted();
      const rejection = optionals.suspect(['listUploads'], error);
      if (rejection !== null) optionals.reject('listUploads', rejection);
      const outcome = outcomeFrom(`list the multipart uploads below ${prefix}`, error, signal);
      return outcome.status === 'retry' ? { ...outcome, maxAttempts: MAX_ATTEMPTS } : outcome;
    }
    optionals.accept(['listUploads']);
  }
  return { status: 'collected', removed, left };
}

async function* listUploads(
  connection: S3Connection,
  { bucket, toObjectKey }: CollectPlace,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<MultipartUpload> {
  const guard = new ListingGuard(`list the multipart uploads below ${prefix}`);
  let after: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const input = { Bucket: bucket, Prefix: toObjectKey(prefix), ...after };
    const page: ListMultipartUploadsCommandOutput = await connection.send(
      (sdk) => new sdk.ListMultipartUploadsCommand(input),
      { signal },
    );
    yield* page.Uploads ?? [];
    const { NextKeyMarker, NextUploadIdMarker } = page;
    if (page.IsTruncated !== true || NextKeyMarker === undefined) return;
    guard.advance(`${NextKeyMarker} ${NextUploadIdMarker}`, page.Uploads?.length ?? 0);
    after = {
      KeyMarker: NextKeyMarker,
      ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
    };
  }
}

/** Aborts an upload. False when that failed: the next `collect` retries. */
async function abort(
  connection: S3Connection,
  input: { Bucket: string; Key: string; UploadId: string },
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await connection.send((sdk) => new sdk.AbortMultipartUploadCommand(input), { signal });
    return true;
  } catch {
    signal?.throwIfAborted();
    return false;
  }
}
