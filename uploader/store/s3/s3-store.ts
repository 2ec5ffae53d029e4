/**
 * A bucket of S3, or of a compatible store, as a store.
 *
 * Objects up to 16 MiB are uploaded in one request, larger ones in a multipart upload. Every body has a CRC-32, which the store checks.
 * Every write is conditional on the object that it replaces.
 */

import { randomBytes } from 'node:crypto';
import { BodyMemory } from '../base/body-memory.js';
import { BucketStore } from '../base/bucket-store.js';
import type { KnownCapabilities, StoreCapabilities } from '../base/capabilities.js';
import { LearnedAnswers } from '../base/learned-answers.js';
import { crc32OfObject } from '../base/object-crc32.js';
import { MAX_PART_BYTES, type Part, planAppend, planParts } from '../base/part-planner.js';
import {
  type AppendOutcome,
  type AppendRequest,
  type CollectOutcome,
  type CollectRequest,
  type CommitOutcome,
  type CommitRequest,
  type HeadOutcome,
  PROBE_PREFIX,
  type RemoveOutcome,
  type RemoveRequest,
  type Store,
  type StoreNotice,
} from '../base/store.js';
import { collectUploads } from './collect.js';
import { S3Connection } from './connection.js';
import { MultipartCommits } from './multipart.js';
import { Optionals } from './optionals.js';
import type { S3ClientOptions } from './options.js';
import { SinglePuts } from './put.js';
import { S3Questions } from './questions.js';
import { S3Reader } from './reader.js';
import { removeObject } from './remove.js';
import { toCapabilities, toKnownCapabilities } from './s3-capabilities.js';
import { type WriteFields, writeFields } from './write-options.js';

export interface S3StoreOptions extends S3ClientOptions {
  readonly bucket: string;
  /** Without a slash at either end; may be empty. */
  readonly prefix: string;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
  /** Tests use smaller limits, because the real ones need files of gigabytes. */
  readonly limits?: Partial<S3Limits> | undefined;
}

export interface S3Limits {
  /** Objects up to this size are uploaded in one request. */
  readonly singlePutMaxBytes: number;
  /** Bodies up to this size are held in memory. */
  readonly bufferMaxBytes: number;
  /** The limit for all bodies in memory. */
  readonly budgetBytes: number;
  /** The size of parts. Default: chosen by `part-planner.ts`, as are the next two. */
  readonly partBytes: number | undefined;
  /** The size of the parts of a tail. */
  readonly tailPartBytes: number | undefined;
  /** The size of ranges that are copied. */
  readonly copyBytes: number | undefined;
}

const BACKGROUND = ['honoursPutIfNoneMatch', 'honoursPutIfMatch', 'honoursComplete', 'verifiesMultipart'];
const MIB = 1024 * 1024;
const LIMITS: S3Limits = {
  singlePutMaxBytes: 16 * MIB,
  bufferMaxBytes: 16 * MIB,
  // Limits the cost of a kill: bytes that are in flight, or stored but not yet in the journal, must be sent again.
  budgetBytes: 24 * MIB,
  partBytes: undefined,
  tailPartBytes: undefined,
  copyBytes: undefined,
};

export interface AskOutcome {
  readonly capabilities: KnownCapabilities;
  /** Whether multipart uploads may be aborted; null when unknown. */
  readonly mayAbort: boolean | null;
  /** Keys of test objects that could not be removed. */
  readonly remaining: readonly string[];
}

/** Opens a bucket as a store: loads the client and the credentials. Sends nothing to the bucket. Throws as `S3Connection.open` does. */
export async function openS3Store(options: S3StoreOptions): Promise<S3Store> {
  writeFields(options);
  return new S3Store(options, await S3Connection.open(options, options.onNotice));
}

/** The id of the store in journals and reports. */
export function toS3StoreId({ bucket, prefix, endpoint }: S3StoreOptions): string {
  const url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
  return endpoint === undefined ? url : `${url} at ${endpoint}`;
}

export class S3Store extends BucketStore implements Store {
  readonly id: string;
  readonly bucket: string;
  /** The connection, for the additional requests of `polytrack check`. */
  readonly connection: S3Connection;
  readonly learned: LearnedAnswers;
  /** For the questions of `polytrack check`. */
  readonly optionals: Optionals;
  readonly #prefix: string;
  /** The headers of writes that the user has chosen. */
  readonly writeFields: WriteFields;
  readonly #limits: S3Limits;
  protected readonly reader: S3Reader;
  readonly #puts: SinglePuts;
  readonly #memory: BodyMemory;
  readonly #multipart: MultipartCommits;
  readonly #onNotice: (notice: StoreNotice) => void;
  #capabilities: StoreCapabilities;
  #isConditionNoticed = false;
  readonly #closing = new AbortController();
  #asking: Promise<void> | undefined;

