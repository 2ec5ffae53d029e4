/** Lists the objects of each run once, because the journal may be lost and the store may have lost objects. */

import { OutcomeError } from '../../base/retry.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import type { ListedObject } from '../../store/base/store.js';
import type { UploaderContext } from './uploader-context.js';

/** Enough to hide the latency of a thousand small runs. */
const LISTINGS_AT_ONCE = 4;

/** Checks that the store exists and accepts the credentials. Throws the coded error otherwise. */
export async function checkStore(context: UploaderContext, signal: AbortSignal | undefined): Promise<void> {
  const { retryPolicy, store } = context;
  const checked = await retryPolicy.withRetry(`reach ${store.id}`, () => store.check(signal), { signal });
  if (checked.status === 'failed') throw checked.error;
}

/** Lists the objects of each run. Throws the coded error of the first listing that fails permanently. */
export async function listRuns(
  context: UploaderContext,
  runs: readonly KnownRun[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const pending = [...runs];
  const work = async (): Promise<void> => {
    for (let run = pending.shift(); run !== undefined; run = pending.shift())
      await listRun(context, run, signal);
  };
  const workers = await Promise.allSettled(Array.from({ length: LISTINGS_AT_ONCE }, work));
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
}

async function listRun(
  context: UploaderContext,
  run: KnownRun,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { retryPolicy, store, inventory } = context;
  const open = (last: ListedObject | undefined) => store.list(`${run.uuid}/`, { after: last?.key, signal });
  inventory.beginListing(run);
  try {
    const objects = retryPolicy.streamWithRetry<ListedObject>(`list ${run.uuid}`, open, signal);
    for await (const { key, etag, sizeBytes } of objects) inventory.onListed(key, { etag, sizeBytes });
  } catch (error) {
    throw error instanceof OutcomeError && error.outcome.status === 'failed' ? error.outcome.error : error;
  }
  inventory.endListing(run);
}
