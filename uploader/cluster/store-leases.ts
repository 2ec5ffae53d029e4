/**
 * Keeps leases in a store: the object `.plx/shards/<cluster>/<shard>.json` for each shard, which compare-and-swap replaces.
 *
 * One listing shows all leases. The size of an object changes with its holder and with who asks for the shard, and not when the lease is
 * only renewed: an object is read only when its size has changed, so that the requests of an uploader do not depend on the number of others.
 */

import { crc32 } from 'node:zlib';
import type { Randomness } from '../base/io/randomness.js';
import { OutcomeError } from '../base/retry-table.js';
import { LEASES_DIRECTORY, type ObjectVersion, type Store } from '../store/base/store.js';
import { type Lease, type LeaseTable, parseLease, type StoredLease } from './lease.js';

const MIN_BYTES = 512;
/** Sizes repeat after this many changes. An uploader that misses exactly as many sees an old holder, and its write fails. */
const SIZES = 509;
const MAX_BYTES = 64 * 1024;

interface Known {
  readonly stored: StoredLease;
  readonly object: ObjectVersion;
  readonly changes: number;
}

export class StoreLeases implements LeaseTable {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #randomness: Randomness;
  readonly #known = new Map<number, Known>();

  constructor(store: Store, cluster: string, randomness: Randomness) {
    this.#store = store;
    this.#prefix = `${LEASES_DIRECTORY}${cluster}/`;
    this.#randomness = randomness;
    store.askInBackground?.();
  }

  get name(): string {
    return this.#store.id;
  }

  findProblem(): string | null {
    const { conditionalReplace } = this.#store.capabilities;
    return conditionalReplace
      ? null
      : 'it has no conditional writes, so that two uploaders could take one lease';
  }

  async readAll(signal?: AbortSignal): Promise<ReadonlyMap<number, StoredLease>> {
    const found = new Map<number, StoredLease>();
    for await (const object of this.#store.list(this.#prefix, { signal })) {
      const [, digits] = /^(\d{1,4})\.json$/.exec(object.key.slice(this.#prefix.length)) ?? [];
      if (digits === undefined) continue;
      const shard = Number(digits);
      found.set(shard, await this.#see(shard, object, signal));
    }
    for (const shard of this.#known.keys()) if (!found.has(shard)) this.#known.delete(shard);
    return found;
  }

  async read(shard: number, signal?: AbortSignal): Promise<StoredLease | null> {
    const found = await this.#store.head(this.#toKey(shard), signal);
    if (found.status === 'found') return this.#load(shard, found.object, signal);
    if (found.status !== 'absent') throw new OutcomeError(found);
    this.#known.delete(shard);
    return null;
  }

  async write(
    shard: number,
    lease: Lease,
    base: string | null,
    signal?: AbortSignal,
  ): Promise<StoredLease | null> {
    const known = this.#known.get(shard);
    if ((known?.object.etag ?? null) !== base) return null;
    const changes = (known?.changes ?? 0) + (isSameHolding(lease, known?.stored.lease) ? 0 : 1);
    const bytes = Buffer.from(JSON.stringify({ ...lease, changes }).padEnd(toSizeBytes(changes)));
    const outcome = await this.#store.commit({
      key: this.#toKey(shard),
      source: { read: async (start, end) => bytes.subarray(start, end) },
      target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
      base: known?.object ?? null,
      commitId: this.#randomness.id(),
      signal,
    });
    if (outcome.status === 'retry' || outcome.status === 'failed') throw new OutcomeError(outcome);
    if (outcome.status !== 'stored') return null;
    return this.#keep(shard, lease, { etag: outcome.etag, sizeBytes: bytes.length }, changes);
  }

  async #see(shard: number, object: ObjectVersion, signal: AbortSignal | undefined): Promise<StoredLease> {
    const known = this.#known.get(shard);
    if (known?.object.etag === object.etag) return known.stored;
    if (known?.object.sizeBytes !== object.sizeBytes) return this.#load(shard, object, signal);
    const { etag, sizeBytes } = object;
    const stored = { lease: known.stored.lease, version: etag, mark: etag };
    this.#known.set(shard, { ...known, stored, object: { etag, sizeBytes } });
    return stored;
  }

  async #load(shard: number, object: ObjectVersion, signal: AbortSignal | undefined): Promise<StoredLease> {
    const pieces: Uint8Array[] = [];
    const options = { maxBytes: MAX_BYTES, signal };
    for await (const piece of this.#store.read(this.#toKey(shard), options)) pieces.push(piece);
    const value = toJson(Buffer.concat(pieces).toString());
    const changes = (value as { changes?: unknown } | null)?.changes;
    const { etag, sizeBytes } = object;
    const version = { etag, sizeBytes };
    return this.#keep(shard, parseLease(value), version, Number.isSafeInteger(changes) ? Number(changes) : 0);
  }

  #keep(shard: number, lease: Lease, object: ObjectVersion, changes: number): StoredLease {
    const stored = { lease, version: object.etag, mark: `${lease.generation}.${lease.beat}` };
    this.#known.set(shard, { stored, object, changes });
    return stored;
  }

  #toKey(shard: number): string {
    return `${this.#prefix}${shard}.json`;
  }
}

function isSameHolding(lease: Lease, before: Lease | undefined): boolean {
  return (
    lease.holder === before?.holder && lease.generation === before.generation && lease.wants === before.wants
  );
}

function toSizeBytes(changes: number): number {
  return MIN_BYTES + (changes % SIZES);
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // another program has written it
  }
}
