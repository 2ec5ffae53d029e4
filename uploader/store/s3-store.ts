/**
 * A bucket of S3, or of anything that speaks its protocol, as a store.
 *
 * Objects up to 16 MiB are one request, larger ones a multipart upload. Every body carries its CRC-32, which the store checks; every
 * write is conditional on the object that it replaces.
 */

import { crc32 } from 'node:zlib';
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { StoreLimitError } from '../errors.js';
import { OutcomeError } from '../retry.js';
import { ByteBudget } from './byte-budget.js';
import { canAppend, type StoreCapabilities, UNPROBED_S3 } from './capabilities.js';
import { planAppend, planParts } from './part-planner.js';
import { toOutcome, toS3Failure } from './s3-answer.js';
import type { S3ClientOptions } from './s3-client.js';
import { collectUploads } from './s3-collect.js';
import {
  type ConditionalWrite,
  Conditions,
  fromBase64Crc32,
  fromMetadata,
  isBrokenConnection,
  isPreconditionFailure,
  resolveConflict,
  stripQuotes,
  toBase64Crc32,
  toMetadata,
  unexpected,
} from './s3-commit.js';
import { S3Connection } from './s3-connection.js';
import { MultipartCommits } from './s3-multipart.js';
import { probeBucket } from './s3-probe.js';
import type {
  AppendOutcome,
  AppendRequest,
  CheckOutcome,
  CollectOutcome,
  CollectRequest,
  CommitOutcome,
  CommitRequest,
  HeadOutcome,
  ListedObject,
  ProbeOutcome,
  Store,
  StoreNotice,
} from './store.js';

export interface S3StoreOptions extends S3ClientOptions {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
  /** Smaller for tests: the real limits need files of gigabytes. */
  readonly limits?: Partial<S3Limits> | undefined;
}

export interface S3Limits {
  /** Objects up to this size are one request. */
  readonly singlePutMaxBytes: number;
  /** Bodies up to this size are held in memory. */
  readonly bufferMaxBytes: number;
  /** All bodies in memory together. */
  readonly budgetBytes: number;
  /** The size of parts; without it the planner chooses. */
  readonly partBytes: number | undefined;
  /** The size of the parts of a tail; without it the planner chooses. */
  readonly tailPartBytes: number | undefined;
  /** The size of ranges that are copied; without it the planner chooses. */
  readonly copyBytes: number | undefined;
}

const MIB = 1024 * 1024;
const LIMITS: S3Limits = {
  singlePutMaxBytes: 16 * MIB,
  bufferMaxBytes: 16 * MIB,
  budgetBytes: 64 * MIB,
  partBytes: undefined,
  tailPartBytes: undefined,
  copyBytes: undefined,
};

/** Opens a bucket as a store: loads the client and finds credentials, sends nothing. Throws as `S3Connection.open` does. */
export async function openS3Store(options: S3StoreOptions): Promise<S3Store> {
  return new S3Store(options, await S3Connection.open(options, options.onNotice));
}

/** The name of the store in journals and reports. */
export function toS3StoreId({ bucket, prefix, endpoint }: S3StoreOptions): string {
  const url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
  return endpoint === undefined ? url : `${url} at ${endpoint}`;
}

export class S3Store implements Store {
  readonly id: string;
  readonly bucket: string;
  /** How its requests are sent: for what a check has to ask beyond what a store is for. */
  readonly connection: S3Connection;
  readonly #prefix: string;
  readonly #limits: S3Limits;
  readonly #conditions: Conditions;
  readonly #budget: ByteBudget;
  readonly #multipart: MultipartCommits;
  readonly #onNotice: (notice: StoreNotice) => void;
  #capabilities: StoreCapabilities = UNPROBED_S3;
  #isConditionNoticed = false;

