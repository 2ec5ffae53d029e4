/** Commits small objects in one request. The store checks the checksum. */

import { crc32 } from 'node:zlib';
import { readBody } from '../base/body-memory.js';
import { toBase64Crc, toMetadata } from '../base/commit-metadata.js';
import { resolveConflict, toStoredOutcome } from '../base/commit-outcome.js';
import type { CommitOutcome, CommitRequest, HeadOutcome } from '../base/store.js';
import { outcomeFrom } from './answer.js';
import {
  type Condition,
  type Conditions,
  isBrokenConnection,
  isPreconditionFailure,
} from './conditional-write.js';
import type { S3Connection } from './connection.js';
import type { PutInput, PutOutput } from './direct-put.js';
import type { WriteFields } from './write-options.js';

export interface SinglePutOptions {
  readonly connection: S3Connection;
  readonly bucket: string;
  readonly writeFields: WriteFields;
  readonly conditions: Conditions;
  readonly head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>;
}

export class SinglePuts {
  readonly #options: SinglePutOptions;

  constructor(options: SinglePutOptions) {
    this.#options = options;
  }

  async commit(objectKey: string, request: CommitRequest, buffer: Buffer | null): Promise<CommitOutcome> {
    const { connection, bucket, conditions, writeFields } = this.#options;
    const { key, source, target, signal } = request;
    const body = await readBody(source, { start: 0, end: target.sizeBytes }, buffer);
    if (body.length !== target.sizeBytes || crc32(body) !== target.crc32) return { status: 'changed' };
    const send = (condition: Condition): Promise<PutOutput> => {
      signal?.throwIfAborted();
      const input = {
        Bucket: bucket,
        Key: objectKey,
        Body: body,
        ChecksumCRC32: toBase64Crc(target.crc32),
        Metadata: toMetadata(request),
        ...writeFields,
        ...condition,
      };
      const toInput = (): PutInput => {
        request.onBytesSent?.(body.length);
        return input;
      };
      return connection.put(toInput, { signal, sizeBytes: body.length });
    };
    try {
      const { ETag } = await conditions.send('put', request, send);
      return toStoredOutcome(`upload ${key}`, ETag);
    } catch (error) {
      if (isPreconditionFailure(error))
        return resolveConflict(await this.#options.head(key, signal), request);
      return isBrokenConnection(error) && !signal?.aborted
        ? this.#afterBrokenPut(request, error)
        : outcomeFrom(`upload ${key}`, error, signal);
    }
  }

  /** A server may reject a condition and close the connection before it has read the body; the rejection is then lost. */
  async #afterBrokenPut(request: CommitRequest, error: unknown): Promise<CommitOutcome> {
    const found = await this.#options.head(request.key, request.signal);
    const isKnown = found.status === 'found' || found.status === 'absent';
    const etag = found.status === 'found' ? found.object.etag : null;
    return !isKnown || etag === (request.base?.etag ?? null)
      ? outcomeFrom(`upload ${request.key}`, error, request.signal)
      : resolveConflict(found, request);
  }
}
