/** The first steps of a one-time sync, which a dry run shares: scan the disk, list the store, plan. */

import { StoreUnavailableError } from '../base/errors.js';
import { toFileClass, toPhase } from '../pipeline/inventory/file-class.js';
import type { FileId } from '../pipeline/inventory/file-table.js';
import { compareWork, type Ordered } from '../pipeline/plan/order.js';
import { planFile } from '../pipeline/plan/planner.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import { reportScanned } from './build-report.js';
import { expectStore, listStoredRuns, scanRuns } from './context/listing.js';
import type { UploaderContext } from './context/uploader-context.js';
import { filesOnDisk } from './file-evidence.js';
import { reportStoredElsewhere } from './layout-notices.js';

/** Scans the disk and lists the store. Returns the error when the store cannot be reached; throws when the store rejects the request. */
export async function scanAndList(
  context: UploaderContext,
  scanner: Scanner,
  signal: AbortSignal,
): Promise<StoreUnavailableError | null> {
  let hasReused = false;
  context.onReused = (run) => {
    hasReused = true;
    scanner.rehome(run.index);
  };
  const reached = reachStore(context, signal);
  const runs = await scanRuns(context, scanner, signal).catch(reached.giveUp);
  await checkLiveness(context);
  reportScanned(context);
  reportStoredElsewhere(context, scanner);
  await context.observer.prepareProject?.(signal);
  try {
    await reached.done();
    const own = runs.filter((run) => context.ownership.ownsRun(run));
    await Promise.all([listStoredRuns(context, own, signal), context.observer.lookAhead?.(signal)]);
    if (hasReused) await listReused(context, scanner, signal);
  } catch (error) {
    if (error instanceof StoreUnavailableError) return error;
    if (!signal.aborted) throw error;
  }
  return null;
}

/** Checks the store while the disk is scanned. `done` throws like `expectStore`; `giveUp` ends the check and throws why the scan failed. */
function reachStore(context: UploaderContext, signal: AbortSignal) {
  const stop = new AbortController();
  const checked = expectStore(context, AbortSignal.any([signal, stop.signal])).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  return {
    async done(): Promise<void> {
      const failure = await checked;
      if (failure !== null) throw failure.error;
    },
    async giveUp(error: unknown): Promise<never> {
      stop.abort();
      await checked;
      throw error;
    },
  };
}

/** The files to upload or verify, in the order in which they start. */
export function planFiles(context: UploaderContext): FileId[] {
  const { inventory, emit } = context;
  const ids: FileId[] = [];
  const planned = { uploads: 0, uploadBytes: 0, verifications: 0, unchanged: 0 };
  for (const id of filesOnDisk(context)) {
    if (inventory.runOf(id).conflict !== null || !context.owns(id)) continue;
    const { action } = planFile(inventory.seenFacts(id));
    if (action === 'skip' && inventory.isProven(id)) planned.unchanged += 1;
    else ids.push(id);
    if (action === 'verify') planned.verifications += 1;
    if (action !== 'upload') continue;
    planned.uploads += 1;
    planned.uploadBytes += inventory.table.seenBytes[id]!;
  }
  emit({ kind: 'planned', ...planned });
  return ids.sort((a, b) => compareWork(toOrder(context, a), toOrder(context, b)));
}

async function checkLiveness({ inventory, config, livenessByRun, observer }: UploaderContext): Promise<void> {
  const quietMs = config.assumeEnded === true ? Number.POSITIVE_INFINITY : 0;
  for (const [index, liveness] of livenessByRun) {
    const run = inventory.runs[index];
    const state = await liveness.check(quietMs);
    if (run !== undefined) observer.onLiveness?.(run.uuid, state);
  }
}

/** Finds log directories again that got a separate uuid. */
async function listReused(context: UploaderContext, scanner: Scanner, signal: AbortSignal): Promise<void> {
  await scanner.scanAll(signal);
  await checkLiveness(context);
  const runs = context.inventory.runs.filter((run) => run.directory !== null && !run.isListed);
  await listStoredRuns(context, runs, signal);
}

function toOrder({ inventory }: UploaderContext, id: FileId): Ordered {
  const relPath = inventory.relPathOf(id);
  const sizeBytes = inventory.table.seenBytes[id]!;
  return { phase: toPhase(relPath), fileClass: toFileClass(relPath), sizeBytes, key: relPath };
}
