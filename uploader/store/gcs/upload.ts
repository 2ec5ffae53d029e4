/** Uploads an object in one request. The store checks its CRC-32C before the object appears. */

import { crc32 } from 'node:zlib';
import { crc32c } from '../../../src/format/record/crc32c.js';
import { readBody } from '../base/body-memory.js';
import { CONTENT_TYPE, toBase64Crc } from '../base/commit-metadata.js';
import { resolveConflict, unexpected } from '../base/commit-outcome.js';
import type { CommitOutcome, CommitRequest, HeadOutcome, ObjectVersion } from '../base/store.js';
import { gcsOutcomeFrom, isOtherObject } from './answer.js';
import { type GcsConnection, type GcsObject, OBJECT_FIELDS } from './connection.js';
import { toGcsMetadata } from './metadata.js';

export interface GcsWriter {
  readonly connection: GcsConnection;
  readonly head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>;
}

const BOUNDARY = 'polytrack-3f1c9a7e5b';

/** Source: Cloud Storage JSON API v1, "Upload an object with multipart upload". */
export async function uploadObject(
  { connection, head }: GcsWriter,
  { name, buffer }: { readonly name: string; readonly buffer: Buffer | null },
  request: CommitRequest,
): Promise<CommitOutcome> {
  const { key, source, target, signal, base } = request;
  const body = await readBody(source, { start: 0, end: target.sizeBytes }, buffer);
  if (body.length !== target.sizeBytes || crc32(body) !== target.crc32) return { status: 'changed' };
  const ifGenerationMatch = toGeneration(base);
  if (ifGenerationMatch === null) return resolveConflict(await head(key, signal), request);
  const resource = toResource(name, crc32c(body), request);
  const start = Buffer.from(
    `--${BOUNDARY}\r\ncontent-type: application/json; charset=utf-8\r\n\r\n${JSON.stringify(resource)}\r\n--${BOUNDARY}\r\ncontent-type: ${CONTENT_TYPE}\r\n\r\n`,
  );
  const end = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
  try {
    request.onBytesSent?.(body.length);
    const object = await connection.ask<GcsObject>({
      method: 'POST',
      path: connection.uploadPath,
      query: { uploadType: 'multipart', ifGenerationMatch, fields: OBJECT_FIELDS },
      headers: { 'content-type': `multipart/related; boundary=${BOUNDARY}` },
      body: {
        sizeBytes: start.length + body.length + end.length,
        async *chunks() {
          yield start;
          if (body.length > 0) yield body;
          yield end;
        },
      },
      signal,
    });
    return toStored(object, key);
  } catch (error) {
    return refusalFrom(error, request, head);
  }
}

/** The outcome of an upload that failed with `error`. */
export async function refusalFrom(
  error: unknown,
  request: CommitRequest,
  head: GcsWriter['head'],
): Promise<CommitOutcome> {
  const { key, signal, base } = request;
  if (isOtherObject(error)) {
    const found = await head(key, signal);
    // 404 without a base: the bucket does not exist.
    if (found.status !== 'absent' || base !== null) return resolveConflict(found, request);
  }
  return gcsOutcomeFrom(`upload ${key}`, error, signal);
}

export function toResource(name: string, crc: number, request: CommitRequest) {
  return {
    name,
    contentType: CONTENT_TYPE,
    crc32c: toBase64Crc(crc),
    metadata: toGcsMetadata(request, crc),
  };
}

/** The required generation of the object: 0 if none may exist. Null for an ETag that is not a generation of this store. */
export function toGeneration(base: ObjectVersion | null): string | null {
  if (base === null) return '0';
  return /^[1-9]\d*$/.test(base.etag) ? base.etag : null;
}

export function toStored({ generation }: GcsObject, key: string): CommitOutcome {
  return typeof generation === 'string'
    ? { status: 'stored', etag: generation }
    : unexpected(`upload ${key}`, 'generation');
}
