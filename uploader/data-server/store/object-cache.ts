/**
 * Local copies of objects, from their start up to what has been read, in one directory. An object that grows is read from where the copy ends; the
 * last bytes of the copy are compared, so that an object that was replaced is read again.
 *
 * A copy consists of `<digest of store and key>` and, beside it, `….json` with the version that it was read from. All of it may be deleted at any time.
 */

import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RetryPolicy } from '../../base/limits/retry-policy.js';
import type { NewerOutcome, ReadNewerOptions, Store } from '../../store/base/store.js';

interface ObjectCacheOptions {
  readonly directory: string;
  /** Above this, the copies that were not used for the longest time are deleted. */
  readonly maxBytes: number;
  readonly store: Store;
  readonly retryPolicy: Pick<RetryPolicy, 'withRetry'>;
  readonly signal: AbortSignal;
}

/** What is compared of a copy. */
const OVERLAP_BYTES = 16;

export class ObjectCache {
  readonly #options: ObjectCacheOptions;
  readonly #copies = new Map<string, Copy>();
  /** The copies in the directory by path, in the order of use. Those that an earlier server has left have no `copy`. */
  readonly #used = new Map<string, { readonly sizeBytes: number; readonly copy?: Copy | undefined }>();
  #totalBytes = 0;

  constructor(options: ObjectCacheOptions) {
    this.#options = options;
  }

  /** Creates the directory, and deletes the copies that exceed the limit. */
  async open(): Promise<void> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const found = [];
    for (const name of await readdir(directory)) {
      if (name.includes('.')) continue;
      const path = join(directory, name);
      const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
      found.push({ path, size, mtimeMs });
    }
    for (const { path, size } of found.sort((a, b) => a.mtimeMs - b.mtimeMs)) this.#use(path, size);
    await this.#deleteOldest();
  }

  /** The copy of an object. `etag`: the version that is wanted at least; undefined to ask the store for a newer one. */
  async update(key: string, etag: string | undefined): Promise<'changed' | 'unchanged' | 'absent'> {
    const copy = this.#copyOf(key);
    try {
      return await copy.update(etag);
    } finally {
      this.#use(copy.path, copy.sizeBytes, copy);
      await this.#deleteOldest();
    }
  }

  /** The path of a copy that `update` has read. */
  pathOf(key: string): string {
    return this.#copyOf(key).path;
  }

  #use(path: string, sizeBytes: number, copy?: Copy): void {
    this.#totalBytes += sizeBytes - (this.#used.get(path)?.sizeBytes ?? 0);
    this.#used.delete(path);
    this.#used.set(path, { sizeBytes, copy });
  }

  /** The last one that was used stays. It may be larger than the limit. */
  async #deleteOldest(): Promise<void> {
    for (const [path, { sizeBytes, copy }] of this.#used) {
      if (this.#totalBytes <= this.#options.maxBytes || this.#used.size === 1) break;
      if (copy?.isUpdating === true) continue;
      this.#used.delete(path);
      this.#totalBytes -= sizeBytes;
      await rm(path, { force: true });
      await rm(`${path}.json`, { force: true });
    }
  }

  #copyOf(key: string): Copy {
    let copy = this.#copies.get(key);
    if (copy === undefined) {
      const digest = createHash('sha256').update(`${this.#options.store.id}\n${key}`).digest('hex');
      copy = new Copy(key, join(this.#options.directory, digest.slice(0, 40)), this.#options);
      this.#copies.set(key, copy);
    }
    return copy;
  }
}

class Copy {
  readonly path: string;
  /** As the last update found or left it. */
  sizeBytes = 0;
  readonly #key: string;
  readonly #options: ObjectCacheOptions;
  #etag: string | null | undefined;
  #updating: Promise<'changed' | 'unchanged' | 'absent'> | undefined;

  constructor(key: string, path: string, options: ObjectCacheOptions) {
    this.#key = key;
    this.path = path;
    this.#options = options;
  }

  get isUpdating(): boolean {
    return this.#updating !== undefined;
  }

