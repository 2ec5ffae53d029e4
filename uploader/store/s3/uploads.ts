/**
 * Multipart uploads of S3. The store checks the CRC-32 of each part and of the whole object; parts of an append are copied inside the store.
 *
 * If the store rejects a request that has a checksum, the upload is `unsupported` and starts again without checksums; an append does not.
 * Source: Amazon S3 User Guide, "Tutorial: Upload an object through multipart upload and verify its data integrity", and API Reference,
 * `UploadPartCopy` and `CompleteMultipartUpload`.
 */

import type { ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3';
import { OutcomeError } from '../../base/retry-table.js';
import { ListingGuard } from '../base/bounds.js';
import { fromBase64Crc, toBase64Crc, toMetadata } from '../base/commit-metadata.js';
import { stripQuotes, unexpected } from '../base/commit-outcome.js';
import type {
  CompleteOutcome,
  ObjectWrite,
  OpenOutcome,
  Orphan,
  PartBody,
  PartOutcome,
  PartsOutcome,
  Unsupported,
  Upload,
  UploadedPart,
} from '../base/driver.js';
import { isPassing } from '../base/http-outcome.js';
import type { Part } from '../base/part-planner.js';
import type { ObjectVersion } from '../base/store.js';
import { isAboutCredentials, isAboutTime, isChecksumRefusal, outcomeFrom, toS3Failure } from './answer.js';
import { isPreconditionFailure, requireBase, toCondition } from './conditional-write.js';
import { MULTIPART_CHECKSUMS, type Optional } from './optionals.js';
import { S3Reader } from './reader.js';
import type { Rejection } from './rejections.js';
import type { WriteFields } from './write-options.js';

/** How often a failed listing of uploads is repeated. It is optional, so its failures do not count as an outage. */
const MAX_LISTINGS = 3;

/** What `findBase` hands to `complete`. */
export interface CopyPlan {
  /** Only ranges of the object are copied, not all of it as one part. */
  readonly hasRanges: boolean;
}

export abstract class S3Uploads extends S3Reader {
  /** The headers of writes that the user has chosen. */
  abstract readonly writeFields: WriteFields;
  /** By upload id: whether the requests have checksums. An upload has all of them or none. */
  readonly #isChecked = new Map<string, boolean>();
  /** By commit id: what the store may have rejected. The commit is repeated without checksums, and its success proves the rejection. */
  readonly #suspects = new Map<string, { readonly name: Optional; readonly rejection: Rejection }>();

  async openUpload(write: ObjectWrite): Promise<OpenOutcome> {
    const { key, commitId, signal } = write;
    const operation = `start a multipart upload of ${key}`;
    let isChecked = this.#usesChecksums() && !this.#suspects.has(commitId);
    const names: Optional[] = isChecked ? ['createChecksum', 'createMetadata'] : ['createMetadata'];
    try {
      const { UploadId } = await this.optionals.send(names, (uses) => {
        isChecked = uses.has('createChecksum');
        const checks = isChecked
          ? ({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const)
          : {};
        const Metadata = uses.has('createMetadata') ? toMetadata(write) : {};
        const input = { ...this.toTarget(key), Metadata, ...this.writeFields, ...checks };
        return this.connection.send((sdk) => new sdk.CreateMultipartUploadCommand(input), { signal });
      });
      if (UploadId === undefined) return unexpected(operation, 'upload id');
      this.optionals.accept(['multipart']);
      this.#isChecked.set(UploadId, isChecked);
      return { status: 'opened', id: UploadId };
    } catch (error) {
      const rejection = this.#suspect('multipart', error, write);
      if (rejection === null) return outcomeFrom(operation, error, signal);
      this.optionals.reject('multipart', rejection);
      return { status: 'unsupported', again: false };
    }
  }

  async listParts({ id, write }: Upload): Promise<PartsOutcome> {
    const { key, signal } = write;
    const parts: UploadedPart[] = [];
    const guard = new ListingGuard(`list the parts of ${key}`);
    const cause = new Error(`${key}: the upload cannot be resumed`);
    if (!this.optionals.uses('listParts')) return { status: 'gone', cause };
    try {
      let PartNumberMarker: string | undefined;
      do {
        const input = { ...this.toTarget(key), UploadId: id, PartNumberMarker };
        const page = await this.connection.send((sdk) => new sdk.ListPartsCommand(input), { signal });
        this.optionals.accept(['listParts']);
        for (const { PartNumber, ETag, Size, ChecksumCRC32 } of page.Parts ?? [])
          if (PartNumber !== undefined && ETag !== undefined && Size !== undefined)
            parts.push(toPart(PartNumber, ETag, Size, ChecksumCRC32));
        PartNumberMarker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
        if (PartNumberMarker !== undefined) guard.advance(PartNumberMarker, page.Parts?.length ?? 0);
      } while (PartNumberMarker !== undefined);
      return { status: 'listed', parts };
    } catch (error) {
      const rejection = this.#suspect('listParts', error, write);
      if (rejection !== null) this.optionals.reject('listParts', rejection);
      const outcome = outcomeFrom(`list the parts of ${key}`, error, signal);
      return rejection === null && isPassing(outcome) ? outcome : { status: 'gone', cause };
    }
  }

  async putPart({ id, write, kept }: Upload, { number }: Part, body: PartBody): Promise<PartOutcome> {
    const { key, signal } = write;
    const { sizeBytes } = body;
    const isChecked = this.#hasChecksums(id);
    const checks = isChecked ? { ChecksumCRC32: toBase64Crc(body.crc32) } : {};
    const operation = `upload part ${number} of ${key}`;
    try {
      const { ETag } = await this.connection.send(
        (sdk) => {
          write.onBytesSent?.(sizeBytes);
          return new sdk.UploadPartCommand({
            ...{ ...this.toTarget(key), UploadId: id, PartNumber: number, ...checks },
            ...{ Body: body.open(), ContentLength: sizeBytes },
          });
        },
        { signal, sizeBytes },
      );
      if (ETag === undefined) return unexpected(operation, 'ETag');
      if (isChecked) this.optionals.accept(['partChecksum']);
      return { status: 'kept', part: toPart(number, ETag, sizeBytes, checks.ChecksumCRC32) };
    } catch (error) {
      if (toS3Failure(error).code === 'NoSuchUpload') return { status: 'gone', cause: error };
      const rejection = isChecked ? this.#suspect('partChecksum', error, write) : null;
      if (rejection !== null) return this.#doubt('partChecksum', rejection, write, kept);
      return outcomeFrom(operation, error, signal);
    }
  }

  async keepPart({ id, write }: Upload, part: Part, base: ObjectVersion): Promise<PartOutcome> {
    // Nothing would prove that the store has copied the right bytes.
    if (!this.#hasChecksums(id)) return { status: 'unsupported', again: false };
    const { key, signal } = write;
    const { number, start, end } = part;
    const sizeBytes = end - start;
    const isWhole = sizeBytes === base.sizeBytes;
    const operation = `copy part ${number} of ${key}`;
    try {
      const target = this.toTarget(key);
      const { CopyPartResult: result } = await this.connection.send(
        (sdk) =>
          new sdk.UploadPartCopyCommand({
            ...{ ...target, UploadId: id, PartNumber: number },
            CopySource: `${target.Bucket}/${target.Key.split('/').map(encodeURIComponent).join('/')}`,
            CopySourceIfMatch: `"${base.etag}"`,
            ...(isWhole ? {} : { CopySourceRange: `bytes=${start}-${end - 1}` }),
          }),
        { signal, sizeBytes, isPatient: true },
      );
      return result?.ETag === undefined
        ? unexpected(operation, 'ETag')
        : { status: 'kept', part: toPart(number, result.ETag, sizeBytes, result.ChecksumCRC32) };
    } catch (error) {
      if (isPreconditionFailure(error)) return { status: 'conflict' };
      if (toS3Failure(error).code === 'NoSuchUpload') return { status: 'gone', cause: error };
      const rejection = this.#suspect('append', error, write);
      if (rejection === null) return outcomeFrom(operation, error, signal);
      this.optionals.reject(isWhole ? 'append' : 'rangeCopy', rejection);
      return { status: 'unsupported', again: false };
    }
  }

  async complete({ id, write, kept }: Upload, parts: readonly UploadedPart[]): Promise<CompleteOutcome> {
    const { key, target, commitId, signal } = write;
    const condition = toCondition('complete', write);
    const operation = `complete ${key}`;
    const isChecked = this.#hasChecksums(id);
    const checks = { ChecksumCRC32: toBase64Crc(target.crc32), ChecksumType: 'FULL_OBJECT' as const };
    try {
      const { ETag } = await this.optionals.send([condition.name], async (uses) => {
        if (!uses.has(condition.name)) await requireBase(write, (each, its) => this.head(each, its));
        const input = {
          ...{ ...this.toTarget(key), UploadId: id },
          MultipartUpload: { Parts: parts.map((part) => toCompletedPart(part, isChecked)) },
          ...(isChecked ? { ...checks, MpuObjectSize: target.sizeBytes } : {}),
          ...(uses.has(condition.name) ? condition.headers : {}),
        };
        const options = { signal, isPatient: true };
        return this.connection.send((sdk) => new sdk.CompleteMultipartUploadCommand(input), options);
      });
      if (isChecked) this.optionals.accept(['completeChecksum']);
      if (ETag === undefined) return unexpected(operation, 'ETag');
      const suspect = this.#suspects.get(commitId);
      if (suspect !== undefined) this.optionals.reject(suspect.name, suspect.rejection);
      this.#suspects.delete(commitId);
      this.#isChecked.delete(id);
      return { status: 'stored', etag: stripQuotes(ETag) };
    } catch (error) {
      const rejection = isChecked ? this.#suspect('completeChecksum', error, write) : null;
      if (rejection !== null) return this.#doubt('completeChecksum', rejection, write, kept);
      if (isPreconditionFailure(error)) return { status: 'conflict' };
      const outcome = outcomeFrom(operation, error, signal);
      if (!isDefinite(error)) return outcome;
      const isGone = toS3Failure(error).code === 'NoSuchUpload';
      if (kept === undefined || !isAboutParts(error)) return { status: 'rejected', isGone, outcome };
      // The base is unchanged, so the store has copied it wrongly, or accepts only parts of one size.
      const { hasRanges } = kept as CopyPlan;
      const onFinal = (): void =>
        this.optionals.reject(hasRanges ? 'rangeCopy' : 'append', hasRanges ? 'definite' : 'doubtful');
      return { status: 'rejected', isGone, outcome: { status: 'unsupported', again: false }, onFinal };
    }
  }

  async discard({ id, key }: { readonly id: string; readonly key: string }): Promise<void> {
    this.#isChecked.delete(id);
    // If the store is unavailable, `collect`, or at the latest a lifecycle rule, removes the upload later.
    await this.removeOrphan({ id, key });
  }

  /** Open uploads. None if the store cannot list them. */
  async *listOrphans(prefix: string, signal?: AbortSignal): AsyncGenerator<Orphan> {
    if (!this.optionals.uses('listUploads')) return;
    const operation = `list the multipart uploads below ${prefix}`;
    const guard = new ListingGuard(operation);
    const { Bucket, Key: Prefix } = this.toTarget(prefix);
    let after: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (;;) {
      const input = { Bucket, Prefix, ...after };
      let page: ListMultipartUploadsCommandOutput;
      try {
        page = await this.connection.send((sdk) => new sdk.ListMultipartUploadsCommand(input), { signal });
      } catch (error) {
        signal?.throwIfAborted();
        const rejection = this.optionals.suspect(['listUploads'], error);
        if (rejection !== null) this.optionals.reject('listUploads', rejection);
        const outcome = outcomeFrom(operation, error, signal);
        throw new OutcomeError(
          outcome.status === 'retry' ? { ...outcome, maxAttempts: MAX_LISTINGS } : outcome,
        );
      }
      for (const { Key, UploadId: id, Initiated } of page.Uploads ?? []) {
        const ageMs = Initiated === undefined ? 0 : this.connection.storeTimeMs() - Initiated.getTime();
        if (Key !== undefined && id !== undefined) yield { key: Key.slice(this.prefix.length), id, ageMs };
      }
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
      if (page.IsTruncated !== true || KeyMarker === undefined) break;
      guard.advance(`${KeyMarker} ${UploadIdMarker}`, page.Uploads?.length ?? 0);
      after = { KeyMarker, ...(UploadIdMarker === undefined ? {} : { UploadIdMarker }) };
    }
    this.optionals.accept(['listUploads']);
  }

  async removeOrphan({ key, id }: Omit<Orphan, 'ageMs'>, signal?: AbortSignal): Promise<boolean> {
    const input = { ...this.toTarget(key), UploadId: id };
    try {
      await this.connection.send((sdk) => new sdk.AbortMultipartUploadCommand(input), { signal });
      return true;
    } catch {
      signal?.throwIfAborted();
      return false;
    }
  }

  #usesChecksums(): boolean {
    return MULTIPART_CHECKSUMS.every((name) => this.optionals.uses(name));
  }

  /** For the upload of an earlier process, what is known now. */
  #hasChecksums(id: string): boolean {
    const isChecked = this.#isChecked.get(id) ?? this.#usesChecksums();
    this.#isChecked.set(id, isChecked);
    return isChecked;
  }

  #suspect(name: Optional, error: unknown, { signal }: ObjectWrite): Rejection | null {
    signal?.throwIfAborted();
    return this.optionals.suspect([name], error);
  }

  /** The store may have rejected a checksum. An append needs it. */
  #doubt(name: Optional, rejection: Rejection, { commitId }: ObjectWrite, kept: unknown): Unsupported {
    if (kept !== undefined) this.optionals.reject(name, rejection);
    else this.#suspects.set(commitId, { name, rejection });
    return { status: 'unsupported', again: kept === undefined };
  }
}

function toPart(number: number, etag: string, sizeBytes: number, crc32: string | undefined): UploadedPart {
  return { number, etag: stripQuotes(etag), sizeBytes, crc32: fromBase64Crc(crc32) };
}

function toCompletedPart({ number, etag, crc32 }: UploadedPart, isChecked: boolean) {
  const checks = isChecked && crc32 !== null ? { ChecksumCRC32: toBase64Crc(crc32) } : {};
  return { PartNumber: number, ETag: etag, ...checks };
}

/** Whether a completion was rejected permanently, so that this upload can never become the object. */
function isDefinite(error: unknown): boolean {
  const failure = toS3Failure(error);
  const { code, httpStatus } = failure;
  if ([404, 409].includes(httpStatus ?? 0)) return true;
  return (
    httpStatus === 400 && code !== 'RequestTimeout' && !isAboutTime(failure) && !isAboutCredentials(failure)
  );
}

/** Whether the store does not accept the parts: copies with wrong checksums, or parts of several sizes. */
function isAboutParts(error: unknown): boolean {
  const { code = '' } = toS3Failure(error);
  return isChecksumRefusal(error) || ['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall'].includes(code);
}
