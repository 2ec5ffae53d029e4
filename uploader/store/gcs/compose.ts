/**
 * Appends: uploads the tail as a separate object, then the store composes base and tail into one object with a known CRC-32C. Conditions on
 * generations ensure that exactly the checked objects are composed.
 *
 * Source: Cloud Storage documentation, "Composite objects", and JSON API v1, "Objects: compose".
 */

import { CONTENT_TYPE, fromBase64Crc, toBase64Crc } from '../base/commit-metadata.js';
import { resolveConflict, unexpected } from '../base/commit-outcome.js';
import { combineCrc32, combineCrc32c } from '../base/crc32-combine.js';
import type { AppendOutcome, AppendRequest, CommitOutcome, CommitRequest } from '../base/store.js';
import { gcsOutcomeFrom, isOtherObject } from './answer.js';
import { type GcsObject, OBJECT_FIELDS } from './connection.js';
import { toGcsMetadata, toStoredObject } from './metadata.js';
import { toTailKey } from './names.js';
import { scan } from './session.js';
import { removeTail } from './tail.js';
import { type GcsWriter, toGeneration, toStored } from './upload.js';

/** Source: Cloud Storage documentation, "About Cloud Storage objects", naming. */
const MAX_NAME_BYTES = 1024;

export interface ComposeOptions extends GcsWriter {
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  /** Uploads an object, in one request or in pieces depending on its size. */
  readonly store: (request: CommitRequest) => Promise<CommitOutcome>;
}

export class GcsAppends {
  readonly #options: ComposeOptions;
  /** By commit id: the object names of tails that are not composed yet. */
  readonly #tails = new Map<string, string>();

  constructor(options: ComposeOptions) {
    this.#options = options;
  }

  isInUse(commitId: string): boolean {
    return this.#tails.has(commitId);
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    const { key, base, target, signal } = request;
    const found = await this.#findBase(request);
    if ('status' in found) return found;
    if (target.sizeBytes === base.sizeBytes)
      return target.crc32 === base.crc32 ? { status: 'stored', etag: base.etag } : { status: 'changed' };
    const tail = await scan(request, { start: base.sizeBytes, end: target.sizeBytes });
    const tailBytes = target.sizeBytes - base.sizeBytes;
    if (tail === null || combineCrc32(base.crc32, tail.crc32, tailBytes) !== target.crc32)
      return { status: 'changed' };
    const tailKey = toTailKey(key, request.commitId);
    if (Buffer.byteLength(this.#options.prefix + tailKey) > MAX_NAME_BYTES) return { status: 'unsupported' };
    this.#tails.set(request.commitId, this.#options.prefix + tailKey);
    const stored = await this.#options.store(toTailRequest(request, { key: tailKey, crc32: tail.crc32 }));
    if (stored.status !== 'stored') return this.#end(request, stored);
    const crc32c = combineCrc32c(found.crc32c, tail.crc32c, tailBytes);
    const outcome = await this.#compose(request, { tailKey, tailGeneration: stored.etag, crc32c });
    signal?.throwIfAborted();
    return this.#end(request, outcome);
  }

  async abandon(commitId: string): Promise<void> {
    const name = this.#tails.get(commitId);
    if (name === undefined) return;
    await removeTail(this.#options.connection, { name });
    this.#tails.delete(commitId);
  }

  /** Removes the tail, unless the same commit may be retried. */
  async #end(request: AppendRequest, outcome: CommitOutcome): Promise<CommitOutcome> {
    if (outcome.status !== 'retry') await this.abandon(request.commitId);
    return outcome;
  }

  /** The CRC-32C of the base, if it is the object that the caller expects. */
  async #findBase(request: AppendRequest): Promise<{ readonly crc32c: number } | AppendOutcome> {
    const { connection, head, prefix } = this.#options;
    const { key, base, signal } = request;
    try {
      const found = await connection.head(prefix + key, signal);
      const object = toStoredObject(found);
      const crc32c = fromBase64Crc(found.crc32c);
      if (object.etag !== base.etag) return resolveConflict({ status: 'found', object }, request);
      // Another program has written the object, so its CRC-32 is unknown.
      if (object.crc32 === null || crc32c === null) return { status: 'unsupported' };
      return object.crc32 === base.crc32 ? { crc32c } : { status: 'conflict' };
    } catch (error) {
      if (isOtherObject(error)) return resolveConflict(await head(key, signal), request);
      return gcsOutcomeFrom(`check ${key}`, error, signal);
    }
  }

  async #compose(
    request: AppendRequest,
    { tailKey, tailGeneration, crc32c }: { tailKey: string; tailGeneration: string; crc32c: number },
  ): Promise<CommitOutcome> {
    const { connection, head, prefix } = this.#options;
    const { key, base, signal } = request;
    const toSource = (name: string, generation: string) => ({
      name: prefix + name,
      generation,
      objectPreconditions: { ifGenerationMatch: generation },
    });
    try {
      const object = await connection.ask<GcsObject>({
        method: 'POST',
        path: `${connection.objectPath(prefix + key)}/compose`,
        query: { ifGenerationMatch: toGeneration(base) ?? '0', fields: OBJECT_FIELDS },
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: Buffer.from(
          JSON.stringify({
            kind: 'storage#composeRequest',
            destination: {
              contentType: CONTENT_TYPE,
              metadata: toGcsMetadata(request, crc32c),
            },
            sourceObjects: [toSource(key, base.etag), toSource(tailKey, tailGeneration)],
          }),
        ),
        signal,
        isPatient: true,
      });
      return object.crc32c === toBase64Crc(crc32c)
        ? toStored(object, key)
        : unexpected(`append to ${key}`, 'matching checksum');
    } catch (error) {
      if (isOtherObject(error)) {
        const outcome = resolveConflict(await head(key, signal), request);
        // 404 may also mean that the tail was removed. A retry uploads it again.
        const found = outcome.status === 'conflict' ? await head(key, signal) : null;
        if (found?.status === 'found' && found.object.etag === base.etag)
          return { status: 'retry', cause: error, maxAttempts: 5 };
        return outcome;
      }
      return gcsOutcomeFrom(`append to ${key}`, error, signal);
    }
  }
}

/** The commit that uploads the tail. */
function toTailRequest(
  request: AppendRequest,
  { key, crc32 }: { readonly key: string; readonly crc32: number },
): CommitRequest {
  const { source, base, target, readInto } = { ...request, readInto: request.source.readInto };
  const shift = base.sizeBytes;
  return {
    ...request,
    key,
    base: null,
    target: { sizeBytes: target.sizeBytes - shift, crc32 },
    source: {
      read: (start, end) => source.read(start + shift, end + shift),
      ...(readInto === undefined
        ? {}
        : { readInto: (buffer, start) => readInto.call(source, buffer, start + shift) }),
    },
  };
}
