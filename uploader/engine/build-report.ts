/** Reports what a sync or a watch has found and done, from the state of the inventory and the scanner. */

import { FLAG } from '../pipeline/inventory/file-table.js';
import type { SyncReport, UnsentFile, Upload } from '../pipeline/report/sync-report.js';
import type { SkippedPath } from '../pipeline/scan/directory-node.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import type { UploaderContext } from './context/uploader-context.js';

export interface WorkDone {
  readonly isAborted: boolean;
  /** Whether all work is done although the signal is aborted; default: not aborted. */
  readonly isComplete?: boolean | undefined;
  readonly uploads: readonly Upload[];
  readonly storedCount: number;
  readonly verified: { readonly count: number; readonly bytes: number };
  readonly unsent: readonly UnsentFile[];
  /** How many files a dry run would upload and verify. */
  readonly pending?: { readonly uploads: number; readonly verifications: number } | undefined;
}

/** Reports the number and size of the files that the first scan has found. */
export function reportScanned({ inventory, emit }: UploaderContext): void {
  let files = 0;
  let sizeBytes = 0;
  for (let id = 0; id < inventory.table.count; id += 1) {
    if (!inventory.table.has(id, FLAG.onDisk)) continue;
    files += 1;
    sizeBytes += inventory.table.seenBytes[id]!;
  }
  const runs = inventory.runs.filter(({ directory }) => directory !== null).length;
  emit({ kind: 'scanned', runs, files, sizeBytes });
}

/** Reads the context and changes nothing. */
export function toReport(context: UploaderContext, scanner: Scanner, done: WorkDone): SyncReport {
  const { inventory } = context;
  const { pending } = done;
  const unsent = [...done.unsent, ...toScanProblems(context, scanner), ...toUnreported(context)];
  const { lostBytes } = inventory;
  const totals = { count: 0, bytes: 0 };
  const onlyInStore: string[] = [];
  for (let id = 0; id < inventory.table.count; id += 1) {
    if (inventory.runOf(id).directory === null) continue;
    if (inventory.table.has(id, FLAG.onDisk)) {
      totals.count += 1;
      totals.bytes += inventory.table.seenBytes[id]!;
    } else if (inventory.table.has(id, FLAG.stored) && !inventory.table.has(id, FLAG.generated))
      onlyInStore.push(inventory.keyOf(id));
  }
  const unsentFiles = pending?.uploads ?? done.unsent.filter(({ sizeBytes }) => sizeBytes !== null).length;
  const verifiedCount = pending?.verifications ?? done.verified.count;
  const isPending = pending !== undefined && pending.uploads + pending.verifications > 0;
  return {
    root: context.place.root.toString(),
    store: context.store.id,
    runs: inventory.runs.filter(({ directory }) => directory !== null).map(({ uuid }) => uuid),
    isDryRun: context.config.isDryRun,
    isAborted: done.isAborted,
    isComplete: unsent.length === 0 && (done.isComplete ?? !done.isAborted) && !isPending && lostBytes === 0,
    durationMs: Math.round(context.clock.monotonicMs() - context.startMs),
    files: {
      total: totals.count,
      stored: done.storedCount,
      verified: verifiedCount,
      unchanged: Math.max(0, totals.count - done.storedCount - verifiedCount - unsentFiles),
      unsent: pending?.uploads ?? unsent.length,
    },
    bytes: { total: totals.bytes, sent: context.sentBytes, verified: done.verified.bytes, lost: lostBytes },
    uploads: done.uploads,
    unsent,
    skipped: toSkipped(context, scanner),
    onlyInStore: onlyInStore.sort(),
    notices: context.notices,
  };
}

function toScanProblems({ inventory }: UploaderContext, scanner: Scanner): UnsentFile[] {
  return scanner.problems.map(({ error, run }) => {
    const path = run === undefined ? error.path : `${inventory.runs[run]?.uuid}/${error.path}`;
    return { path, sizeBytes: null, error };
  });
}

/** Runs that could not be reported to the Polyaxon API. */
function toUnreported({ observer, config }: UploaderContext): UnsentFile[] {
  if (config.isDryRun) return [];
  return [...(observer.problems?.() ?? [])].map(({ runUuid, error }) => {
    return { path: `${runUuid} in Polyaxon`, sizeBytes: null, error };
  });
}

function toSkipped({ inventory }: UploaderContext, scanner: Scanner): SkippedPath[] {
  return scanner.skipped.map(({ path, reason, run }) => ({
    path: run === undefined ? path : `${inventory.runs[run]?.uuid}/${path}`,
    reason,
  }));
}
