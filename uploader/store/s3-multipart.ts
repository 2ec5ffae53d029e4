/**
 * Commits of large objects: multipart uploads whose every part and whole object the store checks by CRC-32.
 *
 * What has been uploaded is remembered under the commit id, so that a commit called again sends only the parts that are missing.
 * Nothing is visible before the completion. Source: Amazon S3 User Guide, "Tutorial: Upload an object through multipart upload and
 * verify its data integrity", and API Reference, `CompleteMultipartUpload`.
 */

import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { CompletedPart } from '@aws-sdk/client-s3';
import type { FailedOutcome, RetryOutcome } from '../retry.js';
import type { ByteBudget } from './byte-budget.js';
import { combineCrc32 } from './crc32-combine.js';
import { type Part, planParts } from './part-planner.js';
import { toOutcome, toS3Failure } from './s3-answer.js';
import type { S3Clients } from './s3-client.js';
import {
  type Conditions,
  isPreconditionFailure,
  resolveConflict,
  stripQuotes,
  toBase64Crc32,
  toMetadata,
} from './s3-commit.js';
import type { CommitOutcome, CommitRequest, HeadOutcome } from './store.js';

const PARTS_AT_ONCE = 4;
/** Larger parts are streamed from the source in pieces of this size, never held as a whole. */
const STREAM_PIECE_BYTES = 1024 * 1024;

interface Upload {
  readonly uploadId: string;
  readonly objectKey: string;
  readonly parts: Map<number, UploadedPart>;
}

interface UploadedPart {
  readonly etag: string;
  readonly crc32: number;
  readonly sizeBytes: number;
}

export interface MultipartOptions {
  readonly clients: S3Clients;
  readonly bucket: string;
  readonly conditions: Conditions;
  readonly budget: ByteBudget;
  /** Parts up to this size are held in memory. */
  readonly bufferMaxBytes: number;
  /** The size of parts; without it the planner chooses. */
  readonly partBytes: number | undefined;
  readonly head: (key: string, signal?: AbortSignal) => Promise<HeadOutcome>;
}

export class MultipartCommits {
  readonly #options: MultipartOptions;
  readonly #uploads = new Map<string, Upload>();

  constructor(options: MultipartOptions) {
    this.#options = options;
  }

  async commit(objectKey: string, request: CommitRequest): Promise<CommitOutcome> {
    const opened = await this.#open(objectKey, request);
    if ('status' in opened) return opened;
    const failed = await this.#uploadParts(opened, request);
    if (failed === null && combineParts(opened.parts) === request.target.crc32)
      return this.#complete(opened, request);
    const outcome = failed ?? ({ status: 'changed' } as const);
    if (outcome.status !== 'retry') await this.abandon(request.commitId);
    return outcome;
  }

  async abandon(commitId: string): Promise<void> {
    const upload = this.#uploads.get(commitId);
    if (upload === undefined) return;
    this.#uploads.delete(commitId);
    const { clients, bucket } = this.#options;
    try {
      const input = { Bucket: bucket, Key: upload.objectKey, UploadId: upload.uploadId };
      await clients.client.send(new clients.sdk.AbortMultipartUploadCommand(input));
    } catch {
      // The store is away. Its open uploads are collected later, by a lifecycle rule at the latest.
    }
  }