  /** Use `openS3Store`. */
  constructor(options: S3StoreOptions, connection: S3Connection) {
    this.id = toS3StoreId(options);
    this.bucket = options.bucket;
    this.connection = connection;
    this.#prefix = options.prefix === '' ? '' : `${options.prefix}/`;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#onNotice = options.onNotice ?? (() => undefined);
    const head = this.head.bind(this);
    this.#conditions = new Conditions({
      isHonoured: (write) => isHonoured(this.#capabilities, write),
      onRefused: (write) => this.adopt(withoutConditions(this.#capabilities, write)),
      head,
    });
    this.#budget = new ByteBudget(this.#limits.budgetBytes);
    this.#multipart = new MultipartCommits({
      connection,
      bucket: this.bucket,
      conditions: this.#conditions,
      capabilities: () => this.#capabilities,
      budget: this.#budget,
      bufferMaxBytes: this.#limits.bufferMaxBytes,
      head,
    });
  }

  get capabilities(): StoreCapabilities {
    return this.#capabilities;
  }

  adopt(capabilities: StoreCapabilities): void {
    this.#capabilities = capabilities;
    const { conditionalCreate, conditionalReplace, conditionalComplete } = capabilities;
    if (this.#isConditionNoticed || (conditionalCreate && conditionalReplace && conditionalComplete)) return;
    this.#isConditionNoticed = true;
    this.#onNotice({
      code: 'NOTICE_NO_CONDITIONAL_WRITES',
      message: 'the store refuses conditional writes: let no second uploader work on these runs',
    });
  }

  async probe(signal?: AbortSignal): Promise<ProbeOutcome> {
    const { connection, bucket } = this;
    const outcome = await probeBucket({ connection, bucket, keyPrefix: this.#prefix }, signal);
    if (outcome.status === 'probed') this.adopt(outcome.capabilities);
    return outcome;
  }

  /** The key in the bucket. */
  toObjectKey(key: string): string {
    return `${this.#prefix}${key}`;
  }

  async check(signal?: AbortSignal): Promise<CheckOutcome> {
    const input = { Bucket: this.bucket, Prefix: this.#prefix, MaxKeys: 1 };
    try {
      const page = await this.connection.send((sdk) => new sdk.ListObjectsV2Command(input), { signal });
      return isListing(page) ? { status: 'ready' } : unexpected(`list ${this.id}`, 'bucket');
    } catch (error) {
      return toOutcome(`list ${this.id}`, error, signal);
    }
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const { sizeBytes } = request.target;
    const limit = this.#toLimitOutcome(request);
    if (limit !== null) return limit;
    if (sizeBytes <= this.#limits.singlePutMaxBytes)
      return this.#budget.use(sizeBytes, () => this.#put(request));
    const parts = planParts(sizeBytes, this.#limits.partBytes);
    return this.#multipart.commit({ objectKey: this.toObjectKey(request.key), parts }, request);
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    const { base, target, keep = base } = request;
    if (target.sizeBytes < keep.sizeBytes || keep.sizeBytes > base.sizeBytes)
      throw new RangeError(
        `${request.key}: keep ${keep.sizeBytes} of ${base.sizeBytes} in ${target.sizeBytes}`,
      );
    const limit = this.#toLimitOutcome(request);
    if (limit !== null) return limit;
    if (!canAppend(this.#capabilities, base.sizeBytes, keep.sizeBytes)) return { status: 'unsupported' };
    if (keep.sizeBytes === target.sizeBytes && base.sizeBytes === target.sizeBytes)
      return this.#confirm(request);
    const isWholeObject = keep.sizeBytes === base.sizeBytes;
    const parts = planAppend(keep.sizeBytes, target.sizeBytes, {
      isOneCopy: !this.#capabilities.rangeCopy,
      tailPartBytes: this.#limits.tailPartBytes,
      copyBytes: this.#limits.copyBytes,
    });
    if (parts === null) return { status: 'unsupported' };
    const copied = { ...keep, etag: base.etag, isWholeObject };
    return this.#multipart.commit({ objectKey: this.toObjectKey(request.key), parts, copied }, request);
  }

  abandon(commitId: string): Promise<void> {
    return this.#multipart.abandon(commitId);
  }

  collect(request: CollectRequest): Promise<CollectOutcome> {
    const inUse = this.#multipart.openUploadIds;
    const place = {
      bucket: this.bucket,
      toObjectKey: (key: string) => this.toObjectKey(key),
      isInUse: (uploadId: string) => inUse.has(uploadId) || this.#multipart.openUploadIds.has(uploadId),
    };
    return collectUploads(this.connection, place, request);
  }

  async head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    const input = { Bucket: this.bucket, Key: this.toObjectKey(key), ChecksumMode: 'ENABLED' as const };
    const operation = `look at ${key}`;
    try {
      const answer = await this.connection.send((sdk) => new sdk.HeadObjectCommand(input), { signal });
      const { ETag, ContentLength, ChecksumCRC32, ChecksumType, Metadata } = answer;
      if (ETag === undefined || ContentLength === undefined) return unexpected(operation, 'ETag or length');
      const object = {
        etag: stripQuotes(ETag),
        sizeBytes: ContentLength,
        crc32: ChecksumType === 'COMPOSITE' ? null : fromBase64Crc32(ChecksumCRC32),
        ...fromMetadata(Metadata, ContentLength),
      };
      return { status: 'found', object };
    } catch (error) {
      return toS3Failure(error).httpStatus === 404
        ? { status: 'absent' }
        : toOutcome(operation, error, signal);
    }
  }

  async *list(
    prefix: string,
    options: { after?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ListedObject> {
    let startAfter = options.after === undefined ? undefined : this.toObjectKey(options.after);
    for (;;) {
      const page = await this.#listPage(prefix, startAfter, options.signal);
      for (const { Key, Size, ETag } of page.Contents ?? []) {
        if (Key === undefined || Size === undefined || ETag === undefined) continue;
        startAfter = Key;
        yield { key: Key.slice(this.#prefix.length), sizeBytes: Size, etag: stripQuotes(ETag) };
      }
      if (page.IsTruncated !== true) return;
    }
  }

  async *read(
    key: string,
    options: { range?: { start: number; end: number } | undefined; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Uint8Array> {
    const { range, signal } = options;
    if (range !== undefined && range.end <= range.start) return;
    const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` };
    const input = { Bucket: this.bucket, Key: this.toObjectKey(key), ...Range };
    try {
      const { Body } = await this.connection.send((sdk) => new sdk.GetObjectCommand(input), { signal });
      if (Body === undefined) throw new OutcomeError(unexpected(`read ${key}`, 'a body'));
      // In Node.js the body is a stream of the response; its declared type covers browsers too.
      yield* Body as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (error instanceof OutcomeError) throw error;
      throw new OutcomeError(toOutcome(`read ${key}`, error, signal));
    }
  }

  async close(): Promise<void> {
    this.connection.close();
  }

  #toLimitOutcome({ key, target }: CommitRequest): CommitOutcome | null {
    const { maxObjectBytes } = this.#capabilities;
    if (target.sizeBytes <= maxObjectBytes) return null;
    const message = `${key} has ${target.sizeBytes} bytes, the store takes at most ${maxObjectBytes}`;
    return { status: 'failed', error: new StoreLimitError(message) };
  }

  /** An append of nothing: only whether the object is what it is said to be. */
  async #confirm({ key, base, target, signal }: AppendRequest): Promise<CommitOutcome> {
    if (base.crc32 !== target.crc32) return { status: 'changed' };
    const found = await this.head(key, signal);
    if (found.status === 'retry' || found.status === 'failed') return found;
    const isBase = found.status === 'found' && found.object.etag === base.etag;
    return isBase ? { status: 'stored', etag: base.etag } : { status: 'conflict' };
  }

  async #put(request: CommitRequest): Promise<CommitOutcome> {
    const { key, source, target, signal } = request;
    const body = await source.read(0, target.sizeBytes);
    if (body.length !== target.sizeBytes || crc32(body) !== target.crc32) return { status: 'changed' };
    const send = (condition: object) => {
      signal?.throwIfAborted();
      const input = {
        Bucket: this.bucket,
        Key: this.toObjectKey(key),
        Body: body,
        ContentLength: body.length,
        ChecksumCRC32: toBase64Crc32(target.crc32),
        Metadata: toMetadata(request),
        ...condition,
      };
      return this.connection.send(
        (sdk) => {
          request.onBytesSent?.(body.length);
          return new sdk.PutObjectCommand(input);
        },
        { signal, sizeBytes: body.length },
      );
    };
    try {
      const { ETag } = await this.#conditions.send('put', request, send);
      return ETag === undefined
        ? unexpected(`send ${key}`, 'an ETag')
        : { status: 'stored', etag: stripQuotes(ETag) };
    } catch (error) {
      if (isPreconditionFailure(error)) return resolveConflict(await this.head(key, signal), request);
      return isBrokenConnection(error) && !signal?.aborted
        ? this.#afterBrokenPut(request, error)
        : toOutcome(`send ${key}`, error, signal);
    }
  }

  /** A server that refuses a condition may hang up before it has read the body: its refusal is then lost with the connection. */
  async #afterBrokenPut(request: CommitRequest, error: unknown): Promise<CommitOutcome> {
    const found = await this.head(request.key, request.signal);
    const isKnown = found.status === 'found' || found.status === 'absent';
    const etag = found.status === 'found' ? found.object.etag : null;
    return !isKnown || etag === (request.base?.etag ?? null)
      ? toOutcome(`send ${request.key}`, error, request.signal)
      : resolveConflict(found, request);
  }

  async #listPage(
    prefix: string,
    startAfter: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ListObjectsV2CommandOutput> {
    const StartAfter = startAfter === undefined ? {} : { StartAfter: startAfter };
    const input = { Bucket: this.bucket, Prefix: this.toObjectKey(prefix), ...StartAfter };
    try {
      const page = await this.connection.send((sdk) => new sdk.ListObjectsV2Command(input), { signal });
      if (!isListing(page)) throw new OutcomeError(unexpected(`list ${prefix}`, 'bucket'));
      return page;
    } catch (error) {
      if (error instanceof OutcomeError) throw error;
      throw new OutcomeError(toOutcome(`list ${prefix}`, error, signal));
    }
  }
}

/** Whether S3 has answered: any XML, the page of a captive portal too, reads as a listing without objects. */
function isListing({ Name, KeyCount }: ListObjectsV2CommandOutput): boolean {
  return Name !== undefined || KeyCount !== undefined;
}

function isHonoured(capabilities: StoreCapabilities, write: ConditionalWrite): boolean {
  return write === 'put'
    ? capabilities.conditionalCreate && capabilities.conditionalReplace
    : capabilities.conditionalComplete;
}

function withoutConditions(capabilities: StoreCapabilities, write: ConditionalWrite): StoreCapabilities {
  return write === 'put'
    ? { ...capabilities, conditionalCreate: false, conditionalReplace: false }
    : { ...capabilities, conditionalComplete: false };
}
