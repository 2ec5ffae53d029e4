/**
 * Reads and writes the objects of an index, `.plx/index/<id>.jsonl.gz`.
 *
 * The index is a cache in the store: an uploader may lose it, delete it or write a row twice, and readers only become slower. Any number of uploaders
 * write at once: each replaces its own objects by compare-and-swap, and merges small objects of all into a new one before it removes them.
 */

import { crc32 } from 'node:zlib';
import { inParallel } from '../base/in-parallel.js';
import type { Randomness } from '../base/io/randomness.js';
import type { FailedOutcome } from '../base/retry-table.js';
import { readObject, type StoreAccess, toCodedError } from '../pipeline/manifest/stored-run.js';
import { INDEX_DIRECTORY, type ListedObject, type ObjectVersion } from '../store/base/store.js';
import type { IndexCache } from './index-cache.js';
import { decodeColumns, encodeColumns, encodeIndex, type IndexRow, parseIndex } from './index-row.js';

/** A larger object is not read. */
const MAX_OBJECT_BYTES = 16 * 1024 * 1024;
/** More objects are not read: the rest of the runs is read as without an index. */
const MAX_OBJECTS = 1000;
const READS_AT_ONCE = 16;
/** Objects change while they are listed and read: so often, the listing is repeated for those that are gone. */
const MAX_LISTINGS = 3;
/** Larger objects are not merged any more. */
const MAX_MERGED_BYTES = 1024 * 1024;
/** The number of objects of a similar size that are merged into one, and the number at a time. */
const MIN_MERGED = 8;
const MAX_MERGED = 64;
const FIRST_TIER_BYTES = 4096;

interface IndexObject extends ListedObject {
  readonly rows: readonly IndexRow[];
}

export interface RunIndex {
  /** The latest row of each run, by its uuid. */
  readonly rows: ReadonlyMap<string, IndexRow>;
  readonly objects: readonly IndexObject[];
}

export interface IndexAccess extends StoreAccess {
  /** Objects that were read before. */
  readonly cache: IndexCache;
}

/** Reads the index of a store; it has no rows if there is none. Damaged objects and rows count as absent. Throws a coded error when the store cannot be listed. */
export async function readIndex(access: IndexAccess, signal?: AbortSignal): Promise<RunIndex> {
  const found = new Map<string, IndexObject>();
  for (let listings = 1; listings <= MAX_LISTINGS; listings += 1) {
    const listed = await listObjects(access, signal);
    const current = new Set(listed.map(toVersionName));
    for (const name of found.keys()) if (!current.has(name)) found.delete(name);
    const missing = listed.filter((object) => !found.has(toVersionName(object)));
    let isChanged = false;
    await inParallel(READS_AT_ONCE, missing, async (object) => {
      const rows = await readRows(access, object, signal);
      if (rows === null) isChanged = true;
      else found.set(toVersionName(object), { ...object, rows });
    });
    if (!isChanged) break;
  }
  await access.cache.retain([...found.keys()]);
  const objects = [...found.values()];
  return { rows: toLatest(objects.flatMap(({ rows }) => rows)), objects };
}

/** The latest row of each run. */
function toLatest(rows: Iterable<IndexRow>): Map<string, IndexRow> {
  const latest = new Map<string, IndexRow>();
  for (const row of rows) {
    const known = latest.get(row.uuid);
    if (known === undefined || known.atMs <= row.atMs) latest.set(row.uuid, row);
  }
  return latest;
}

async function listObjects(
  { store, retryPolicy }: StoreAccess,
  signal: AbortSignal | undefined,
): Promise<ListedObject[]> {
  const listed: ListedObject[] = [];
  const open = (last: ListedObject | undefined) => store.list(INDEX_DIRECTORY, { after: last?.key, signal });
  try {
    for await (const object of retryPolicy.streamWithRetry<ListedObject>('list the index', open, signal)) {
      if (object.sizeBytes <= MAX_OBJECT_BYTES) listed.push(object);
      if (listed.length === MAX_OBJECTS) break;
    }
  } catch (error) {
    throw toCodedError(error);
  }
  return listed;
}