  async #open(objectKey: string, request: CommitRequest): Promise<Upload | RetryOutcome | FailedOutcome> {
    const known = this.#uploads.get(request.commitId);
    if (known !== undefined) return known;
    const { clients, bucket } = this.#options;
    const operation = `start a multipart upload of ${request.key}`;
    try {
      const { UploadId: uploadId } = await clients.client.send(
        new clients.sdk.CreateMultipartUploadCommand({
          Bucket: bucket,
          Key: objectKey,
          ChecksumAlgorithm: 'CRC32',
          ChecksumType: 'FULL_OBJECT',
          Metadata: toMetadata(request),
        }),
        toSendOptions(request),
      );
      if (uploadId === undefined) return unexpected(operation, 'an upload id');
      const upload = { uploadId, objectKey, parts: new Map<number, UploadedPart>() };
      this.#uploads.set(request.commitId, upload);
      return upload;
    } catch (error) {
      return toOutcome(operation, error, request.signal);
    }
  }

  /** Sends the parts that are missing, some at a time. The first failure keeps further parts from starting. */
  async #uploadParts(upload: Upload, request: CommitRequest): Promise<CommitOutcome | null> {
    const missing = planParts(request.target.sizeBytes, this.#options.partBytes).filter(
      (part) => !upload.parts.has(part.number),
    );
    let failed: CommitOutcome | null = null;
    const work = async (): Promise<void> => {
      for (let part = missing.shift(); part !== undefined && failed === null; part = missing.shift()) {
        const next = part;
        const outcome = await this.#options.budget.use(
          Math.min(part.end - part.start, this.#options.bufferMaxBytes),
          () => this.#uploadPart(upload, next, request),
        );
        failed ??= outcome;
      }
    };
    const workers = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, work));
    for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
    return failed;
  }

  async #uploadPart(upload: Upload, part: Part, request: CommitRequest): Promise<CommitOutcome | null> {
    request.signal?.throwIfAborted();
    const { clients, bucket, bufferMaxBytes } = this.#options;
    const sizeBytes = part.end - part.start;
    const body =
      sizeBytes <= bufferMaxBytes ? await bufferBody(part, request) : await streamBody(part, request);
    if (body === null) return { status: 'changed' };
    const operation = `send part ${part.number} of ${request.key}`;
    try {
      request.onBytesSent?.(sizeBytes);
      const { ETag: etag } = await clients.client.send(
        new clients.sdk.UploadPartCommand({
          Bucket: bucket,
          Key: upload.objectKey,
          UploadId: upload.uploadId,
          PartNumber: part.number,
          Body: body.bytes,
          ContentLength: sizeBytes,
          ChecksumCRC32: toBase64Crc32(body.crc32),
        }),
        toSendOptions(request),
      );
      if (etag === undefined) return unexpected(operation, 'an ETag');
      upload.parts.set(part.number, { etag, crc32: body.crc32, sizeBytes });
      request.onPartStored?.({ number: part.number, etag, crc32: body.crc32, sizeBytes });
      return null;
    } catch (error) {
      if (toS3Failure(error).code === 'NoSuchUpload') this.#uploads.delete(request.commitId);
      return toOutcome(operation, error, request.signal);
    }
  }

  async #complete(upload: Upload, request: CommitRequest): Promise<CommitOutcome> {
    const { clients, bucket, conditions, head } = this.#options;
    const operation = `complete ${request.key}`;
    const send = (condition: object) =>
      clients.patientClient.send(
        new clients.sdk.CompleteMultipartUploadCommand({
          Bucket: bucket,
          Key: upload.objectKey,
          UploadId: upload.uploadId,
          ChecksumCRC32: toBase64Crc32(request.target.crc32),
          ChecksumType: 'FULL_OBJECT',
          MpuObjectSize: request.target.sizeBytes,
          MultipartUpload: { Parts: toCompletedParts(upload.parts) },
          ...condition,
        }),
        toSendOptions(request),
      );
    try {
      const { ETag: etag } = await conditions.send(request, send);
      if (etag === undefined) return unexpected(operation, 'an ETag');
      this.#uploads.delete(request.commitId);
      return { status: 'stored', etag: stripQuotes(etag) };
    } catch (error) {
      // Gone, or refused: either somebody else wrote the object, or an earlier completion did happen and its answer was lost.
      const isUploadGone = toS3Failure(error).code === 'NoSuchUpload';
      const outcome =
        isUploadGone || isPreconditionFailure(error)
          ? resolveConflict(await head(request.key, request.signal), request)
          : toOutcome(operation, error, request.signal);
      if (isUploadGone) this.#uploads.delete(request.commitId);
      if (outcome.status !== 'retry') await this.abandon(request.commitId);
      // Gone and not ours: a lifecycle rule or another client removed it. The next call starts again.
      return isUploadGone && outcome.status === 'conflict'
        ? toOutcome(operation, error, request.signal)
        : outcome;
    }
  }
}

/** CRC-32 of the object that the parts make. */
function combineParts(parts: ReadonlyMap<number, UploadedPart>): number {
  const inOrder = [...parts].sort(([a], [b]) => a - b);
  return inOrder.reduce((crc, [, part]) => combineCrc32(crc, part.crc32, part.sizeBytes), 0);
}

function toCompletedParts(parts: ReadonlyMap<number, UploadedPart>): CompletedPart[] {
  return [...parts]
    .sort(([a], [b]) => a - b)
    .map(([number, { etag, crc32 }]) => ({
      PartNumber: number,
      ETag: etag,
      ChecksumCRC32: toBase64Crc32(crc32),
    }));
}

interface Body {
  readonly bytes: Buffer | Readable;
  readonly crc32: number;
}

async function bufferBody(part: Part, { source }: CommitRequest): Promise<Body | null> {
  const bytes = await source.read(part.start, part.end);
  return bytes.length === part.end - part.start ? { bytes, crc32: crc32(bytes) } : null;
}

async function streamBody(part: Part, request: CommitRequest): Promise<Body | null> {
  let crc = 0;
  let sizeBytes = 0;
  for await (const piece of readPieces(part, request)) {
    crc = crc32(piece, crc);
    sizeBytes += piece.length;
  }
  return sizeBytes === part.end - part.start
    ? { bytes: Readable.from(readPieces(part, request)), crc32: crc }
    : null;
}

async function* readPieces(part: Part, { source, signal }: CommitRequest): AsyncGenerator<Buffer> {
  for (let start = part.start; start < part.end; start += STREAM_PIECE_BYTES) {
    signal?.throwIfAborted();
    yield await source.read(start, Math.min(start + STREAM_PIECE_BYTES, part.end));
  }
}

export function toSendOptions({ signal }: { signal?: AbortSignal | undefined }): {
  abortSignal?: AbortSignal;
} {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** A success without what every success has: something between us and the store answered in its place. */
export function unexpected(operation: string, missing: string): RetryOutcome {
  return { status: 'retry', cause: new Error(`${operation}: the answer has no ${missing}`) };
}
