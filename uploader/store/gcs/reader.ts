/** Checks, HEAD requests, listings and reads of a Google Cloud Storage bucket. */

import { OutcomeError } from '../../base/retry-table.js';
import { ListingGuard } from '../base/bounds.js';
import { unexpected } from '../base/commit-outcome.js';
import type { CheckOutcome, HeadOutcome, ListedObject, ListOptions, ReadOptions } from '../base/store.js';
import { gcsOutcomeFrom, isAbsent, UnexpectedAnswerError } from './answer.js';
import type { GcsConnection, GcsObject } from './connection.js';
import { toStoredObject } from './metadata.js';
import { TAILS } from './names.js';

export interface ListingPage {
  readonly kind?: string;
  readonly items?: readonly GcsObject[];
  readonly prefixes?: readonly string[];
  readonly nextPageToken?: string;
}

export class GcsReader {
  /** `prefix`: empty, or ends with a slash. */
  constructor(
    readonly connection: GcsConnection,
    protected readonly prefix: string,
  ) {}

  async check(signal?: AbortSignal): Promise<CheckOutcome> {
    try {
      await listPage(this.connection, { prefix: this.prefix, maxResults: '1' }, signal);
      return { status: 'ready' };
    } catch (error) {
      return gcsOutcomeFrom(`list gs://${this.connection.bucket}`, error, signal);
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    try {
      const object = await this.connection.head(this.prefix + key, signal);
      if (object.generation === undefined || object.size === undefined)
        return unexpected(`check ${key}`, 'generation or size');
      return { status: 'found', object: toStoredObject(object) };
    } catch (error) {
      return isAbsent(error) ? { status: 'absent' } : gcsOutcomeFrom(`check ${key}`, error, signal);
    }
  }

  async *list(prefix: string, { after, signal }: ListOptions = {}): AsyncGenerator<ListedObject> {
    const first = after === undefined ? undefined : this.prefix + after;
    const guard = new ListingGuard(`list ${prefix}`);
    let pageToken: string | undefined;
    do {
      const query = { prefix: this.prefix + prefix, startOffset: first, pageToken };
      const page = await this.#listOrThrow(prefix, query, signal);
      for (const { name, size, generation } of page.items ?? []) {
        const key = name.slice(this.prefix.length);
        // `startOffset` is inclusive.
        if (name === first || key.startsWith(TAILS)) continue;
        yield { key, sizeBytes: Number(size), etag: generation };
      }
      pageToken = page.nextPageToken;
      if (pageToken) guard.advance(pageToken, page.items?.length ?? 0);
    } while (pageToken);
  }

  async *listFolders(prefix: string, signal?: AbortSignal): AsyncGenerator<string> {
    const guard = new ListingGuard(`list ${prefix}`);
    let pageToken: string | undefined;
    do {
      const query = { prefix: this.prefix + prefix, delimiter: '/', pageToken };
      const { prefixes = [], items = [], nextPageToken } = await this.#listOrThrow(prefix, query, signal);
      for (const each of prefixes) yield each.slice(this.prefix.length, -1);
      pageToken = nextPageToken;
      if (pageToken) guard.advance(pageToken, prefixes.length + items.length);
    } while (pageToken);
  }

  async *read(key: string, { range, signal }: ReadOptions): AsyncGenerator<Uint8Array> {
    if (range !== undefined && range.end <= range.start) return;
    const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
    const path = this.connection.objectPath(this.prefix + key);
    try {
      yield* this.connection.stream({ method: 'GET', path, query: { alt: 'media' }, headers, signal });
    } catch (error) {
      throw new OutcomeError(gcsOutcomeFrom(`read ${key}`, error, signal));
    }
  }

  async #listOrThrow(prefix: string, query: Query, signal: AbortSignal | undefined): Promise<ListingPage> {
    try {
      return await listPage(this.connection, query, signal);
    } catch (error) {
      throw new OutcomeError(gcsOutcomeFrom(`list ${prefix}`, error, signal));
    }
  }
}

type Query = Readonly<Record<string, string | undefined>>;

export async function listPage(
  connection: GcsConnection,
  query: Query,
  signal: AbortSignal | undefined,
): Promise<ListingPage> {
  const fields = 'kind,nextPageToken,prefixes,items(name,size,generation,timeCreated)';
  const path = `/storage/v1/b/${connection.bucket}/o`;
  const page = await connection.ask<ListingPage>({
    method: 'GET',
    path,
    query: { ...query, fields },
    signal,
  });
  if (page.kind !== 'storage#objects' && page.items === undefined)
    throw new UnexpectedAnswerError('the response is not a listing');
  return page;
}

/** Removes an object. False when that failed. */
export async function removeObject(
  connection: GcsConnection,
  name: string,
  generation?: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const query = { ifGenerationMatch: generation };
  try {
    await connection.send({ method: 'DELETE', path: connection.objectPath(name), query, signal });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    return isAbsent(error);
  }
}
