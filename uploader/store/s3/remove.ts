/** Removes an object from a bucket if it is the expected version. */

import type { DeleteObjectCommandOutput } from '@aws-sdk/client-s3';
import type { HeadOutcome, RemoveOutcome, RemoveRequest } from '../base/store.js';
import { outcomeFrom, toS3Failure } from './answer.js';
import { isPreconditionFailure } from './conditional-write.js';
import type { S3Connection } from './connection.js';
import type { Optionals } from './optionals.js';

export interface RemovePlace {
  readonly connection: S3Connection;
  readonly bucket: string;
  readonly objectKey: string;
  readonly optionals: Optionals;
}

/**
 * Checks the object with a HEAD request, then deletes it on condition that its ETag is unchanged. If the store does not support conditional deletes,
 * only the HEAD request protects it. Source: Amazon S3 API Reference, `DeleteObject`, `If-Match`.
 */
export async function removeObject(
  { connection, bucket, objectKey, optionals }: RemovePlace,
  { key, version, signal }: RemoveRequest,
  head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>,
): Promise<RemoveOutcome> {
  const found = await head(key, signal);
  if (found.status === 'absent') return { status: 'removed' };
  if (found.status !== 'found') return found;
  if (found.object.etag !== version.etag) return { status: 'conflict' };
  const send = (condition: { IfMatch?: string }): Promise<DeleteObjectCommandOutput> => {
    const input = { Bucket: bucket, Key: objectKey, ...condition };
    return connection.send((sdk) => new sdk.DeleteObjectCommand(input), { signal });
  };
  try {
    const name = 'deleteIfMatch';
    const isConditional = optionals.uses(name);
    await send(isConditional ? { IfMatch: `"${version.etag}"` } : {}).catch(async (error: unknown) => {
      if (!isConditional || optionals.suspect([name], error) !== 'definite') throw error;
      await send({});
      optionals.reject(name, 'definite');
    });
    return { status: 'removed' };
  } catch (error) {
    if (toS3Failure(error).code === 'NoSuchKey') return { status: 'removed' };
    return isPreconditionFailure(error)
      ? { status: 'conflict' }
      : outcomeFrom(`remove ${key}`, error, signal);
  }
}
