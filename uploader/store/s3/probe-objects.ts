/** The test objects and multipart uploads of a probe. */

import { crc32 } from 'node:zlib';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { fromBase64Crc, toBase64Crc } from '../base/commit-metadata.js';
import { ProbeObjects } from '../base/probe-objects.js';
import { outcomeFrom, toS3Failure } from './answer.js';
import type { Condition } from './conditional-write.js';
import type { S3Connection } from './connection.js';
import type { WriteFields } from './write-options.js';

export interface ProbePlace {
  readonly connection: S3Connection;
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly keyPrefix: string;
  readonly writeFields: WriteFields;
}

export type ProbePart =
  /** The first bytes of an object, copied. `of` names the object; default: the object that is written. */
  { readonly copy: Buffer; readonly of?: string } | { readonly send: Buffer };

export interface PutOptions extends Condition {
  readonly ChecksumCRC32?: string;
}

export interface CompleteOptions {
  readonly condition?: Condition;
  /** Sends a checksum that does not match the bytes. */
  readonly isWrong?: boolean;
  /** False: sends no checksums. */
  readonly isChecked?: boolean;
}

const METADATA = { 'plx-commit': 'probe' };

export class S3ProbeObjects extends ProbeObjects {
  readonly #place: ProbePlace;
  readonly #made = new Map<string, Set<string | undefined>>();
  readonly #uploads = new Map<string, string>();
  #mayAbort = true;

  constructor(place: ProbePlace, signal: AbortSignal | undefined) {
    super(place.keyPrefix, { toFailure: toS3Failure, outcomeFrom }, signal);
    this.#place = place;
  }

