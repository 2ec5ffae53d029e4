/**
 * Commits large objects and appends as multipart uploads. The store checks the CRC-32 of each part and of the whole object.
 *
 * If the store rejects a request that has a checksum, the upload starts again without checksums; an append becomes `unsupported`.
 *
 * Uploaded parts are remembered by commit id, so that a retried commit sends only the missing parts. The object becomes visible on
 * completion. Source: Amazon S3 User Guide, "Tutorial: Upload an object through multipart upload and
 * verify its data integrity", and API Reference, `UploadPartCopy` and `CompleteMultipartUpload`.
 */

import type { CompletedPart } from '@aws-sdk/client-s3';
import type { FailedOutcome, RetryOutcome } from '../../base/retry-table.js';
import type { BodyMemory } from '../base/body-memory.js';
import { toBase64Crc, toMetadata } from '../base/commit-metadata.js';
import { resolveConflict, stripQuotes, unexpected } from '../base/commit-outcome.js';
import { combineCrc32 } from '../base/crc32-combine.js';
import type { Part } from '../base/part-planner.js';
import type { AppendOutcome, CommitOutcome, CommitRequest, Extent, HeadOutcome } from '../base/store.js';
import { storeParts } from '../base/store-parts.js';
import { isAboutCredentials, isAboutTime, isChecksumRefusal, outcomeFrom, toS3Failure } from './answer.js';
import { readPartBody } from './body.js';
import { isPreconditionFailure, requireBase, toCondition } from './conditional-write.js';
import { MULTIPART_CHECKSUMS, type Optional } from './optionals.js';
import type { SinglePutOptions } from './put.js';
import type { Rejection } from './rejections.js';
import { confirmParts, type UploadedPart } from './resume.js';
import { awaitCompletion } from './settle.js';

export interface MultipartOptions extends SinglePutOptions {
  readonly memory: BodyMemory;
}

/** The parts to upload. The first ones may be copied from the existing object. */
export interface MultipartPlan {
  readonly objectKey: string;
  readonly parts: readonly Part[];
  /** Only ranges of the object are copied, not all of it as one part. */
  readonly hasRanges?: boolean | undefined;
  /** Size and CRC-32 of all copied parts together, and the object that they are copied from. */
  readonly copied?: (Extent & { readonly etag: string; readonly isWholeObject: boolean }) | undefined;
}

interface Upload {
  readonly uploadId: string;
  readonly objectKey: string;
  readonly parts: Map<number, UploadedPart>;
  /** The requests have checksums. */
  readonly isChecked: boolean;
  /** A completion was sent, perhaps by an earlier process, without a usable response. */
  isUndecided?: boolean;
}

export class MultipartCommits {
  readonly #options: MultipartOptions;
  readonly #uploads = new Map<string, Upload>();

  constructor(options: MultipartOptions) {
    this.#options = options;
  }

