/** Finds the runs on disk and their objects in the store, because the journal may be lost and the store may have lost objects. */

import { inParallel } from '../../base/in-parallel.js';
import { toOwnerKey } from '../../base/rel-path.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import { type StoreAccess, toCodedError } from '../../pipeline/manifest/stored-run.js';
import type { Scanner } from '../../pipeline/scan/scanner.js';
import { explainNoRuns } from '../../run-directory/locate-runs.js';
import type { ListedObject } from '../../store/base/store.js';
import { parseStoreUrl } from '../../store/open-store.js';
import type { UploaderContext } from './uploader-context.js';

/** Enough to hide the latency of a thousand small runs. */
const LISTINGS_AT_ONCE = 4;
/** Stores whose listings can start at any key. Azure's cannot; the others have no pages. */
const START_ANYWHERE: readonly string[] = ['s3', 'gs'];
/** The size of a page. Source: Amazon S3 API Reference, `ListObjectsV2`, `MaxKeys`; Cloud Storage JSON API, `Objects: list`, `maxResults`. */
const PAGE_KEYS = 1_000;

/** Scans the disk and returns the runs found. Throws the coded error when there are none, or when one overlaps with the store. */
export async function scanRuns(
  { inventory, refused, io, config }: UploaderContext,
  scanner: Scanner,
  signal: AbortSignal | undefined,
): Promise<KnownRun[]> {
  await scanner.scanAll(signal);
  const [overlap] = refused.values();
  if (overlap !== undefined) throw overlap;
  const runs = inventory.runs.filter(({ directory }) => directory !== null);
  // A scan that was stopped says nothing about what is on disk.
  if (runs.length > 0 || scanner.problems.length > 0 || signal?.aborted === true) return runs;
  const error = await explainNoRuns(io.fileSystem, config.path);
  if (error !== null) throw error;
  return runs;
}

/** Checks that the store exists and accepts the credentials. Throws the coded error otherwise. */
export async function expectStore(
  { retryPolicy, store }: StoreAccess,
  signal: AbortSignal | undefined,
): Promise<void> {
  const checked = await retryPolicy.withRetry(`reach ${store.id}`, () => store.check(signal), { signal });
  if (checked.status === 'failed') throw checked.error;
}

/**
 * Lists the objects of each run. Throws the coded error of the first listing that fails permanently.
 *
 * Where a listing can start at any key, neighbouring runs share their pages: a thousand small runs cost a few requests instead of a thousand.
 */
export async function listStoredRuns(
  context: UploaderContext,
  runs: readonly KnownRun[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const sorted = [...runs].sort((a, b) => (a.uuid < b.uuid ? -1 : 1));
  const startsAnywhere = START_ANYWHERE.includes(parseStoreUrl(context.config.store).scheme);
  const size = startsAnywhere ? Math.ceil(sorted.length / LISTINGS_AT_ONCE) : 1;
  const groups: KnownRun[][] = [];
  for (let start = 0; start < sorted.length; start += size) groups.push(sorted.slice(start, start + size));
  await inParallel(LISTINGS_AT_ONCE, groups, (group) => listGroup(context, group, signal));
}

/** Lists runs in the order of their keys, as many with one listing as lie close together. */
async function listGroup(
  context: UploaderContext,
  runs: readonly KnownRun[],
  signal: AbortSignal | undefined,
): Promise<void> {
  let next = 0;
  let areNeighbours = true;
  while (next < runs.length) {
    const first = next;
    // A listing of one run reads no objects of others.
    const isShared = areNeighbours && next + 1 < runs.length;
    next += await listFrom(context, isShared ? runs.slice(next) : [runs[next]!], isShared, signal);
    areNeighbours = next - first > 1;
  }
}

/** Lists runs from the first one on. Returns how many were listed: at least one. */
async function listFrom(
  context: UploaderContext,
  runs: readonly KnownRun[],
  isShared: boolean,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { retryPolicy, store, inventory } = context;
  const start = `${runs[0]!.uuid}/`;
  const open = (last: ListedObject | undefined) =>
    store.list(isShared ? '' : start, {
      after: last?.key ?? (isShared ? start : undefined),
      expected: isShared ? undefined : inventory.expectedDirectoriesOf(runs[0]!),
      signal,
    });
  let listed = 0;
  let received = 0;
  inventory.beginListing(runs[0]!);
  try {
    const objects = retryPolicy.streamWithRetry<ListedObject>(`list ${runs[0]!.uuid}`, open, signal);
    for await (const { key, etag, sizeBytes } of objects) {
      const uuid = key.slice(0, key.indexOf('/'));
      while (listed < runs.length && runs[listed]!.uuid < uuid) {
        await endListing(context, runs[listed]!, signal);
        listed += 1;
        if (listed < runs.length) inventory.beginListing(runs[listed]!);
      }
      if (runs[listed]?.uuid === uuid) inventory.onListed(key, { etag, sizeBytes });
      // A listing that starts at the next run costs no more than the next page of other runs.
      else if (listed === runs.length || received >= PAGE_KEYS) return listed;
      received += 1;
    }
  } catch (error) {
    throw toCodedError(error);
  }
  for (let isBegun = true; listed < runs.length; listed += 1) {
    if (!isBegun) inventory.beginListing(runs[listed]!);
    await endListing(context, runs[listed]!, signal);
    isBegun = false;
  }
  return listed;
}

/** All objects of the run are known. */
async function endListing(
  context: UploaderContext,
  run: KnownRun,
  signal: AbortSignal | undefined,
): Promise<void> {
  const isNew = context.sendsFiles && run.owner === null && run.ownerEtag === null;
  if (context.sendsFiles) await context.owners.claim(run, signal);
  if (isNew) await reportFormer(context, run, signal);
  if (run.directory !== null) context.inventory.endListing(run);
}

/**
 * Reports runs that the store has of the same event files, under another layout. The journal prevents them as long as it exists: this is for a journal that was
 * lost, and costs a request only for runs that the store does not have yet.
 */
async function reportFormer(
  { retryPolicy, store, inventory, reportedFormer, onNotice }: UploaderContext,
  run: KnownRun,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const uuid of run.formerUuids) {
    if (reportedFormer.has(uuid) || (inventory.findRun(uuid)?.directory ?? null) !== null) continue;
    reportedFormer.add(uuid);
    const key = toOwnerKey(uuid);
    const found = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
    if (found.status === 'failed') throw found.error;
    if (found.status !== 'found') continue;
    const message = `the store has run ${uuid} from an earlier upload with event files that are now in run ${run.uuid}, because their layout gives other runs; the earlier run stays in the store and in Polyaxon until you delete it`;
    onNotice({ code: 'NOTICE_LAYOUT_REPLACED', message });
  }
}
