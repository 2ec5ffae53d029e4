/** Checks, HEAD requests, listings and reads of an S3 bucket. */

import type { ListObjectsV2CommandInput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { OutcomeError } from '../../base/retry-table.js';
import { ListingGuard } from '../base/bounds.js';
import { fromBase64Crc, fromMetadata } from '../base/commit-metadata.js';
import { stripQuotes, unexpected } from '../base/commit-outcome.js';
import { compareBytes } from '../base/compare-bytes.js';
import type {
  CheckOutcome,
  HeadOutcome,
  ListedObject,
  ListOptions,
  NewerOutcome,
  ReadNewerOptions,
  ReadOptions,
} from '../base/store.js';
import { outcomeFrom, toS3Failure } from './answer.js';
import type { S3Connection } from './connection.js';
import type { Optionals } from './optionals.js';

type ListingStart = Pick<ListObjectsV2CommandInput, 'StartAfter' | 'ContinuationToken'>;
type FolderListing = Pick<ListObjectsV2CommandInput, 'Delimiter'>;

export interface S3Place {
  readonly bucket: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  readonly optionals: Optionals;
}

export class S3Reader {
  readonly connection: S3Connection;
  readonly bucket: string;
  /** For the questions of `polytrack check`. */
  readonly optionals: Optionals;
  protected readonly prefix: string;

  constructor(connection: S3Connection, { bucket, prefix, optionals }: S3Place) {
    this.connection = connection;
    this.bucket = bucket;
    this.prefix = prefix;
    this.optionals = optionals;
  }

  /** The bucket and the object key for a key of the store. */
  toTarget(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key: this.prefix + key };
  }

  async check(signal?: AbortSignal): Promise<CheckOutcome> {
    const input = { Bucket: this.bucket, Prefix: this.prefix, MaxKeys: 1 };
    try {
      const page = await this.connection.send((sdk) => new sdk.ListObjectsV2Command(input), { signal });
      return isListing(page)
        ? { status: 'ready' }
        : unexpected(`list s3://${this.bucket}/${this.prefix}`, 'bucket name');
    } catch (error) {
      return outcomeFrom(`list s3://${this.bucket}/${this.prefix}`, error, signal);
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    const input = this.toTarget(key);
    const operation = `check ${key}`;
    try {
      const answer = await this.optionals.send(['checksumMode'], (uses) => {
        const mode = uses.has('checksumMode') ? { ChecksumMode: 'ENABLED' as const } : {};
        return this.connection.send((sdk) => new sdk.HeadObjectCommand({ ...input, ...mode }), { signal });
      });
      const { ETag, ContentLength, ChecksumCRC32, ChecksumType, Metadata } = answer;
      if (ETag === undefined || ContentLength === undefined) return unexpected(operation, 'ETag or length');
      const { commitId, generation } = fromMetadata(Metadata, ContentLength);
      const object = {
        etag: stripQuotes(ETag),
        sizeBytes: ContentLength,
        crc32: ChecksumType === 'COMPOSITE' ? null : fromBase64Crc(ChecksumCRC32),
        commitId,
        generation,
      };
      return { status: 'found', object };
    } catch (error) {
      return toS3Failure(error).httpStatus === 404
        ? { status: 'absent' }
        : outcomeFrom(operation, error, signal);
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    const guard = new ListingGuard(`list ${prefix}`);
    const after = options.after === undefined ? undefined : this.prefix + options.after;
    let from: ListingStart = after === undefined ? {} : { StartAfter: after };
    for (;;) {
      const page = await this.#listPage(prefix, from, options.signal);
      const { Contents = [], NextContinuationToken } = page;
      // A store that does not support `StartAfter` lists from the start.
      const isWanted = (key: string): boolean => after === undefined || compareBytes(key, after) > 0;
      for (const { Key, Size, ETag } of Contents)
        if (Key !== undefined && Size !== undefined && ETag !== undefined && isWanted(Key))
          yield { key: Key.slice(this.prefix.length), sizeBytes: Size, etag: stripQuotes(ETag) };
      if (page.IsTruncated !== true) return;
      const last = Contents.at(-1)?.Key;
      from = toNext(NextContinuationToken, last);
      guard.advance(NextContinuationToken ?? last ?? '', Contents.length);
    }
  }

  async *listFolders(prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
    const guard = new ListingGuard(`list ${prefix}`);
    let from: ListingStart & FolderListing = { Delimiter: '/' };
    for (;;) {
      const page = await this.#listPage(prefix, from, signal);
      const { CommonPrefixes = [], Contents = [], NextContinuationToken } = page;
      for (const { Prefix } of CommonPrefixes)
        if (Prefix !== undefined) yield Prefix.slice(this.prefix.length, -1);
      if (page.IsTruncated !== true) return;
      const last = [CommonPrefixes.at(-1)?.Prefix ?? '', Contents.at(-1)?.Key ?? ''].sort().at(-1);
      from = { Delimiter: '/', ...toNext(NextContinuationToken, last) };
      guard.advance(NextContinuationToken ?? last ?? '', CommonPrefixes.length + Contents.length);
    }
  }

  async *read(key: string, { range, signal }: ReadOptions): AsyncGenerator<Uint8Array> {
    if (range !== undefined && range.end <= range.start) return;
    const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` };
    const input = { ...this.toTarget(key), ...Range };
    try {
      const { Body } = await this.connection.send((sdk) => new sdk.GetObjectCommand(input), { signal });
      if (Body === undefined) throw new OutcomeError(unexpected(`read ${key}`, 'body'));
      // In Node.js the body is a stream; its declared type also covers browsers.
      yield* Body as AsyncIterable<Uint8Array>;
    } catch (error) {
      if (error instanceof OutcomeError) throw error;
      throw new OutcomeError(outcomeFrom(`read ${key}`, error, signal));
    }
  }

  async readNewer(key: string, { start, etag, signal }: ReadNewerOptions): Promise<NewerOutcome> {
    const input = {
      ...this.toTarget(key),
      ...(start > 0 && { Range: `bytes=${start}-` }),
      ...(etag !== null && { IfNoneMatch: `"${etag}"` }),
    };
    try {
      const { Body, ETag } = await this.connection.send((sdk) => new sdk.GetObjectCommand(input), { signal });
      if (Body === undefined || ETag === undefined) return unexpected(`read ${key}`, 'body');
      const body = this.#receive(key, Body as AsyncIterable<Uint8Array>, signal);
      return { status: 'read', etag: stripQuotes(ETag), body };
    } catch (error) {
      const status = toS3Failure(error).httpStatus;
      if (status === 304) return { status: 'unchanged' };
      if (status === 404) return { status: 'absent' };
      return status === 416 ? { status: 'shorter' } : outcomeFrom(`read ${key}`, error, signal);
    }
  }

  async *#receive(
    key: string,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw new OutcomeError(outcomeFrom(`read ${key}`, error, signal));
    }
  }

  async #listPage(
    prefix: string,
    from: ListingStart & FolderListing,
    signal: AbortSignal | undefined,
  ): Promise<ListObjectsV2CommandOutput> {
    const { StartAfter, ...rest } = from;
    const input = { Bucket: this.bucket, Prefix: this.prefix + prefix, ...rest };
    try {
      const page = await this.optionals.send(StartAfter === undefined ? [] : ['startAfter'], (uses) => {
        const start = uses.has('startAfter') ? { StartAfter } : {};
        return this.connection.send((sdk) => new sdk.ListObjectsV2Command({ ...input, ...start }), {
          signal,
        });
      });
      if (!isListing(page)) throw new OutcomeError(unexpected(`list ${prefix}`, 'bucket name'));
      return page;
    } catch (error) {
      if (error instanceof OutcomeError) throw error;
      throw new OutcomeError(outcomeFrom(`list ${prefix}`, error, signal));
    }
  }
}

/** Where the next page begins. Not every store returns a token, and not every store supports `StartAfter`. */
function toNext(token: string | undefined, last: string | undefined): ListingStart {
  if (token !== undefined) return { ContinuationToken: token };
  return last === undefined ? {} : { StartAfter: last };
}

/** Whether a response is from S3. The SDK parses any XML, such as the page of a captive portal, as an empty listing. */
function isListing({ Name, KeyCount }: ListObjectsV2CommandOutput): boolean {
  return Name !== undefined || KeyCount !== undefined;
}
