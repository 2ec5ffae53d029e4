/**
 * A bucket of S3, or of a compatible store, as a driver.
 *
 * Objects up to 16 MiB are uploaded in one request, larger ones in a multipart upload. Every body has a CRC-32, which the store checks.
 * Every write is conditional on the object that it replaces. What the store rejects is left out (optionals.ts).
 */

import type { StoreCapabilities } from '../base/capabilities.js';
import { toBase64Crc, toMetadata } from '../base/commit-metadata.js';
import { toStoredOutcome } from '../base/commit-outcome.js';
import type {
  BaseOutcome,
  CompleteOutcome,
  ObjectWrite,
  PartBody,
  PutOutcome,
  StoreDriver,
  StoreLimits,
  Upload,
  UploadedPart,
} from '../base/driver.js';
import { LearnedAnswers } from '../base/learned-answers.js';
import { MAX_PART_BYTES, planAppend, toPartBytes } from '../base/part-planner.js';
import type {
  AppendRequest,
  Extent,
  HeadOutcome,
  RemoveOutcome,
  RemoveRequest,
  StoreNotice,
} from '../base/store.js';
import { outcomeFrom, toS3Failure } from './answer.js';
import { isBrokenConnection, isPreconditionFailure, requireBase, toCondition } from './conditional-write.js';
import type { S3Connection } from './connection.js';
import type { PutInput, PutOutput } from './direct-put.js';
import { Optionals } from './optionals.js';
import type { S3ClientOptions } from './options.js';
import { toCapabilities } from './s3-capabilities.js';
import { type CopyPlan, S3Uploads } from './uploads.js';
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

export class S3Driver extends S3Uploads implements StoreDriver {
  readonly id: string;
  readonly learned: LearnedAnswers;
  readonly writeFields: WriteFields;
  readonly #limits: S3Limits;
  readonly #onNotice: (notice: StoreNotice) => void;
  #capabilities: StoreCapabilities;
  #isConditionNoticed = false;

  constructor(id: string, connection: S3Connection, options: S3StoreOptions) {
    const learned = new LearnedAnswers(options.clock);
    const { bucket, prefix } = options;
    super(connection, {
      ...{ bucket, optionals: new Optionals(learned) },
      prefix: prefix === '' ? '' : `${prefix}/`,
    });
    this.id = id;
    this.learned = learned;
    this.writeFields = writeFields(options);
    this.#limits = { ...LIMITS, ...options.limits };
    this.#onNotice = options.onNotice ?? (() => undefined);
    this.#capabilities = toCapabilities(learned);
    learned.onChange(() => this.#onLearned());
  }

  get capabilities(): StoreCapabilities {
    return this.#capabilities;
  }

  get limits(): StoreLimits {
    const { singlePutMaxBytes, partBytes, bufferMaxBytes, budgetBytes } = this.#limits;
    return {
      singlePutMaxBytes: this.optionals.uses('multipart') ? singlePutMaxBytes : Number.POSITIVE_INFINITY,
      bufferMaxBytes,
      budgetBytes,
      partBytes: (sizeBytes) => partBytes ?? toPartBytes(sizeBytes),
      partsAtOnce: 4,
      completesLate: true,
    };
  }

  override async head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    const outcome = await super.head(key, signal);
    const isNew = this.learned.get('wholeObjectChecksum') === undefined;
    if (isNew && outcome.status === 'found' && outcome.object.crc32 !== null)
      this.learned.learn('wholeObjectChecksum', 'yes');
    return outcome;
  }

  async put(write: ObjectWrite, body: PartBody): Promise<PutOutcome> {
    const { key, signal } = write;
    const condition = toCondition('put', write);
    try {
      const { ETag } = await this.optionals.send(
        ['putChecksum', 'metadata', condition.name],
        async (uses) => {
          if (!uses.has(condition.name)) await requireBase(write, (each, its) => this.head(each, its));
          signal?.throwIfAborted();
          const input = {
            ...this.toTarget(key),
            ...(uses.has('putChecksum') ? { ChecksumCRC32: toBase64Crc(body.crc32) } : {}),
            Metadata: uses.has('metadata') ? toMetadata(write) : {},
            ...this.writeFields,
            ...(uses.has(condition.name) ? condition.headers : {}),
          };
          return this.#send(input, body, write);
        },
      );
      return toStoredOutcome(`upload ${key}`, ETag);
    } catch (error) {
      if (isPreconditionFailure(error)) return { status: 'conflict' };
      const outcome = outcomeFrom(`upload ${key}`, error, signal);
      // A server may reject a condition and close the connection before it has read the body; the rejection is then lost.
      return outcome.status === 'retry' && isBrokenConnection(error)
        ? { ...outcome, mayBeRejected: true }
        : outcome;
    }
  }

