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
import { type StoreCapabilities, UNPROBED_S3 } from './capabilities.js';
import { MAX_OBJECT_BYTES } from './part-planner.js';
import { toOutcome, toS3Failure } from './s3-answer.js';
import { openS3Clients, type S3ClientOptions, type S3Clients } from './s3-client.js';
import {
  COMMIT_ID_METADATA,
  Conditions,
  fromBase64Crc32,
  isBrokenConnection,
  isPreconditionFailure,
  resolveConflict,
  stripQuotes,
  toBase64Crc32,
  toMetadata,
} from './s3-commit.js';
import { MultipartCommits, toSendOptions, unexpected } from './s3-multipart.js';
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
}

const MIB = 1024 * 1024;
const LIMITS: S3Limits = {
  singlePutMaxBytes: 16 * MIB,
  bufferMaxBytes: 16 * MIB,
  budgetBytes: 64 * MIB,
  partBytes: undefined,
};

/** Opens a bucket as a store: loads the client and finds credentials, sends nothing. Throws as `openS3Clients` does. */
export async function openS3Store(options: S3StoreOptions): Promise<Store> {
  return new S3Store(options, await openS3Clients(options));
}

/** The name of the store in journals and reports. */
export function toS3StoreId({ bucket, prefix, endpoint }: S3StoreOptions): string {
  const url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
  return endpoint === undefined ? url : `${url} at ${endpoint}`;
}

class S3Store implements Store {
  readonly id: string;
  #capabilities: StoreCapabilities = UNPROBED_S3;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #limits: S3Limits;
  readonly #clients: S3Clients;
  readonly #conditions: Conditions;
  readonly #budget: ByteBudget;
  readonly #multipart: MultipartCommits;

  constructor(options: S3StoreOptions, clients: S3Clients) {
    this.id = toS3StoreId(options);
    this.#bucket = options.bucket;
    this.#prefix = options.prefix === '' ? '' : `${options.prefix}/`;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#clients = clients;
    this.#conditions = new Conditions(options.onNotice ?? (() => undefined));
    this.#budget = new ByteBudget(this.#limits.budgetBytes);
    this.#multipart = new MultipartCommits({
      clients,
      bucket: this.#bucket,
      conditions: this.#conditions,
      budget: this.#budget,
      bufferMaxBytes: this.#limits.bufferMaxBytes,
      partBytes: this.#limits.partBytes,
      head: (key, signal) => this.head(key, signal),
    });
  }

  async check(signal?: AbortSignal): Promise<CheckOutcome> {
    const { client, sdk } = this.#clients;
    const input = { Bucket: this.#bucket, Prefix: this.#prefix, MaxKeys: 1 };
    try {
      await client.send(new sdk.ListObjectsV2Command(input), toSendOptions({ signal }));
      return { status: 'ready' };
    } catch (error) {
      return toOutcome(`list ${this.id}`, error, signal);
    }
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const { sizeBytes } = request.target;
    if (sizeBytes > MAX_OBJECT_BYTES) {
      const message = `${request.key} has ${sizeBytes} bytes, S3 takes at most ${MAX_OBJECT_BYTES}`;
      return { status: 'failed', error: new StoreLimitError(message) };
    }
    if (sizeBytes > this.#limits.singlePutMaxBytes)
      return this.#multipart.commit(this.#toObjectKey(request.key), request);
    return this.#budget.use(sizeBytes, () => this.#put(request));
  }

  async probe(): Promise<ProbeOutcome> {
    return { status: 'probed', capabilities: this.capabilities, leftovers: [] };
  }

  adopt(capabilities: StoreCapabilities): void {
    this.#capabilities = capabilities;
  }

  get capabilities(): StoreCapabilities {
    return this.#capabilities;
  }

  async append(_request: AppendRequest): Promise<AppendOutcome> {
    return { status: 'unsupported' };
  }

  async collect(_request: CollectRequest): Promise<CollectOutcome> {
    return { status: 'collected', removed: 0, left: 0 };
  }

  abandon(commitId: string): Promise<void> {
    return this.#multipart.abandon(commitId);
  }

  async head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    const { client, sdk } = this.#clients;
    const input = { Bucket: this.#bucket, Key: this.#toObjectKey(key), ChecksumMode: 'ENABLED' as const };
    const operation = `look at ${key}`;
    try {
      const answer = await client.send(new sdk.HeadObjectCommand(input), toSendOptions({ signal }));
      const { ETag, ContentLength, ChecksumCRC32, ChecksumType, Metadata } = answer;
      if (ETag === undefined || ContentLength === undefined) return unexpected(operation, 'ETag or length');
      const object = {
        etag: stripQuotes(ETag),
        sizeBytes: ContentLength,
        crc32: ChecksumType === 'COMPOSITE' ? null : fromBase64Crc32(ChecksumCRC32),
        commitId: Metadata?.[COMMIT_ID_METADATA] ?? null,
        generation: null,
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
    let startAfter = options.after === undefined ? undefined : this.#toObjectKey(options.after);
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
    const { client, sdk } = this.#clients;
    const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` };
    const input = { Bucket: this.#bucket, Key: this.#toObjectKey(key), ...Range };
    try {
      const { Body } = await client.send(new sdk.GetObjectCommand(input), toSendOptions({ signal }));
      if (Body === undefined) throw new OutcomeError(unexpected(`read ${key}`, 'a body'));
      // In Node.js the body is a stream of the response; its declared type covers browsers too.
      yield* Body as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (error instanceof OutcomeError) throw error;
      throw new OutcomeError(toOutcome(`read ${key}`, error, signal));
    }
  }

  async close(): Promise<void> {
    this.#clients.close();
  }

  async #put(request: CommitRequest): Promise<CommitOutcome> {
    const { key, source, target, signal } = request;
    const body = await source.read(0, target.sizeBytes);
    if (body.length !== target.sizeBytes || crc32(body) !== target.crc32) return { status: 'changed' };
    const { client, sdk } = this.#clients;
    const send = (condition: object) => {
      signal?.throwIfAborted();
      request.onBytesSent?.(body.length);
      const input = {
        Bucket: this.#bucket,
        Key: this.#toObjectKey(key),
        Body: body,
        ContentLength: body.length,
        ChecksumCRC32: toBase64Crc32(target.crc32),
        Metadata: toMetadata(request),
        ...condition,
      };
      return client.send(new sdk.PutObjectCommand(input), toSendOptions(request));
    };
    try {
      const { ETag } = await this.#conditions.send(request, send);
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
    const { client, sdk } = this.#clients;
    const StartAfter = startAfter === undefined ? {} : { StartAfter: startAfter };
    const input = { Bucket: this.#bucket, Prefix: this.#toObjectKey(prefix), ...StartAfter };
    try {
      return await client.send(new sdk.ListObjectsV2Command(input), toSendOptions({ signal }));
    } catch (error) {
      throw new OutcomeError(toOutcome(`list ${prefix}`, error, signal));
    }
  }

  #toObjectKey(key: string): string {
    return `${this.#prefix}${key}`;
  }
}
