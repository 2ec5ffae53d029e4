/** Finds the runs on disk and their objects in the store, because the journal may be lost and the store may have lost objects. */

import { inParallel } from '../../base/in-parallel.js';
import { toOwnerKey } from '../../base/rel-path.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import { type StoreAccess, toCodedError } from '../../pipeline/manifest/stored-run.js';
import type { Scanner } from '../../pipeline/scan/scanner.js';
import { explainNoRuns } from '../../run-directory/locate-runs.js';
import type { ListedObject } from '../../store/base/store.js';
import type { UploaderContext } from './uploader-context.js';

/** Enough to hide the latency of a thousand small runs. */
const LISTINGS_AT_ONCE = 4;

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
  if (runs.length > 0 || scanner.problems.length > 0) return runs;
  const error = await explainNoRuns(io.fileSystem, config.path);
  if (error !== null) throw error;
  return runs;
}

/** Checks that the store exists and accepts the credentials. Throws the coded error otherwise. */
export async function checkStore(
  { retryPolicy, store }: StoreAccess,
  signal: AbortSignal | undefined,
): Promise<void> {
  const checked = await retryPolicy.withRetry(`reach ${store.id}`, () => store.check(signal), { signal });
  if (checked.status === 'failed') throw checked.error;
}

/** Lists the objects of each run. Throws the coded error of the first listing that fails permanently. */
export async function listRuns(
  context: UploaderContext,
  runs: readonly KnownRun[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const { retryPolicy, store, inventory } = context;
  await inParallel(LISTINGS_AT_ONCE, runs, async (run) => {
    const open = (last: ListedObject | undefined) => store.list(`${run.uuid}/`, { after: last?.key, signal });
    inventory.beginListing(run);
    try {
      const objects = retryPolicy.streamWithRetry<ListedObject>(`list ${run.uuid}`, open, signal);
      for await (const { key, etag, sizeBytes } of objects) inventory.onListed(key, { etag, sizeBytes });
    } catch (error) {
      throw toCodedError(error);
    }
    const isNew = run.owner === null && run.ownerEtag === null;
    await context.owners.claim(run, signal);
    if (isNew) await reportFormer(context, run, signal);
    if (run.directory !== null) inventory.endListing(run);
  });
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