  /** Whether a PUT is accepted. */
  takes(name: string, bytes: Buffer, options: PutOptions): Promise<boolean> {
    return this.accepts(`put ${name}`, () => this.#put(name, bytes, options));
  }

  /** A PUT that must succeed for the probe to continue. */
  async require(name: string, bytes: Buffer): Promise<void> {
    try {
      await this.#put(name, bytes, {});
    } catch (error) {
      throw this.endFrom('write to the bucket', 'put', error);
    }
  }

  async head(name: string) {
    const { connection } = this.#place;
    const input = { ...this.#target(name), ChecksumMode: 'ENABLED' as const };
    try {
      const answer = await connection.send((sdk) => new sdk.HeadObjectCommand(input), {
        signal: this.signal,
      });
      return {
        etag: answer.ETag ?? '',
        sizeBytes: answer.ContentLength ?? 0,
        crc32: answer.ChecksumType === 'COMPOSITE' ? null : fromBase64Crc(answer.ChecksumCRC32),
        hasMetadata: answer.Metadata?.['plx-commit'] === METADATA['plx-commit'],
      };
    } catch (error) {
      throw this.endFrom('read from the bucket', 'get', error);
    }
  }

  /** Whether a part with this checksum is accepted. */
  async takesPart(name: string, bytes: Buffer, checksum: string): Promise<boolean> {
    const isAccepted = await this.accepts('upload a part', async () => {
      const uploadId = await this.#createUpload(name, true);
      return this.#uploadPart(name, uploadId, 1, bytes, checksum);
    });
    await this.#abortUploads();
    return isAccepted;
  }

  /** Whether a multipart upload of these parts can be completed. */
  async completes(
    name: string,
    parts: readonly ProbePart[],
    options: CompleteOptions = {},
  ): Promise<boolean> {
    const { condition = {}, isWrong = false, isChecked = true } = options;
    const whole = parts.reduce((crc, part) => crc32('copy' in part ? part.copy : part.send, crc), 0);
    const checksum = toBase64Crc(isWrong ? toOther(whole) : whole);
    const isAccepted = await this.accepts('complete a multipart upload', async () => {
      const UploadId = await this.#createUpload(name, isChecked);
      const Parts = [];
      for (const [index, part] of parts.entries())
        Parts.push(await this.#storePart(name, UploadId, index + 1, part, isChecked));
      const checks = isChecked ? { ChecksumCRC32: checksum, ChecksumType: 'FULL_OBJECT' as const } : {};
      const input = { ...this.#target(name), UploadId, MultipartUpload: { Parts }, ...checks, ...condition };
      const { VersionId } = await this.#place.connection.send(
        (sdk) => new sdk.CompleteMultipartUploadCommand(input),
        { signal: this.signal, isPatient: true },
      );
      this.#uploads.delete(UploadId);
      this.#remember(name, VersionId);
    });
    await this.#abortUploads();
    return isAccepted;
  }

  /** Whether listings show open uploads. */
  async listsUploads(name: string): Promise<boolean> {
    const { connection, bucket } = this.#place;
    const answer = await this.ask('list multipart uploads', async () => {
      const uploadId = await this.#createUpload(name, false);
      const input = { Bucket: bucket, Prefix: this.prefix };
      const { Uploads } = await connection.send((sdk) => new sdk.ListMultipartUploadsCommand(input), {
        signal: this.signal,
      });
      return Uploads?.some(({ UploadId }) => UploadId === uploadId) ?? false;
    });
    await this.#abortUploads();
    return answer ?? false;
  }

  async versioning(): Promise<'on' | 'off' | 'unknown'> {
    const { connection, bucket } = this.#place;
    const answer = await this.ask('read the versioning of the bucket', async () => {
      const { Status } = await connection.send(
        (sdk) => new sdk.GetBucketVersioningCommand({ Bucket: bucket }),
        { signal: this.signal },
      );
      return Status === 'Enabled' ? 'on' : 'off';
    });
    return answer ?? 'unknown';
  }

  mayRead(name: string): Promise<boolean> {
    return this.accepts('read an object', async () => {
      const input = this.#target(name);
      const { Body } = await this.#place.connection.send((sdk) => new sdk.GetObjectCommand(input), {
        signal: this.signal,
      });
      return Body?.transformToByteArray();
    });
  }

  async remove(): Promise<{ remaining: string[]; mayAbort: boolean }> {
    await this.#abortUploads();
    const remaining: string[] = [];
    for (const [key, versions] of this.#made)
      for (const VersionId of versions) {
        const version = VersionId === undefined ? {} : { VersionId };
        const input = { Bucket: this.#place.bucket, Key: key, ...version };
        try {
          await this.#place.connection.send((sdk) => new sdk.DeleteObjectCommand(input));
        } catch {
          if (!remaining.includes(key)) remaining.push(key); // only the probe needs the permission to delete
        }
      }
    return { remaining, mayAbort: this.#mayAbort };
  }

  async #put(name: string, bytes: Buffer, options: PutOptions): Promise<void> {
    const { writeFields } = this.#place;
    const input = { ...this.#target(name), Body: bytes, Metadata: METADATA, ...writeFields, ...options };
    const { VersionId } = await this.#place.connection.send((sdk) => new sdk.PutObjectCommand(input), {
      signal: this.signal,
      sizeBytes: bytes.length,
    });
    this.#remember(name, VersionId);
  }

  async #createUpload(name: string, isChecked: boolean): Promise<string> {
    const checks = isChecked ? ({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const) : {};
    const input = { ...this.#target(name), ...checks, Metadata: METADATA, ...this.#place.writeFields };
    const { UploadId } = await this.#place.connection.send(
      (sdk) => new sdk.CreateMultipartUploadCommand(input),
      { signal: this.signal },
    );
    if (UploadId === undefined) throw new Error('the response has no upload id');
    this.#uploads.set(UploadId, this.prefix + name);
    return UploadId;
  }

  async #storePart(
    name: string,
    UploadId: string,
    PartNumber: number,
    part: ProbePart,
    isChecked: boolean,
  ): Promise<CompletedPart> {
    if ('send' in part) {
      const checksum = isChecked ? toBase64Crc(crc32(part.send)) : undefined;
      return this.#uploadPart(name, UploadId, PartNumber, part.send, checksum);
    }
    const source = await this.head(part.of ?? name);
    const key = this.prefix + (part.of ?? name);
    const range = { CopySourceRange: `bytes=0-${part.copy.length - 1}` };
    const input = {
      ...this.#target(name),
      UploadId,
      PartNumber,
      CopySource: `${this.#place.bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
      CopySourceIfMatch: source.etag,
      ...(source.sizeBytes === part.copy.length ? {} : range),
    };
    const { CopyPartResult: result } = await this.#place.connection.send(
      (sdk) => new sdk.UploadPartCopyCommand(input),
      { signal: this.signal, isPatient: true },
    );
    const ChecksumCRC32 = isChecked ? result?.ChecksumCRC32 : undefined;
    return toPart(PartNumber, result?.ETag, ChecksumCRC32);
  }

  async #uploadPart(
    name: string,
    UploadId: string,
    PartNumber: number,
    bytes: Buffer,
    checksum: string | undefined,
  ): Promise<CompletedPart> {
    const checks = checksum === undefined ? {} : { ChecksumCRC32: checksum };
    const input = { ...this.#target(name), UploadId, PartNumber, Body: bytes, ...checks };
    const { ETag } = await this.#place.connection.send((sdk) => new sdk.UploadPartCommand(input), {
      signal: this.signal,
      sizeBytes: bytes.length,
    });
    return toPart(PartNumber, ETag, checksum);
  }

  async #abortUploads(): Promise<void> {
    for (const [UploadId, Key] of this.#uploads) {
      const input = { Bucket: this.#place.bucket, Key, UploadId };
      try {
        await this.#place.connection.send((sdk) => new sdk.AbortMultipartUploadCommand(input));
      } catch (error) {
        if (toS3Failure(error).httpStatus === 403) this.#mayAbort = false;
      }
    }
    this.#uploads.clear();
  }

  #target(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#place.bucket, Key: this.prefix + name };
  }

  #remember(name: string, versionId: string | undefined): void {
    const key = this.prefix + name;
    const versions = this.#made.get(key) ?? new Set();
    this.#made.set(key, versions.add(versionId === 'null' ? undefined : versionId));
  }
}

/** A checksum that differs from `crc`. */
export function toOther(crc: number): number {
  return (crc ^ 1) >>> 0;
}

function toPart(
  PartNumber: number,
  ETag: string | undefined,
  ChecksumCRC32: string | undefined,
): CompletedPart {
  return {
    PartNumber,
    ...(ETag === undefined ? {} : { ETag }),
    ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }),
  };
}
