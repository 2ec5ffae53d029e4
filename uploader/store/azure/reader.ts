/** Checks, HEAD requests, listings and reads of an Azure container. */

import { createHash } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import { OutcomeError } from '../../base/retry-table.js';
import { ListingGuard } from '../base/bounds.js';
import { fromMetadata } from '../base/commit-metadata.js';
import { stripQuotes, unexpected } from '../base/commit-outcome.js';
import type { CheckOutcome, HeadOutcome, ListedObject, ListOptions, ReadOptions } from '../base/store.js';
import { azureOutcomeFrom, toAzureFailure } from './answer.js';
import type { AzureConnection } from './connection.js';

export class AzureReader {
  /** `prefix`: empty, or ends with a slash. */
  constructor(
    readonly connection: AzureConnection,
    protected readonly prefix: string,
    private readonly pageSize: number,
  ) {}

  protected blob(key: string): BlockBlobClient {
    return this.connection.blob(this.prefix + key);
  }

  async check(signal?: AbortSignal): Promise<CheckOutcome> {
    try {
      await this.#listPage(this.prefix, { maxPageSize: 1 }, signal);
      return { status: 'ready' };
    } catch (error) {
      return azureOutcomeFrom(`list azure://${this.connection.container.containerName}`, error, signal);
    }
  }

  /** The CRC-32 comes from the metadata. That is safe because Azure replaces metadata and bytes together. */
  async head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    const blob = this.blob(key);
    try {
      const found = await this.connection.send(({ abortSignal }) => blob.getProperties({ abortSignal }), {
        signal,
      });
      const { etag, contentLength } = found;
      if (etag === undefined || contentLength === undefined)
        return unexpected(`check ${key}`, 'ETag or length');
      const { commitId, generation, claimedCrc32 } = fromMetadata(
        fromAzureMetadata(found.metadata),
        contentLength,
      );
      const object = { etag: stripQuotes(etag), sizeBytes: contentLength, commitId, generation };
      return { status: 'found', object: { ...object, crc32: claimedCrc32 } };
    } catch (error) {
      const { code, httpStatus } = toAzureFailure(error);
      if (httpStatus === 404 && code !== 'ContainerNotFound') return { status: 'absent' };
      return azureOutcomeFrom(`check ${key}`, error, signal);
    }
  }

  /** Azure can resume a listing only at its own page tokens, so the objects up to `after` are listed and skipped. */
  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    const after = options.after === undefined ? null : Buffer.from(options.after);
    const guard = new ListingGuard(`list ${prefix}`);
    let continuationToken: string | undefined;
    do {
      const page = await this.#listOrThrow(prefix, continuationToken, options.signal);
      for (const { name, properties } of page.segment.blobItems) {
        const key = name.slice(this.prefix.length);
        const { etag, contentLength: sizeBytes } = properties;
        const isAfter = after === null || Buffer.compare(Buffer.from(key), after) > 0;
        if (isAfter && sizeBytes !== undefined) yield { key, sizeBytes, etag: stripQuotes(etag) };
      }
      continuationToken = page.continuationToken;
      if (continuationToken) guard.advance(continuationToken, page.segment.blobItems.length);
    } while (continuationToken);
  }

  async *listFolders(prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
    const { container } = this.connection;
    const guard = new ListingGuard(`list ${prefix}`);
    let continuationToken: string | undefined;
    do {
      const from = continuationToken === undefined ? {} : { continuationToken };
      const settings = { ...from, maxPageSize: this.pageSize };
      const send = (abortSignal: AbortSignal) =>
        container
          .listBlobsByHierarchy('/', { prefix: this.prefix + prefix, abortSignal })
          .byPage(settings)
          .next();
      let folders: readonly { readonly name: string }[];
      try {
        const { value } = await this.connection.send(({ abortSignal }) => send(abortSignal), { signal });
        folders = value.segment.blobPrefixes ?? [];
        continuationToken = value.continuationToken;
      } catch (error) {
        throw new OutcomeError(azureOutcomeFrom(`list ${prefix}`, error, signal));
      }
      for (const { name } of folders) yield name.slice(this.prefix.length, -1);
      if (continuationToken) guard.advance(continuationToken, folders.length);
    } while (continuationToken);
  }

  async *read(key: string, { range, signal }: ReadOptions): AsyncGenerator<Uint8Array> {
    if (range !== undefined && range.end <= range.start) return;
    const blob = this.blob(key);
    const [offset, count] = range === undefined ? [0, undefined] : [range.start, range.end - range.start];
    const limit = await this.connection.startLimit(signal);
    try {
      const answer = await blob.download(offset, count, {
        abortSignal: limit.signal,
        onProgress: () => limit.touch(),
        maxRetryRequests: 0,
      });
      if (answer.readableStreamBody === undefined) throw new OutcomeError(unexpected(`read ${key}`, 'body'));
      for await (const chunk of answer.readableStreamBody) {
        limit.pause();
        yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        limit.touch();
      }
    } catch (error) {
      if (error instanceof OutcomeError) throw error;
      throw new OutcomeError(azureOutcomeFrom(`read ${key}`, limit.toError(error), signal));
    } finally {
      limit.end();
    }
  }

  async #listOrThrow(
    prefix: string,
    continuationToken: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Page> {
    const maxPageSize = this.pageSize;
    const page = continuationToken === undefined ? { maxPageSize } : { continuationToken, maxPageSize };
    try {
      return await this.#listPage(this.prefix + prefix, page, signal);
    } catch (error) {
      throw new OutcomeError(azureOutcomeFrom(`list ${prefix}`, error, signal));
    }
  }

  async #listPage(
    prefix: string,
    page: { readonly continuationToken?: string; readonly maxPageSize?: number },
    signal: AbortSignal | undefined,
  ): Promise<Page> {
    const { container } = this.connection;
    try {
      const { value } = await this.connection.send(
        ({ abortSignal }) => container.listBlobsFlat({ prefix, abortSignal }).byPage(page).next(),
        { signal },
      );
      if (value?.segment?.blobItems !== undefined && value.containerName !== undefined) return value;
    } catch (error) {
      // The library throws a TypeError for any other XML, such as the page of a captive portal.
      if (!(error instanceof TypeError)) throw error;
    }
    throw Object.assign(new Error('the response is not a listing'), { code: 'UnexpectedAnswer' });
  }
}

type Pages = ReturnType<ReturnType<AzureConnection['container']['listBlobsFlat']>['byPage']>;
type Page = Pages extends AsyncIterableIterator<infer Value> ? Value : never;

export function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}

/** Names of metadata must be identifiers: Azure Storage REST API Reference, "Naming and referencing containers, blobs, and metadata". */
export function toAzureMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return rename(metadata, (name) => name.replaceAll('-', '_'));
}

export function fromAzureMetadata(
  metadata: Readonly<Record<string, string>> | undefined,
): Record<string, string> {
  return rename(metadata ?? {}, (name) => name.toLowerCase().replaceAll('_', '-'));
}

function rename(
  metadata: Readonly<Record<string, string>>,
  to: (name: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [to(name), value]));
}
