/**
 * A Google Cloud Storage bucket as a driver. Google's library provides only the credentials.
 *
 * Parts go into an upload session, in order; the object appears after the last one, if the whole has the announced CRC-32C. A session lasts a
 * week, so that a later process can resume it. An append composes the base and a tail. Every write is conditional on the generation of the
 * object that it replaces, which serves as the ETag. Source: Cloud Storage documentation, "Perform resumable uploads" and "Composite objects".
 */

import { crc32c } from '../../../src/format/record/crc32c.js';
import { OutcomeError } from '../../base/retry-table.js';
import { ListingGuard } from '../base/bounds.js';
import { type StoreCapabilities, withMinBase } from '../base/capabilities.js';
import { CONTENT_TYPE, fromBase64Crc, toBase64Crc } from '../base/commit-metadata.js';
import { unexpected } from '../base/commit-outcome.js';
import { combineCrc32c } from '../base/crc32-combine.js';
import type {
  BaseOutcome,
  CompleteOutcome,
  ObjectWrite,
  OpenOutcome,
  Orphan,
  PartBody,
  PartOutcome,
  PartsOutcome,
  PutOutcome,
  StoreDriver,
  StoredTail,
  StoreLimits,
  Upload,
  UploadedPart,
} from '../base/driver.js';
import type { Part } from '../base/part-planner.js';
import type { AppendRequest, ObjectVersion, RemoveOutcome, RemoveRequest } from '../base/store.js';
import { GcsError, gcsOutcomeFrom, isAbsent, isOtherObject } from './answer.js';
import type { GcsClientOptions } from './client.js';
import {
  type GcsAnswer,
  type GcsConnection,
  type GcsObject,
  OBJECT_FIELDS,
  parseJson,
} from './connection.js';
import { toGcsMetadata, toStoredObject } from './metadata.js';
import { fromTailKey, TAILS, toTailKey } from './names.js';
import { GcsReader, listPage, removeObject } from './reader.js';
import { GCS_LIMITS, type GcsLimits, UNPROBED_GCS } from './store-limits.js';

export interface GcsStoreOptions extends GcsClientOptions {
  readonly bucket: string;
  /** Without a slash at either end; may be empty. */
  readonly prefix: string;
  /** Tests use smaller limits. */
  readonly limits?: Partial<GcsLimits> | undefined;
}

/** The status of a response while an upload is incomplete. */
const INCOMPLETE = 308;
const BOUNDARY = 'polytrack-3f1c9a7e5b';
const JSON_TYPE = 'application/json; charset=utf-8';
/** Source: Cloud Storage documentation, "About Cloud Storage objects", naming. */
const MAX_NAME_BYTES = 1024;

export class GcsDriver extends GcsReader implements StoreDriver {
  readonly id: string;
  readonly limits: StoreLimits;
  readonly capabilities: StoreCapabilities;

  constructor(id: string, connection: GcsConnection, { prefix, limits }: GcsStoreOptions) {
    super(connection, prefix === '' ? '' : `${prefix}/`);
    const { singlePutMaxBytes, pieceBytes, budgetBytes, minBaseBytes } = { ...GCS_LIMITS, ...limits };
    this.id = id;
    this.capabilities = withMinBase(UNPROBED_GCS, minBaseBytes);
    this.limits = {
      singlePutMaxBytes,
      bufferMaxBytes: Math.max(singlePutMaxBytes, pieceBytes),
      budgetBytes,
      partBytes: () => pieceBytes,
      partsAtOnce: 1,
      needsCrc32c: true,
    };
  }