  /** The ids of the uploads that this process has open. */
  get openUploadIds(): ReadonlySet<string> {
    return new Set([...this.#uploads.values()].map(({ uploadId }) => uploadId));
  }

  /** Whether uploads have checksums. */
  get isChecked(): boolean {
    return MULTIPART_CHECKSUMS.every((name) => this.#options.optionals.uses(name));
  }

  async commit(plan: MultipartPlan, request: CommitRequest): Promise<AppendOutcome> {
    const { optionals } = this.#options;
    try {
      return await this.#attempt(plan, request);
    } catch (error) {
      if (!(error instanceof RejectedUpload)) throw error;
      const { optional: name, rejection } = error;
      await this.abandon(request.commitId);
      if (plan.copied !== undefined || name === 'multipart') {
        optionals.reject(name === 'append' && plan.hasRanges ? 'rangeCopy' : name, rejection);
        return { status: 'unsupported' };
      }
      const { unfinished: _, ...rest } = request;
      const outcome = await this.#attempt(plan, rest, { isChecked: false });
      if (outcome.status === 'stored') optionals.reject(name, rejection);
      return outcome;
    }
  }

  async #attempt(
    plan: MultipartPlan,
    request: CommitRequest,
    { isChecked } = { isChecked: this.isChecked },
  ): Promise<AppendOutcome> {
    const opened = await this.#open(plan, request, isChecked);
    if ('status' in opened) return opened;
    if (plan.copied !== undefined && !opened.isChecked) {
      await this.abandon(request.commitId);
      return { status: 'unsupported' }; // nothing would prove that the store has copied the right bytes
    }
    const missing = plan.parts.filter((part) => !opened.parts.has(part.number));
    const failed = await storeParts(missing, (part) => this.#storePart(part, opened, plan, request));
    if (failed === null && combineParts(opened.parts, plan.copied) === request.target.crc32)
      return this.#complete(opened, plan, request);
    const outcome = failed ?? ({ status: 'changed' } as const);
    if (outcome.status !== 'retry') await this.abandon(request.commitId);
    return outcome;
  }

  async abandon(commitId: string): Promise<void> {
    const upload = this.#uploads.get(commitId);
    if (upload === undefined) return;
    this.#uploads.delete(commitId);
    const { connection, bucket } = this.#options;
    try {
      const input = { Bucket: bucket, Key: upload.objectKey, UploadId: upload.uploadId };
      await connection.send((sdk) => new sdk.AbortMultipartUploadCommand(input));
    } catch {
      // The store is unavailable. `collect`, or at the latest a lifecycle rule, removes the upload later.
    }
  }

  async #open(
    plan: MultipartPlan,
    request: CommitRequest,
    isChecked: boolean,
  ): Promise<Upload | CommitOutcome | RetryOutcome | FailedOutcome> {
    const known = this.#uploads.get(request.commitId);
    if (known !== undefined) return known;
    return (await this.#resume(plan, request)) ?? this.#create(plan, request, isChecked);
  }

  /** Resumes the upload of an earlier process; null when none can be resumed. */
  async #resume(
    { objectKey, parts }: MultipartPlan,
    request: CommitRequest,
  ): Promise<Upload | CommitOutcome | null> {
    if (request.unfinished === undefined) return null;
    const { connection, bucket, optionals } = this.#options;
    const confirmed = await confirmParts(connection, { bucket, optionals, objectKey, parts }, request);
    if (confirmed.status === 'gone') {
      // Aborted by another program, or completed by a request whose response the earlier process did not receive.
      const found = await awaitCompletion(request, this.#options.head, connection);
      const outcome = resolveConflict(found, request);
      return outcome.status === 'conflict' || found.status === 'absent' ? null : outcome;
    }
    if (confirmed.status !== 'confirmed') return confirmed;
    const { uploadId } = request.unfinished;
    const { isChecked } = this;
    const upload = { uploadId, objectKey, parts: confirmed.parts, isChecked, isUndecided: true };
    this.#uploads.set(request.commitId, upload);
    return upload;
  }

  async #create(
    { objectKey }: MultipartPlan,
    request: CommitRequest,
    isChecked: boolean,
  ): Promise<Upload | RetryOutcome | FailedOutcome> {
    const { connection, bucket, optionals, writeFields } = this.#options;
    const operation = `start a multipart upload of ${request.key}`;
    const names: Optional[] = isChecked ? ['createChecksum', 'createMetadata'] : ['createMetadata'];
    let wasChecked = isChecked;
    try {
      const { UploadId: uploadId } = await optionals.send(names, (uses) => {
        wasChecked = uses.has('createChecksum');
        const checks = toChecks(wasChecked, {
          ChecksumAlgorithm: 'CRC32',
          ChecksumType: 'FULL_OBJECT',
        } as const);
        const Metadata = uses.has('createMetadata') ? toMetadata(request) : {};
        const input = { Bucket: bucket, Key: objectKey, Metadata, ...writeFields, ...checks };
        return connection.send((sdk) => new sdk.CreateMultipartUploadCommand(input), request);
      });
      if (uploadId === undefined) return unexpected(operation, 'upload id');
      optionals.accept(['multipart']);
      const upload = {
        ...{ uploadId, objectKey, isChecked: wasChecked },
        parts: new Map<number, UploadedPart>(),
      };
      this.#uploads.set(request.commitId, upload);
      request.onUploadOpened?.(uploadId);
      return upload;
    } catch (error) {
      this.#throwIfRejected('multipart', error, request.signal);
      return outcomeFrom(operation, error, request.signal);
    }
  }

  async #storePart(
    part: Part,
    upload: Upload,
    plan: MultipartPlan,
    request: CommitRequest,
  ): Promise<CommitOutcome | null> {
    request.signal?.throwIfAborted();
    try {
      if (part.isCopied) return await this.#copyPart(part, upload, plan, request);
      return await this.#options.memory.use(part.end - part.start, (buffer) =>
        this.#sendPart({ part, buffer }, upload, request),
      );
    } catch (error) {
      if (part.isCopied && isPreconditionFailure(error))
        return resolveConflict(await this.#options.head(request.key, request.signal), request);
      if (toS3Failure(error).code === 'NoSuchUpload') {
        // Completed by a call whose response was lost, or aborted by another program. The next call starts over.
        this.#uploads.delete(request.commitId);
        const resolved = resolveConflict(await this.#options.head(request.key, request.signal), request);
        if (resolved.status === 'stored') return resolved;
      }
      if (part.isCopied) this.#throwIfRejected('append', error, request.signal);
      else if (upload.isChecked) this.#throwIfRejected('partChecksum', error, request.signal);
      return outcomeFrom(`upload part ${part.number} of ${request.key}`, error, request.signal);
    }
  }

  async #sendPart(
    { part, buffer }: { readonly part: Part; readonly buffer: Buffer | null },
    upload: Upload,
    request: CommitRequest,
  ): Promise<CommitOutcome | null> {
    request.signal?.throwIfAborted();
    const { connection, bucket } = this.#options;
    const sizeBytes = part.end - part.start;
    const body = await readPartBody(part, request, buffer);
    if (body === null) return { status: 'changed' };
    const checksum = toBase64Crc(body.crc32);
    const { ETag: etag } = await connection.send(
      (sdk) => {
        request.onBytesSent?.(sizeBytes);
        return new sdk.UploadPartCommand({
          Bucket: bucket,
          Key: upload.objectKey,
          UploadId: upload.uploadId,
          PartNumber: part.number,
          Body: body.open(),
          ContentLength: sizeBytes,
          ...toChecks(upload.isChecked, { ChecksumCRC32: checksum }),
        });
      },
      { signal: request.signal, sizeBytes },
    );
    if (etag === undefined) return unexpected(`upload part ${part.number} of ${request.key}`, 'ETag');
    if (upload.isChecked) this.#options.optionals.accept(['partChecksum']);
    upload.parts.set(part.number, { etag, crc32: checksum, sentCrc32: body.crc32, sizeBytes });
    request.onPartStored?.({ number: part.number, etag, crc32: body.crc32, sizeBytes });
    return null;
  }

  async #copyPart(
    part: Part,
    upload: Upload,
    { copied }: MultipartPlan,
    request: CommitRequest,
  ): Promise<CommitOutcome | null> {
    if (copied === undefined) throw new Error('a plan with copied parts needs `copied`');
    const { connection, bucket } = this.#options;
    const sizeBytes = part.end - part.start;
    const isWhole = copied.isWholeObject && sizeBytes === copied.sizeBytes;
    const { CopyPartResult: result } = await connection.send(
      (sdk) =>
        new sdk.UploadPartCopyCommand({
          Bucket: bucket,
          Key: upload.objectKey,
          UploadId: upload.uploadId,
          PartNumber: part.number,
          CopySource: `${bucket}/${upload.objectKey.split('/').map(encodeURIComponent).join('/')}`,
          CopySourceIfMatch: `"${copied.etag}"`,
          ...(isWhole ? {} : { CopySourceRange: `bytes=${part.start}-${part.end - 1}` }),
        }),
      { signal: request.signal, sizeBytes, isPatient: true },
    );
    const etag = result?.ETag;
    if (etag === undefined) return unexpected(`copy part ${part.number} of ${request.key}`, 'ETag');
    upload.parts.set(part.number, { etag, crc32: result?.ChecksumCRC32, sentCrc32: null, sizeBytes });
    return null;
  }

