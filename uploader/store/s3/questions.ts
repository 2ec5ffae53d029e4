/**
 * Asks a bucket what ordinary requests do not show: whether it does what it accepts. Most questions are ordinary commits of test objects below
 * `.plx/probe/`, from which `Optionals` learns.
 *
 * Each question stands for itself. One that fails leaves its answer unknown.
 */

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { CommitEngine } from '../base/commit-engine.js';
import { toBase64Crc } from '../base/commit-metadata.js';
import { MIN_PART_BYTES, type Part } from '../base/part-planner.js';
import type { AppendOutcome, CommitRequest, Extent, ObjectVersion } from '../base/store.js';
import { outcomeFrom, toS3Failure } from './answer.js';
import { isPreconditionFailure } from './conditional-write.js';
import type { Optional } from './optionals.js';
import type { Observed } from './s3-capabilities.js';
import type { S3Driver } from './s3-driver.js';

const WRONG_ETAG = '00000000000000000000000000000000';
const MAX_ATTEMPTS = 3;

type Headers = Readonly<Record<string, string>>;

/** A store, and the requests that it sends itself. */
export type AskedStore = Pick<
  CommitEngine<S3Driver>,
  'commit' | 'commitInParts' | 'append' | 'head' | 'driver'
>;

export class S3Questions {
  readonly #store: AskedStore;
  readonly #signal: AbortSignal | undefined;
  readonly #directory: string;
  readonly #made = new Set<string>();
  /** Null: unknown. */
  mayAbort: boolean | null = null;

  /** `directory`: the key prefix of the test objects, unique and with a slash at its end. */
  constructor(store: AskedStore, directory: string, signal?: AbortSignal) {
    this.#store = store;
    this.#signal = signal;
    this.#directory = directory;
  }