/** The name of a version of an object: a file name for the cache. */
function toVersionName({ key, etag }: ListedObject): string {
  return `${key.slice(INDEX_DIRECTORY.length)}-${etag}`.replaceAll(/[^\w.-]/g, '_');
}

/** The rows of an object; null if it cannot be read, most likely because another uploader has just replaced it. */
async function readRows(
  access: IndexAccess,
  object: ListedObject,
  signal: AbortSignal | undefined,
): Promise<readonly IndexRow[] | null> {
  const name = toVersionName(object);
  const cached = await access.cache.read(name);
  const known = cached === null ? null : decodeColumns(cached);
  if (known !== null) return known;
  try {
    const bytes = await readObject(access, object.key, { maxBytes: MAX_OBJECT_BYTES, signal });
    // Another size is that of another version.
    if (bytes.length !== object.sizeBytes) return null;
    const rows = parseIndex(bytes) ?? [];
    await access.cache.write(name, encodeColumns(rows));
    return rows;
  } catch {
    signal?.throwIfAborted();
    return null;
  }
}

interface SaveOptions {
  readonly randomness: Randomness;
  readonly signal?: AbortSignal | undefined;
}

/** An object of the index that this process has written. */
export interface OwnObject {
  readonly key: string;
  readonly version: ObjectVersion;
  readonly rows: readonly IndexRow[];
}

/** Stores rows: as the next version of `own`, or as a new object if that is null or no longer the same. */
export async function saveRows(
  access: StoreAccess,
  rows: readonly IndexRow[],
  own: OwnObject | null,
  options: SaveOptions,
): Promise<OwnObject | FailedOutcome> {
  const { store, retryPolicy } = access;
  const { signal, randomness } = options;
  const bytes = encodeIndex(rows);
  const source = { read: async (start: number, end: number) => bytes.subarray(start, end) };
  const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
  for (let base = own; ; base = null) {
    const key = base?.key ?? `${INDEX_DIRECTORY}${randomness.id()}.jsonl.gz`;
    const request = { key, source, target, base: base?.version ?? null, commitId: randomness.id(), signal };
    const outcome = await retryPolicy.withRetry(`store ${key}`, () => store.commit(request), { signal });
    if (outcome.status === 'failed') return outcome;
    if (outcome.status === 'stored')
      return { key, version: { etag: outcome.etag, sizeBytes: bytes.length }, rows };
    // Another uploader has merged the object into another one.
    if (base === null) throw new Error(`the store has an object ${key} already`);
  }
}

/** Chooses objects of a similar size to merge; none while there are few. Pure. */
export function planMerge(objects: readonly IndexObject[]): IndexObject[] {
  const tiers = new Map<number, IndexObject[]>();
  for (const object of objects) {
    if (object.sizeBytes > MAX_MERGED_BYTES) continue;
    const tier = Math.max(0, Math.floor(Math.log2(object.sizeBytes / FIRST_TIER_BYTES) / 2));
    tiers.set(tier, [...(tiers.get(tier) ?? []), object]);
  }
  const full = [...tiers].sort(([a], [b]) => a - b).find(([, each]) => each.length >= MIN_MERGED);
  return full?.[1].slice(0, MAX_MERGED) ?? [];
}

/** Writes one object with the rows of several, without those that other objects supersede, and then removes these. */
export async function mergeObjects(
  access: StoreAccess,
  merged: readonly IndexObject[],
  { rows: latest }: RunIndex,
  options: SaveOptions,
): Promise<void> {
  const rows = [...toLatest(merged.flatMap(({ rows }) => rows)).values()];
  const current = rows.filter((row) => (latest.get(row.uuid)?.atMs ?? row.atMs) <= row.atMs);
  if (current.length > 0) {
    const saved = await saveRows(access, current, null, options);
    if ('status' in saved) return;
  }
  const { store, retryPolicy } = access;
  for (const { key, etag, sizeBytes } of merged) {
    const request = { key, version: { etag, sizeBytes }, signal: options.signal };
    const outcome = await retryPolicy.withRetry(`remove ${key}`, () => store.remove(request), options);
    // A sync does not require permission to delete.
    if (outcome.status === 'failed') return;
  }
}