  async #complete(upload: Upload, plan: MultipartPlan, request: CommitRequest): Promise<CommitOutcome> {
    const { connection, bucket, optionals, head } = this.#options;
    const condition = toCondition('complete', request);
    const operation = `complete ${request.key}`;
    const wasUndecided = upload.isUndecided === true;
    try {
      const { ETag: etag } = await optionals.send([condition.name], async (uses) => {
        if (!uses.has(condition.name)) await requireBase(request, head);
        const input = {
          Bucket: bucket,
          Key: upload.objectKey,
          UploadId: upload.uploadId,
          MultipartUpload: { Parts: toCompletedParts(upload) },
          ...toChecks(upload.isChecked, {
            ChecksumCRC32: toBase64Crc(request.target.crc32),
            ChecksumType: 'FULL_OBJECT' as const,
            MpuObjectSize: request.target.sizeBytes,
          }),
          ...(uses.has(condition.name) ? condition.headers : {}),
        };
        const options = { signal: request.signal, isPatient: true };
        return connection.send((sdk) => new sdk.CompleteMultipartUploadCommand(input), options);
      });
      if (upload.isChecked) optionals.accept(['completeChecksum']);
      if (etag === undefined) {
        upload.isUndecided = true;
        return unexpected(operation, 'ETag');
      }
      if (wasUndecided) return await this.#confirm(request);
      this.#uploads.delete(request.commitId);
      return { status: 'stored', etag: stripQuotes(etag) };
    } catch (error) {
      upload.isUndecided = true;
      request.signal?.throwIfAborted();
      if (upload.isChecked) this.#throwIfRejected('completeChecksum', error, request.signal);
      // No response, or a temporary error: keep the upload, because a completion may still succeed or has already done so.
      if (!isDefinite(error)) return outcomeFrom(operation, error, request.signal);
      const isAtWork = wasUndecided && toS3Failure(error).code === 'NoSuchUpload';
      const found = isAtWork
        ? await awaitCompletion(request, head, connection)
        : await head(request.key, request.signal);
      await this.abandon(request.commitId);
      // Check the object in any case: an earlier completion may have succeeded although its response was lost.
      const resolved = resolveConflict(found, request);
      if (resolved.status !== 'conflict' || isPreconditionFailure(error)) return resolved;
      if (isChecksumRefusal(error) && isOtherBase(found, plan)) return resolved;
      if (plan.copied !== undefined && isAboutParts(error))
        throw new RejectedUpload('append', plan.hasRanges ? 'definite' : 'doubtful', { cause: error });
      return outcomeFrom(operation, error, request.signal);
    }
  }

  /**
   * When a completion is sent twice, the object may not exist yet although the second succeeds: versitygw 1.8.0 acknowledges the second
   * while the first is still in progress. So the outcome is `stored` only once HEAD finds the object.
   */
  async #confirm(request: CommitRequest): Promise<CommitOutcome> {
    const found = await this.#options.head(request.key, request.signal);
    const outcome = resolveConflict(found, request);
    if (outcome.status !== 'conflict') {
      if (outcome.status === 'stored') this.#uploads.delete(request.commitId);
      return outcome;
    }
    const cause = new Error(
      `${request.key}: the store acknowledged the completion, but the object does not exist yet`,
    );
    return { status: 'retry', cause };
  }

  /** Throws when the store may have rejected the request because of it. */
  #throwIfRejected(name: Optional, error: unknown, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    const rejection = this.#options.optionals.suspect([name], error);
    if (rejection !== null) throw new RejectedUpload(name, rejection, { cause: error });
  }
}