  /** Call `openS3Store` instead. */
  constructor(options: S3StoreOptions, connection: S3Connection) {
    super();
    this.id = toS3StoreId(options);
    this.bucket = options.bucket;
    this.connection = connection;
    this.#prefix = options.prefix === '' ? '' : `${options.prefix}/`;
    this.#limits = { ...LIMITS, ...options.limits };
    this.#onNotice = options.onNotice ?? (() => undefined);
    this.learned = new LearnedAnswers(options.clock);
    this.learned.onChange(() => this.#onLearned());
    this.#capabilities = toCapabilities(this.learned);
    const optionals = new Optionals(this.learned);
    this.optionals = optionals;
    this.reader = new S3Reader(connection, { bucket: options.bucket, prefix: this.#prefix, optionals });
    const head = (key: string, signal?: AbortSignal): Promise<HeadOutcome> => this.head(key, signal);
    this.writeFields = writeFields(options);
    const shared = { connection, bucket: this.bucket, writeFields: this.writeFields, optionals, head };
    this.#puts = new SinglePuts(shared);
    const { budgetBytes, bufferMaxBytes } = this.#limits;
    this.#memory = new BodyMemory({ capacityBytes: budgetBytes, largestBytes: bufferMaxBytes });
    this.#multipart = new MultipartCommits({ ...shared, memory: this.#memory });
  }

  get capabilities(): StoreCapabilities {
    return this.#capabilities;
  }

  #onLearned(): void {
    this.#capabilities = toCapabilities(this.learned);
    const { conditionalCreate, conditionalReplace, conditionalComplete } = this.#capabilities;
    if (this.#isConditionNoticed || (conditionalCreate && conditionalReplace && conditionalComplete)) return;
    this.#isConditionNoticed = true;
    this.#onNotice({
      code: 'NOTICE_NO_CONDITIONAL_WRITES',
      message: 'the store does not support conditional writes: use only one uploader for these runs',
    });
  }

  override async head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    const outcome = await this.reader.head(key, signal);
    const isNew = this.learned.get('wholeObjectChecksum') === undefined;
    if (isNew && outcome.status === 'found' && outcome.object.crc32 !== null)
      this.learned.learn('wholeObjectChecksum', 'yes');
    return outcome;
  }

  askInBackground(): void {
    if (BACKGROUND.every((name) => this.learned.get(name) !== undefined)) return;
    this.#asking ??= this.#ask();
  }

  /** Asks all questions, with test objects below `directory` that it removes. */
  async ask(directory: string, signal?: AbortSignal): Promise<AskOutcome> {
    const questions = new S3Questions(this, directory, signal);
    let remaining: readonly string[] = [];
    try {
      await questions.askCheaply();
      await questions.askAboutLargeObjects();
    } finally {
      remaining = await questions.remove();
    }
    return { capabilities: toKnownCapabilities(this.learned), mayAbort: questions.mayAbort, remaining };
  }

  async #ask(): Promise<void> {
    const directory = `${PROBE_PREFIX}${randomBytes(8).toString('hex')}/`;
    const questions = new S3Questions(this, directory, this.#closing.signal);
    try {
      await questions.askCheaply();
    } catch {
      // The store is being closed, or has failed: the answers stay unknown.
    }
    await questions.remove();
  }

  /** The object key in the bucket. */
  toObjectKey(key: string): string {
    return `${this.#prefix}${key}`;
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const outcome = this.refuse(request) ?? (await this.#commit(request));
    return outcome.status === 'conflict' ? this.#compareBytes(request) : outcome;
  }

  async #commit(request: CommitRequest): Promise<CommitOutcome> {
    const { sizeBytes } = request.target;
    const objectKey = this.toObjectKey(request.key);
    if (sizeBytes > this.#limits.singlePutMaxBytes && this.optionals.uses('multipart')) {
      const parts = planParts(sizeBytes, this.#limits.partBytes);
      const outcome = await this.commitInParts(request, parts);
      if (outcome.status !== 'unsupported') return outcome;
      const refused = this.refuse(request);
      if (refused !== null) return refused;
    }
    return this.#memory.use(sizeBytes, (buffer) => this.#puts.commit(objectKey, request, buffer));
  }

  /** Commits an object as a multipart upload of these parts. */
  async commitInParts(request: CommitRequest, parts: readonly Part[]): Promise<AppendOutcome> {
    const plan = { objectKey: this.toObjectKey(request.key), parts };
    return this.#withVisibleEtag(await this.#multipart.commit(plan, request), request);
  }

  /** The ETag that HEAD shows: gofakes3 1.2.0 gives another one when it completes a multipart upload. */
  async #withVisibleEtag(
    outcome: AppendOutcome,
    { key, target, signal }: CommitRequest,
  ): Promise<AppendOutcome> {
    if (outcome.status !== 'stored' || this.learned.get('completeEtag') === 'yes') return outcome;
    const found = await this.head(key, signal);
    if (found.status !== 'found' || found.object.sizeBytes !== target.sizeBytes) return outcome;
    const { etag } = found.object;
    this.learned.learn('completeEtag', etag === outcome.etag ? 'yes' : 'no');
    return { status: 'stored', etag };
  }