  /** One update at a time. */
  async update(etag: string | undefined): Promise<'changed' | 'unchanged' | 'absent'> {
    while (this.#updating !== undefined) await this.#updating.catch(() => undefined);
    this.#updating = this.#update(etag).finally(() => {
      this.#updating = undefined;
    });
    return this.#updating;
  }

  async #update(wanted: string | undefined): Promise<'changed' | 'unchanged' | 'absent'> {
    const sizeBytes = await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
    this.sizeBytes = sizeBytes;
    this.#etag ??= await this.#readVersion();
    if (sizeBytes === 0) this.#etag = null;
    if (wanted !== undefined && this.#etag === wanted) return 'unchanged';
    const start = Math.max(0, sizeBytes - OVERLAP_BYTES);
    const outcome = await this.#request({ start, etag: this.#etag, signal: this.#options.signal });
    if (outcome.status === 'unchanged' || outcome.status === 'absent') return outcome.status;
    if (outcome.status === 'read' && (await this.#append(outcome.body, start, sizeBytes)))
      return this.#adopt(outcome.etag);
    // The object was replaced by another one: the copy begins again.
    const again = await this.#request({ start: 0, etag: null, signal: this.#options.signal });
    if (again.status !== 'read') return 'absent';
    await this.#append(again.body, 0, 0);
    return this.#adopt(again.etag);
  }

  async #adopt(etag: string): Promise<'changed'> {
    this.#etag = etag;
    await writeFile(`${this.path}.partial`, JSON.stringify({ key: this.#key, etag }));
    await rename(`${this.path}.partial`, `${this.path}.json`);
    return 'changed';
  }

  async #readVersion(): Promise<string | null> {
    try {
      const { key, etag } = JSON.parse(await readFile(`${this.path}.json`, 'utf8')) as Record<
        string,
        unknown
      >;
      return key === this.#key && typeof etag === 'string' ? etag : null;
    } catch {
      return null;
    }
  }

  /** Appends what follows the first `sizeBytes` bytes. Returns false if the bytes before are not those of the copy. */
  async #append(body: AsyncIterable<Uint8Array>, start: number, sizeBytes: number): Promise<boolean> {
    const file = await open(this.path, sizeBytes === 0 ? 'w+' : 'r+', 0o600);
    try {
      const overlap = new Uint8Array(sizeBytes - start);
      await file.read(overlap, 0, overlap.length, start);
      let at = start;
      for await (const chunk of body) {
        const known = Math.min(chunk.length, Math.max(0, sizeBytes - at));
        const expected = overlap.subarray(at - start, at - start + known);
        if (Buffer.compare(chunk.subarray(0, known), expected) !== 0) return false;
        if (known < chunk.length) await file.write(chunk, known, chunk.length - known, at + known);
        at += chunk.length;
        this.sizeBytes = Math.max(sizeBytes, at);
      }
      return at >= sizeBytes;
    } finally {
      await file.close();
    }
  }

  async #request(options: ReadNewerOptions): Promise<Exclude<NewerOutcome, { status: 'retry' | 'failed' }>> {
    const { store, retryPolicy, signal } = this.#options;
    const ask = () => store.readNewer?.(this.#key, options) ?? readNewer(store, this.#key, options);
    const outcome = await retryPolicy.withRetry<NewerOutcome>(`read ${this.#key}`, ask, { signal });
    if (outcome.status === 'failed') throw outcome.error;
    return outcome;
  }
}

/** For stores that have no conditional read. */
async function readNewer(
  store: Store,
  key: string,
  { start, etag, signal }: ReadNewerOptions,
): Promise<NewerOutcome> {
  const head = await store.head(key, signal);
  if (head.status !== 'found') return head;
  const { object } = head;
  if (object.etag === etag) return { status: 'unchanged' };
  if (start > 0 && object.sizeBytes <= start) return { status: 'shorter' };
  const range = { start, end: object.sizeBytes };
  return { status: 'read', etag: object.etag, body: store.read(key, { range, signal }) };
}