/** Ends an attempt because the store rejects something optional. */
class RejectedUpload extends Error {
  constructor(
    readonly optional: Optional,
    readonly rejection: Rejection,
    options: ErrorOptions,
  ) {
    super(`the store rejects ${optional}`, options);
  }
}

function toChecks<Fields extends object>(isChecked: boolean, fields: Fields): Partial<Fields> {
  return isChecked ? fields : {};
}

function toCompletedParts({ parts, isChecked }: Upload): CompletedPart[] {
  return [...parts]
    .sort(([a], [b]) => a - b)
    .map(([number, { etag, crc32 }]) => ({
      PartNumber: number,
      ETag: etag,
      ...(crc32 === undefined ? {} : toChecks(isChecked, { ChecksumCRC32: crc32 })),
    }));
}

/** Whether a completion was rejected permanently, so that this upload can never become the object. */
function isDefinite(error: unknown): boolean {
  const failure = toS3Failure(error);
  const { code, httpStatus } = failure;
  if (code === 'PreconditionFailed' || [404, 409, 412].includes(httpStatus ?? 0)) return true;
  return (
    httpStatus === 400 && code !== 'RequestTimeout' && !isAboutTime(failure) && !isAboutCredentials(failure)
  );
}

/** Whether the store does not accept the parts, although the base is unchanged: copies with wrong checksums, or parts of several sizes. */
function isAboutParts(error: unknown): boolean {
  const { code = '' } = toS3Failure(error);
  return isChecksumRefusal(error) || ['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'].includes(code);
}

/** Whether a checksum failed because the copied object is not the one that the caller expects. */
function isOtherBase(found: HeadOutcome, { copied }: MultipartPlan): boolean {
  if (copied === undefined || found.status !== 'found') return false;
  const { etag, crc32 } = found.object;
  return etag !== copied.etag || (copied.isWholeObject && crc32 !== null && crc32 !== copied.crc32);
}

/** CRC-32 of all parts together. */
function combineParts(parts: ReadonlyMap<number, UploadedPart>, copied: MultipartPlan['copied']): number {
  const sent = [...parts].sort(([a], [b]) => a - b).map(([, part]) => part);
  return sent.reduce(
    (crc, { sentCrc32, sizeBytes }) => (sentCrc32 === null ? crc : combineCrc32(crc, sentCrc32, sizeBytes)),
    copied?.crc32 ?? 0,
  );
}