  async append(request: AppendRequest): Promise<AppendOutcome> {
    const refused = this.refuseAppend(request);
    if (refused !== null) return refused;
    const { base, target, keep = base } = request;
    if (keep.sizeBytes === target.sizeBytes && base.sizeBytes === target.sizeBytes)
      return this.#confirm(request);
    const isWholeObject = keep.sizeBytes === base.sizeBytes;
    const isOneCopy =
      isWholeObject && base.sizeBytes <= MAX_PART_BYTES && this.learned.get('rangeCopy') !== 'yes';
    const parts = planAppend(keep.sizeBytes, target.sizeBytes, {
      isOneCopy,
      tailPartBytes: this.#limits.tailPartBytes,
      copyBytes: this.#limits.copyBytes,
    });
    if (parts === null) return { status: 'unsupported' };
    const copied = { ...keep, etag: base.etag, isWholeObject };
    const hasRanges = !isWholeObject || parts.filter(({ isCopied }) => isCopied).length > 1;
    const plan = { objectKey: this.toObjectKey(request.key), parts, copied, hasRanges };
    const outcome = await this.#withVisibleEtag(await this.#multipart.commit(plan, request), request);
    const name = hasRanges ? 'rangeCopy' : 'append';
    return outcome.status === 'stored' && this.learned.get(name) !== 'yes'
      ? this.#verifyAppend(name, outcome.etag, request)
      : outcome;
  }

  /** Checks the first object that the store has made of copied parts. If it cannot be checked without reading it, later files are not appended to. */
  async #verifyAppend(
    name: 'append' | 'rangeCopy',
    etag: string,
    request: AppendRequest,
  ): Promise<AppendOutcome> {
    const { key, target, signal } = request;
    const found = await this.head(key, signal);
    if (found.status === 'retry' || found.status === 'failed') return found;
    if (found.status === 'absent' || found.object.etag !== etag) return { status: 'stored', etag };
    if (found.object.crc32 === target.crc32) {
      this.optionals.accept(['append', name]);
      return { status: 'stored', etag };
    }
    const read = await crc32OfObject(this, key, { maxBytes: target.sizeBytes, signal });
    if (read.status !== 'read') return read;
    this.learned.learn(name, 'no');
    if (read.crc32 === target.crc32) return { status: 'stored', etag };
    const { commitId } = request;
    return this.#commit({
      ...request,
      base: found.object,
      commitId: `${commitId}-again`,
      unfinished: undefined,
    });
  }

  abandon(commitId: string): Promise<void> {
    return this.#multipart.abandon(commitId);
  }

  collect(request: CollectRequest): Promise<CollectOutcome> {
    const inUse = this.#multipart.openUploadIds;
    const place = {
      bucket: this.bucket,
      optionals: this.optionals,
      toObjectKey: (key: string) => this.toObjectKey(key),
      isInUse: (uploadId: string) => inUse.has(uploadId) || this.#multipart.openUploadIds.has(uploadId),
    };
    return collectUploads(this.connection, place, request);
  }

  remove(request: RemoveRequest): Promise<RemoveOutcome> {
    const { connection, bucket, optionals } = this;
    const place = { connection, bucket, optionals, objectKey: this.toObjectKey(request.key) };
    return removeObject(place, request, (key, signal) => this.head(key, signal));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#asking;
    this.connection.close();
  }

  /** After a conflict, reads the existing object if the store keeps no checksums. It counts as stored if its bytes match the target. */
  async #compareBytes({ key, target, signal }: CommitRequest): Promise<CommitOutcome> {
    const found = await this.head(key, signal);
    if (found.status !== 'found' || found.object.sizeBytes !== target.sizeBytes)
      return { status: 'conflict' };
    if (found.object.crc32 !== null) return { status: 'conflict' };
    const read = await crc32OfObject(this, key, { maxBytes: target.sizeBytes, signal });
    if (read.status !== 'read') return read;
    return read.crc32 === target.crc32
      ? { status: 'stored', etag: found.object.etag }
      : { status: 'conflict' };
  }

  /** An append without new bytes: only checks that the object is still the base. */
  async #confirm({ key, base, target, signal }: AppendRequest): Promise<CommitOutcome> {
    if (base.crc32 !== target.crc32) return { status: 'changed' };
    const found = await this.head(key, signal);
    if (found.status === 'retry' || found.status === 'failed') return found;
    const isBase = found.status === 'found' && found.object.etag === base.etag;
    return isBase ? { status: 'stored', etag: base.etag } : { status: 'conflict' };
  }
}
