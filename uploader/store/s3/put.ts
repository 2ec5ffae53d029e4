/** Commits small objects in one request. The store checks the checksum. */

import { toBase64Crc, toMetadata } from '../base/commit-metadata.js';
import { resolveConflict, toStoredOutcome } from '../base/commit-outcome.js';
import type { CommitOutcome, CommitRequest, HeadOutcome } from '../base/store.js';
import { outcomeFrom } from './answer.js';
import { type PartBody, readPartBody } from './body.js';
import type { S3Sdk } from './client.js';
import { isBrokenConnection, isPreconditionFailure, requireBase, toCondition } from './conditional-write.js';
import type { S3Connection } from './connection.js';
import type { PutInput, PutOutput } from './direct-put.js';
import type { Optionals } from './optionals.js';
import type { WriteFields } from './write-options.js';

export interface SinglePutOptions {
  readonly connection: S3Connection;
  readonly bucket: string;
  readonly writeFields: WriteFields;
  readonly optionals: Optionals;
  readonly head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>;
}

export class SinglePuts {
  readonly #options: SinglePutOptions;

  constructor(options: SinglePutOptions) {
    this.#options = options;
  }

  async commit(objectKey: string, request: CommitRequest, buffer: Buffer | null): Promise<CommitOutcome> {
    const { bucket, optionals, writeFields, head } = this.#options;
    const { key, target, signal } = request;
    const part = { number: 1, start: 0, end: target.sizeBytes, isCopied: false };
    const body = await readPartBody(part, request, buffer);
    if (body === null || body.crc32 !== target.crc32) return { status: 'changed' };
    const condition = toCondition('put', request);
    try {
      const { ETag } = await optionals.send(
        ['putChecksum', 'metadata', condition.name],
        async (uses): Promise<PutOutput> => {
          if (!uses.has(condition.name)) await requireBase(request, head);
          signal?.throwIfAborted();
          const input = {
            Bucket: bucket,
            Key: objectKey,
            ...(uses.has('putChecksum') ? { ChecksumCRC32: toBase64Crc(target.crc32) } : {}),
            Metadata: uses.has('metadata') ? toMetadata(request) : {},
            ...writeFields,
            ...(uses.has(condition.name) ? condition.headers : {}),
          };
          return this.#send(input, body, request);
        },
      );
      return toStoredOutcome(`upload ${key}`, ETag);
    } catch (error) {
      if (isPreconditionFailure(error))
        return resolveConflict(await this.#options.head(key, signal), request);
      return isBrokenConnection(error) && !signal?.aborted
        ? this.#afterBrokenPut(request, error)
        : outcomeFrom(`upload ${key}`, error, signal);
    }
  }

  #send(input: Omit<PutInput, 'Body'>, body: PartBody, request: CommitRequest): Promise<PutOutput> {
    const { connection } = this.#options;
    const { signal, target } = request;
    const options = { signal, sizeBytes: target.sizeBytes };
    const open = () => {
      request.onBytesSent?.(target.sizeBytes);
      return body.open();
    };
    if (body.isBuffer) return connection.put(() => ({ ...input, Body: open() as Buffer }), options);
    const toCommand = (sdk: S3Sdk) =>
      new sdk.PutObjectCommand({ ...input, Body: open(), ContentLength: target.sizeBytes });
    return connection.send(toCommand, options);
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
