/** Commits small objects in one request. Azure checks the MD5 of the body. */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ModifiedAccessConditions } from '@azure/storage-blob';
import { readBody } from '../base/body-memory.js';
import { CONTENT_TYPE, toMetadata } from '../base/commit-metadata.js';
import { resolveConflict, toStoredOutcome } from '../base/commit-outcome.js';
import type { CommitOutcome, CommitRequest, HeadOutcome, ObjectVersion } from '../base/store.js';
import { azureOutcomeFrom, isOtherObject } from './answer.js';
import type { AzureConnection } from './connection.js';
import { toAzureMetadata } from './reader.js';

export interface AzureWriter {
  readonly connection: AzureConnection;
  readonly head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>;
}

export async function putBlob(
  { connection, head }: AzureWriter,
  { name, buffer }: { readonly name: string; readonly buffer: Buffer | null },
  request: CommitRequest,
): Promise<CommitOutcome> {
  const { key, source, target, signal } = request;
  const body = await readBody(source, { start: 0, end: target.sizeBytes }, buffer);
  if (body.length !== target.sizeBytes || crc32(body) !== target.crc32) return { status: 'changed' };
  try {
    const { etag } = await connection.send(
      (options) => {
        request.onBytesSent?.(body.length);
        return connection.blob(name).upload(body, body.length, {
          ...options,
          // Azure checks it on arrival and stores it: Azure Storage REST API Reference, "Put Blob", x-ms-blob-content-md5.
          blobHTTPHeaders: { blobContentMD5: md5(body), blobContentType: CONTENT_TYPE },
          metadata: toAzureMetadata(toMetadata(request)),
          conditions: toConditions(request.base),
        });
      },
      { signal, sizeBytes: body.length },
    );
    return toStoredOutcome(`upload ${key}`, etag);
  } catch (error) {
    if (isOtherObject(error)) return resolveConflict(await head(key, signal), request);
    return azureOutcomeFrom(`upload ${key}`, error, signal);
  }
}

export function toConditions(base: ObjectVersion | null): ModifiedAccessConditions {
  return base === null ? { ifNoneMatch: '*' } : { ifMatch: `"${base.etag}"` };
}

export function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}