  override async complete(upload: Upload, parts: readonly UploadedPart[]): Promise<CompleteOutcome> {
    const outcome = await super.complete(upload, parts);
    if (outcome.status !== 'stored' || this.learned.get('completeEtag') === 'yes') return outcome;
    // The ETag that HEAD shows: gofakes3 1.2.0 gives another one when it completes a multipart upload.
    const { key, target, signal } = upload.write;
    const found = await this.head(key, signal);
    if (found.status !== 'found' || found.object.sizeBytes !== target.sizeBytes) return outcome;
    const { etag } = found.object;
    this.learned.learn('completeEtag', etag === outcome.etag ? 'yes' : 'no');
    return { status: 'stored', etag };
  }

  /** Sends nothing: the store checks the base when it copies it. */
  async findBase(append: AppendRequest & { readonly keep: Extent }): Promise<BaseOutcome> {
    const { base, keep, target } = append;
    const { tailPartBytes, copyBytes } = this.#limits;
    const isWhole = keep.sizeBytes === base.sizeBytes;
    const isOneCopy = isWhole && base.sizeBytes <= MAX_PART_BYTES && this.learned.get('rangeCopy') !== 'yes';
    const parts = planAppend(keep.sizeBytes, target.sizeBytes, { isOneCopy, tailPartBytes, copyBytes });
    if (parts === null) return { status: 'unsupported' };
    const hasRanges = !isWhole || parts.filter(({ isCopied }) => isCopied).length > 1;
    return { status: 'found', parts, kept: { hasRanges } satisfies CopyPlan };
  }

  /**
   * Checks the object with a HEAD request, then deletes it on condition that its ETag is unchanged. If the store does not support conditional
   * deletes, only the HEAD request protects it. Source: Amazon S3 API Reference, `DeleteObject`, `If-Match`.
   */
  async remove({ key, version, signal }: RemoveRequest): Promise<RemoveOutcome> {
    const found = await this.head(key, signal);
    if (found.status === 'absent') return { status: 'removed' };
    if (found.status !== 'found') return found;
    if (found.object.etag !== version.etag) return { status: 'conflict' };
    const name = 'deleteIfMatch';
    const isConditional = this.optionals.uses(name);
    const send = (condition: { IfMatch?: string }) => {
      const input = { ...this.toTarget(key), ...condition };
      return this.connection.send((sdk) => new sdk.DeleteObjectCommand(input), { signal });
    };
    try {
      await send(isConditional ? { IfMatch: `"${version.etag}"` } : {}).catch(async (error: unknown) => {
        if (!isConditional || this.optionals.suspect([name], error) !== 'definite') throw error;
        await send({});
        this.optionals.reject(name, 'definite');
      });
      return { status: 'removed' };
    } catch (error) {
      if (toS3Failure(error).code === 'NoSuchKey') return { status: 'removed' };
      return isPreconditionFailure(error)
        ? { status: 'conflict' }
        : outcomeFrom(`remove ${key}`, error, signal);
    }
  }

  async close(): Promise<void> {
    this.connection.close();
  }

  /** Bodies in memory take the fast path. */
  #send(input: Omit<PutInput, 'Body'>, body: PartBody, write: ObjectWrite): Promise<PutOutput> {
    const { sizeBytes } = body;
    const options = { signal: write.signal, sizeBytes };
    const open = () => {
      write.onBytesSent?.(sizeBytes);
      return body.open();
    };
    if (body.isBuffer) return this.connection.put(() => ({ ...input, Body: open() as Buffer }), options);
    return this.connection.send(
      (sdk) => new sdk.PutObjectCommand({ ...input, Body: open(), ContentLength: sizeBytes }),
      options,
    );
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
}