  /** Questions of a few bytes, in about 20 requests: whether conditions and checksums have an effect. */
  async askCheaply(): Promise<void> {
    await this.#ask('keepsMetadata', () => this.#askAboutHead());
    await this.#ask('honoursPutIfNoneMatch', () => this.#refusesPut('putIfNoneMatch', { IfNoneMatch: '*' }));
    await this.#ask('honoursPutIfMatch', () =>
      this.#refusesPut('putIfMatch', { IfMatch: `"${WRONG_ETAG}"` }),
    );
    await this.#ask(null, () => this.#commit('small', randomBytes(16))); // a replacement whose condition fits
    await this.#ask('verifiesPut', () => this.#refusesPut('putChecksum', wrongChecksum()));
    await this.#ask(null, () => this.#commit('parts', randomBytes(1), { inParts: [1] }));
    await this.#ask('honoursComplete', async () => {
      const create = await this.#refusesComplete('completeIfNoneMatch', { IfNoneMatch: '*' });
      const replace = await this.#refusesComplete('completeIfMatch', { IfMatch: `"${WRONG_ETAG}"` });
      return create && replace;
    });
    await this.#ask('verifiesMultipart', () =>
      this.#refusesComplete('completeChecksum', { ...wrongChecksum(), ChecksumType: 'FULL_OBJECT' }),
    );
  }

  /** Questions that need an object of 10 MiB, and those about the bucket. */
  async askAboutLargeObjects(): Promise<void> {
    const bytes = randomBytes(2 * MIN_PART_BYTES + 2);
    const sizes = [MIN_PART_BYTES + 1, MIN_PART_BYTES, 1];
    await this.#ask(null, () => this.#commit('large', randomBytes(1)));
    await this.#ask('unevenParts', () => this.#commit('large', bytes, { inParts: sizes }));
    let base = await this.#find('large');
    if (base?.sizeBytes !== bytes.length) {
      await this.#ask(null, () => this.#commit('large', bytes));
      base = await this.#find('large');
    }
    if (base?.sizeBytes !== bytes.length) return;
    const known = { ...base, crc32: crc32(bytes) };
    const grown = Buffer.concat([bytes, randomBytes(1)]);
    await this.#ask(null, () => this.#append(known, known, grown));
    const again = await this.#find('large');
    const keep = { sizeBytes: MIN_PART_BYTES, crc32: crc32(bytes.subarray(0, MIN_PART_BYTES)) };
    if (again?.sizeBytes === grown.length)
      await this.#ask(null, () =>
        this.#append({ ...again, crc32: crc32(grown) }, keep, Buffer.concat([bytes, randomBytes(2)])),
      );
    await this.#ask('showsUploads', () => this.#showsUploads());
    await this.#ask('versioning', async () => {
      const input = { Bucket: this.#store.driver.bucket };
      const { Status } = await this.#store.driver.connection.send(
        (sdk) => new sdk.GetBucketVersioningCommand(input),
        { signal: this.#signal },
      );
      return Status === 'Enabled';
    });
  }

  /** Removes the test objects, with all their versions. Returns the keys that remain. */
  async remove(): Promise<string[]> {
    const { connection, bucket, learned } = this.#store.driver;
    const Prefix = this.#store.driver.toTarget(this.#directory).Key;
    let found: { Key?: string | undefined; VersionId?: string | undefined }[] = [...this.#made].map(
      (name) => ({ Key: Prefix + name }),
    );
    try {
      if (learned.get('versioning') === 'yes') {
        const input = { Bucket: bucket, Prefix };
        const page = await connection.send((sdk) => new sdk.ListObjectVersionsCommand(input));
        found = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
      }
    } catch {
      // Not permitted: the current versions are removed.
    }
    const remaining = new Set<string>();
    for (const { Key, VersionId } of found)
      try {
        const input = { Bucket: bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) };
        await connection.send((sdk) => new sdk.DeleteObjectCommand(input));
      } catch {
        if (Key !== undefined) remaining.add(Key); // only these questions need the permission to delete
      }
    return [...remaining];
  }

  /** Learns the answer, unless the question failed. Rejects only when the signal is aborted. */
  async #ask(name: Observed | null, question: () => Promise<boolean>): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1)
      try {
        this.#signal?.throwIfAborted();
        const isSo = await question();
        if (name !== null) this.#store.driver.learned.learn(name, isSo ? 'yes' : 'no');
        return;
      } catch (error) {
        if (error instanceof Unanswerable) return;
        if (outcomeFrom('ask the store', error, this.#signal).status === 'failed') return;
      }
  }

  async #askAboutHead(): Promise<boolean> {
    const bytes = randomBytes(16);
    await this.#commit('small', bytes);
    const found = await this.#store.head(`${this.#directory}small`, this.#signal);
    if (found.status !== 'found') throw new Unanswerable();
    const { commitId, crc32: stored } = found.object;
    this.#store.driver.learned.learn('wholeObjectChecksum', stored === crc32(bytes) ? 'yes' : 'no');
    return commitId !== null;
  }

  /** Whether a PUT with these headers is refused, because they do not fit. */
  async #refusesPut(name: Optional, headers: Headers): Promise<boolean> {
    this.#needs(name);
    if ((await this.#find('small')) === null) await this.#commit('small', randomBytes(16));
    const { connection, bucket } = this.#store.driver;
    const Key = this.#store.driver.toTarget(`${this.#directory}small`).Key;
    const input = {
      Bucket: bucket,
      Key,
      Body: randomBytes(16),
      Metadata: {},
      ...this.#store.driver.writeFields,
      ...headers,
    };
    return this.#refuses(name, () =>
      connection.put(() => input, { signal: this.#signal, sizeBytes: input.Body.length }),
    );
  }

  /** Whether the completion of an upload of one byte, with these headers, is refused because they do not fit. */
  async #refusesComplete(name: Optional, headers: Headers): Promise<boolean> {
    this.#needs('multipart', name);
    if ((await this.#find('parts')) === null) await this.#commit('parts', randomBytes(1), { inParts: [1] });
    const { connection } = this.#store.driver;
    const options = { signal: this.#signal };
    const target = await this.#openUpload('parts', name === 'completeChecksum');
    const Body = Buffer.alloc(1);
    try {
      const checks = name === 'completeChecksum' ? { ChecksumCRC32: toBase64Crc(crc32(Body)) } : {};
      const part = { ...target, PartNumber: 1, Body, ...checks };
      const { ETag } = await connection.send((sdk) => new sdk.UploadPartCommand(part), options);
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ...checks }] };
      const input = { ...target, MultipartUpload, ...headers };
      return await this.#refuses(name, () =>
        connection.send((sdk) => new sdk.CompleteMultipartUploadCommand(input), options),
      );
    } finally {
      await this.#abort(target);
    }
  }

  /** An accepted request shows that the store ignores the header, so it is no longer relied upon. */
  async #refuses(name: Optional, send: () => Promise<unknown>): Promise<boolean> {
    try {
      await send();
    } catch (error) {
      const isChecksum = name === 'putChecksum' || name === 'completeChecksum';
      if (isChecksum ? toS3Failure(error).httpStatus === 400 : isPreconditionFailure(error)) return true;
      throw error;
    }
    if (name !== 'putChecksum' && name !== 'completeChecksum') this.#store.driver.learned.learn(name, 'no');
    return false;
  }

  async #showsUploads(): Promise<boolean> {
    this.#needs('multipart', 'listUploads');
    const { connection, bucket, optionals } = this.#store.driver;
    const target = await this.#openUpload('parts', false);
    try {
      const input = { Bucket: bucket, Prefix: target.Key };
      const { Uploads } = await connection.send((sdk) => new sdk.ListMultipartUploadsCommand(input), {
        signal: this.#signal,
      });
      optionals.accept(['listUploads']);
      return Uploads?.some(({ UploadId }) => UploadId === target.UploadId) ?? false;
    } catch (error) {
      const rejection = optionals.suspect(['listUploads'], error);
      if (rejection !== null) optionals.reject('listUploads', rejection);
      throw error;
    } finally {
      await this.#abort(target);
    }
  }

  async #openUpload(name: string, isChecked: boolean) {
    const { connection, bucket, writeFields } = this.#store.driver;
    const checks = isChecked ? ({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const) : {};
    const input = { Bucket: bucket, Key: this.#store.driver.toTarget(this.#directory + name).Key };
    const { UploadId } = await connection.send(
      (sdk) => new sdk.CreateMultipartUploadCommand({ ...input, ...writeFields, ...checks }),
      { signal: this.#signal },
    );
    return { ...input, UploadId };
  }

  async #abort(target: { Bucket: string; Key: string; UploadId: string | undefined }): Promise<void> {
    try {
      await this.#store.driver.connection.send((sdk) => new sdk.AbortMultipartUploadCommand(target));
      this.mayAbort ??= true;
    } catch (error) {
      if (toS3Failure(error).httpStatus === 403) this.mayAbort = false; // else the upload has been completed
    }
  }

  /** Commits a test object, and replaces the existing one. True when it is stored. */
  async #commit(
    name: string,
    bytes: Buffer,
    options: { inParts?: readonly number[] } = {},
  ): Promise<boolean> {
    const base = await this.#find(name);
    const request = { ...this.#toRequest(name, bytes), base };
    const { inParts } = options;
    if (inParts !== undefined) this.#needs('multipart');
    const outcome =
      inParts === undefined
        ? await this.#store.commit(request)
        : await this.#store.commitInParts(request, toParts(inParts));
    return isStored(outcome);
  }

  async #append(base: ObjectVersion & Extent, keep: Extent, bytes: Buffer): Promise<boolean> {
    const outcome = await this.#store.append({ ...this.#toRequest('large', bytes), base, keep });
    return outcome.status === 'stored';
  }

  async #find(name: string): Promise<ObjectVersion | null> {
    const found = await this.#store.head(this.#directory + name, this.#signal);
    return found.status === 'found' ? found.object : null;
  }

  #toRequest(name: string, bytes: Buffer): Omit<CommitRequest, 'base'> {
    this.#made.add(name);
    return {
      key: this.#directory + name,
      source: { read: (start, end) => Promise.resolve(bytes.subarray(start, end)) },
      target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
      commitId: randomBytes(16).toString('hex'),
      signal: this.#signal,
    };
  }

  /** There is nothing to ask about what the store rejects. */
  #needs(...names: readonly Optional[]): void {
    if (!names.every((name) => this.#store.driver.optionals.uses(name))) throw new Unanswerable();
  }
}

function toParts(sizes: readonly number[]): Part[] {
  let end = 0;
  return sizes.map((size, index) => {
    end += size;
    return { number: index + 1, start: end - size, end, isCopied: false };
  });
}

class Unanswerable extends Error {}

function isStored(outcome: AppendOutcome): boolean {
  if (outcome.status === 'retry') throw outcome.cause;
  return outcome.status === 'stored';
}

function wrongChecksum(): Headers {
  return { ChecksumCRC32: toBase64Crc(1) };
}