  /** Source: Cloud Storage JSON API v1, "Upload an object with multipart upload". */
  async put(write: ObjectWrite, { open }: PartBody): Promise<PutOutcome> {
    const body = open() as Buffer; // no body is larger than `bufferMaxBytes`
    const ifGenerationMatch = toGeneration(write.base);
    if (ifGenerationMatch === null) return { status: 'conflict' };
    const resource = JSON.stringify(this.#toResource(write, crc32c(body)));
    const start = Buffer.from(
      `--${BOUNDARY}\r\ncontent-type: ${JSON_TYPE}\r\n\r\n${resource}\r\n--${BOUNDARY}\r\ncontent-type: ${CONTENT_TYPE}\r\n\r\n`,
    );
    const end = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
    try {
      write.onBytesSent?.(body.length);
      const object = await this.connection.ask<GcsObject>({
        method: 'POST',
        path: this.connection.uploadPath,
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
        signal: write.signal,
      });
      return toStored(object, write, 'stored');
    } catch (error) {
      return failureFrom(error, write);
    }
  }

  async openUpload(write: ObjectWrite): Promise<OpenOutcome> {
    const ifGenerationMatch = toGeneration(write.base);
    if (ifGenerationMatch === null) return { status: 'conflict' };
    try {
      const { headers } = await this.connection.send({
        method: 'POST',
        path: this.connection.uploadPath,
        query: { uploadType: 'resumable', ifGenerationMatch, fields: OBJECT_FIELDS },
        headers: {
          'content-type': JSON_TYPE,
          'x-upload-content-type': CONTENT_TYPE,
          'x-upload-content-length': String(write.target.sizeBytes),
        },
        body: Buffer.from(JSON.stringify(this.#toResource(write, write.crc32c ?? 0))),
        signal: write.signal,
      });
      const { location } = headers;
      return location !== undefined && URL.canParse(location)
        ? { status: 'opened', id: location }
        : unexpected(`upload ${write.key}`, 'location');
    } catch (error) {
      return failureFrom(error, write);
    }
  }

  async listParts({ id, write }: Upload): Promise<PartsOutcome> {
    // Never send data and credentials to another server.
    if (!URL.canParse(id) || new URL(id).origin !== new URL(this.connection.endpoint).origin)
      return { status: 'gone', cause: new Error(`${write.key}: the upload session is of another server`) };
    try {
      const answer = await this.#sendTo(id, write, `bytes */${write.target.sizeBytes}`);
      if (answer.status !== INCOMPLETE)
        return toStored(parseJson(answer.text) as GcsObject, write, 'completed');
      return { status: 'listed', parts: [toPart(0, 0, toOffset(answer))] };
    } catch (error) {
      return isEnded(error) ? toGone(error, write) : failureFrom(error, write);
    }
  }

  async putPart({ id, write }: Upload, { number, start, end }: Part, body: PartBody): Promise<PartOutcome> {
    const { target, key } = write;
    write.onBytesSent?.(body.sizeBytes);
    try {
      const range = `bytes ${start}-${end - 1}/${target.sizeBytes}`;
      const answer = await this.#sendTo(id, write, range, body.open() as Buffer);
      if (answer.status !== INCOMPLETE)
        return toStored(parseJson(answer.text) as GcsObject, write, 'completed');
      const offset = toOffset(answer);
      // The store may keep less than it was sent. More means that another writer uses the session.
      return offset > end || offset <= start || offset === target.sizeBytes
        ? unexpected(`upload ${key}`, 'valid range')
        : { status: 'kept', part: toPart(number, start, offset) };
    } catch (error) {
      return isEnded(error) ? toGone(error, write) : failureFrom(error, write);
    }
  }

  /** Not needed, because the last part completes an upload. */
  async complete({ write }: Upload): Promise<CompleteOutcome> {
    return unexpected(`upload ${write.key}`, 'object');
  }

  async discard({ id }: { readonly id: string }): Promise<void> {
    try {
      // 499 confirms the cancellation.
      await this.connection.send({ method: 'DELETE', path: new URL(id), expected: [499] });
    } catch {
      // The store is unavailable. It ends the session after a week.
    }
  }

  async findBase({ key, base, signal }: AppendRequest): Promise<BaseOutcome> {
    try {
      const found = await this.connection.head(this.prefix + key, signal);
      const { etag, crc32 } = toStoredObject(found);
      const kept = fromBase64Crc(found.crc32c);
      if (etag !== base.etag) return { status: 'conflict' };
      // Another program has written the object, so its CRC-32 is unknown.
      if (crc32 === null || kept === null) return { status: 'unsupported' };
      return crc32 === base.crc32 ? { status: 'found', kept, parts: [] } : { status: 'conflict' };
    } catch (error) {
      return isOtherObject(error) ? { status: 'conflict' } : gcsOutcomeFrom(`check ${key}`, error, signal);
    }
  }

  toTailKey({ key, commitId }: Pick<ObjectWrite, 'key' | 'commitId'>): string | null {
    const tailKey = toTailKey(key, commitId);
    return Buffer.byteLength(this.prefix + tailKey) > MAX_NAME_BYTES ? null : tailKey;
  }

  /** Conditions on generations ensure that exactly the checked objects are composed. Source: JSON API v1, "Objects: compose". */
  async join(write: ObjectWrite, kept: unknown, tail: StoredTail): Promise<PutOutcome> {
    const { key, base, signal } = write;
    const crc = combineCrc32c(Number(kept), tail.crc32c, tail.sizeBytes);
    const toSource = (each: string, generation: string | undefined) => ({
      name: this.prefix + each,
      generation,
      objectPreconditions: { ifGenerationMatch: generation },
    });
    const body = {
      kind: 'storage#composeRequest',
      destination: { contentType: CONTENT_TYPE, metadata: toGcsMetadata(write, crc) },
      sourceObjects: [toSource(key, base?.etag), toSource(tail.key, tail.etag)],
    };
    try {
      const object = await this.connection.ask<GcsObject>({
        method: 'POST',
        path: `${this.connection.objectPath(this.prefix + key)}/compose`,
        query: { ifGenerationMatch: toGeneration(base) ?? '0', fields: OBJECT_FIELDS },
        headers: { 'content-type': JSON_TYPE },
        body: Buffer.from(JSON.stringify(body)),
        signal,
        isPatient: true,
      });
      return object.crc32c === toBase64Crc(crc)
        ? toStored(object, write, 'stored')
        : unexpected(`append to ${key}`, 'matching checksum');
    } catch (error) {
      return isOtherObject(error)
        ? { status: 'conflict' }
        : gcsOutcomeFrom(`append to ${key}`, error, signal);
    }
  }

  /** The tails of appends that were not composed. The store ends upload sessions within a week. */
  async *listOrphans(prefix: string, signal?: AbortSignal): AsyncGenerator<Orphan> {
    const below = `${this.prefix}${TAILS}${prefix}${prefix.endsWith('/') || prefix === '' ? '' : '/'}`;
    const guard = new ListingGuard(`list ${below}`);
    let pageToken: string | undefined;
    do {
      const page = await listPage(this.connection, { prefix: below, pageToken }, signal).catch((error) => {
        throw new OutcomeError(gcsOutcomeFrom('list the tails of appends', error, signal));
      });
      for (const { name, generation: etag, timeCreated = '' } of page.items ?? []) {
        const ageMs = this.connection.storeTimeMs() - Date.parse(timeCreated);
        const { key, commitId: id } = fromTailKey(name.slice(this.prefix.length));
        yield { key, id, etag, ageMs };
      }
      pageToken = page.nextPageToken;
      if (pageToken) guard.advance(pageToken, page.items?.length ?? 0);
    } while (pageToken);
  }

  async removeOrphan({ key, id, etag }: Omit<Orphan, 'ageMs'>, signal?: AbortSignal): Promise<boolean> {
    return removeObject(this.connection, this.prefix + toTailKey(key, id), etag, signal);
  }

  async remove({ key, version, signal }: RemoveRequest): Promise<RemoveOutcome> {
    const ifGenerationMatch = toGeneration(version);
    if (ifGenerationMatch === null) return { status: 'conflict' };
    const path = this.connection.objectPath(this.prefix + key);
    try {
      await this.connection.send({ method: 'DELETE', path, query: { ifGenerationMatch }, signal });
      return { status: 'removed' };
    } catch (error) {
      return isOtherObject(error) ? { status: 'conflict' } : gcsOutcomeFrom(`remove ${key}`, error, signal);
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  #sendTo(id: string, { signal }: ObjectWrite, range: string, body?: Buffer): Promise<GcsAnswer> {
    const headers = { 'content-range': range };
    return this.connection.send({
      ...{ method: 'PUT', path: new URL(id), headers, body, signal, expected: [INCOMPLETE] },
    });
  }

  #toResource(write: ObjectWrite, crc: number) {
    const metadata = toGcsMetadata(write, crc);
    return { name: this.prefix + write.key, contentType: CONTENT_TYPE, crc32c: toBase64Crc(crc), metadata };
  }
}

/** The outcome of an upload that failed. 404 without a base: the bucket does not exist. */
function failureFrom(error: unknown, { key, base, signal }: ObjectWrite) {
  if (isOtherObject(error) && (base !== null || !isAbsent(error))) return { status: 'conflict' } as const;
  return gcsOutcomeFrom(`upload ${key}`, error, signal);
}

/** Whether the session has ended: it was completed or cancelled, or is more than a week old. */
function isEnded(error: unknown): boolean {
  return error instanceof GcsError && (error.httpStatus === 404 || error.httpStatus === 410);
}

function toGone(error: unknown, { key }: ObjectWrite) {
  return {
    status: 'gone',
    cause: new Error(`${key}: the upload session has ended`, { cause: error }),
  } as const;
}

/** The required generation of the object: 0 if none may exist. Null for an ETag that is not a generation of this store. */
function toGeneration(base: ObjectVersion | null): string | null {
  if (base === null) return '0';
  return /^[1-9]\d*$/.test(base.etag) ? base.etag : null;
}

function toStored<Status extends string>({ generation }: GcsObject, { key }: ObjectWrite, status: Status) {
  return typeof generation === 'string'
    ? { status, etag: generation }
    : unexpected(`upload ${key}`, 'generation');
}

function toPart(number: number, start: number, end: number): UploadedPart {
  return { number, etag: `${start}-${end}`, sizeBytes: end - start, crc32: null };
}

/** The offset from `Range: bytes=0-N`. The header is missing while the store has no bytes. */
function toOffset({ headers }: GcsAnswer): number {
  const last = /^bytes=0-(\d+)$/.exec(headers.range ?? '')?.[1];
  return last === undefined ? 0 : Number(last) + 1;
}
