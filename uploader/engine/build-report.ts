/** Reports what a sync or a watch has found and done, from the state of the inventory and the scanner. */

import { basename } from 'node:path';
import { FileError } from '../base/errors.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import { countFiles, type FileState } from '../pipeline/report/file-counts.js';
import type { SyncReport, UnsentFile, Upload } from '../pipeline/report/sync-report.js';
import type { SkippedPath } from '../pipeline/scan/directory-node.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import type { UploaderContext } from './context/uploader-context.js';
import { filesOnDisk, judgeFile, type WorkOnFiles } from './file-evidence.js';

interface WorkDone {
  readonly isAborted: boolean;
  readonly uploads: readonly Upload[];
  readonly files: WorkOnFiles;
  readonly verifiedBytes: number;
  /** What could not be stored and is no file on disk. */
  readonly problems: readonly UnsentFile[];
  /** What a dry run would do with each file that is not proved to be stored. */
  readonly planned?: ReadonlyMap<FileId, FileState> | undefined;
}

/** Reports the number and size of the files that the first scan has found. */
export function reportScanned(context: UploaderContext): void {
  const { inventory, emit } = context;
  let files = 0;
  let sizeBytes = 0;
  for (const id of filesOnDisk(context)) {
    files += 1;
    sizeBytes += inventory.table.seenBytes[id]!;
  }
  const runs = inventory.runs.filter(({ directory }) => directory !== null).length;
  emit({ kind: 'scanned', runs, files, sizeBytes });
}

/** The name of an imported run: its path below the root. */
function toRunName({ place }: UploaderContext, runPath: string | null): string | null {
  return runPath === '' ? basename(place.start.toString()) : runPath;
}

/** Reads the context and changes nothing. */
export function toReport(context: UploaderContext, scanner: Scanner, done: WorkDone): SyncReport {
  const { inventory } = context;
  const { lostBytes } = inventory;
  const unsentFiles: UnsentFile[] = [];
  const states: FileState[] = [];
  let totalBytes = 0;
  let unprovenElsewhere = 0;
  for (const id of filesOnDisk(context)) {
    const sizeBytes = inventory.table.seenBytes[id]!;
    totalBytes += sizeBytes;
    const planned = done.planned?.get(id);
    const { state, reason } = judgeFile(context, id, done.files);
    states.push(planned ?? state);
    if (state === 'elsewhere' && !inventory.isProven(id)) unprovenElsewhere += 1;
    const isReported = planned === undefined || done.files.failures.get(id) !== undefined;
    if (reason !== null && isReported)
      unsentFiles.push({ path: inventory.keyOf(id), sizeBytes, error: reason });
  }
  const files = countFiles(states);
  const unsent = [
    ...unsentFiles,
    ...done.problems,
    ...toScanProblems(context, scanner),
    ...toUnscanned(context, scanner),
    ...toUnreported(context),
  ];
  // A watch is always ended by its signal; what it could not do by then is unsent.
  const isCut = done.isAborted && !context.isWatching;
  const isPlanned = done.planned !== undefined && done.planned.size > 0;
  const isShareComplete = files.unsent + unsent.length === 0 && !isCut && !isPlanned && lostBytes === 0;
  return {
    root: context.place.root.toString(),
    store: context.store.id,
    runs: inventory.runs.filter(({ directory }) => directory !== null).map(({ uuid }) => uuid),
    isDryRun: context.config.isDryRun,
    isAborted: done.isAborted,
    isComplete: isShareComplete && (unprovenElsewhere === 0 || !context.sendsFiles),
    isShareComplete,
    durationMs: Math.round(context.clock.monotonicMs() - context.startMs),
    files,
    bytes: { total: totalBytes, sent: context.sentBytes, verified: done.verifiedBytes, lost: lostBytes },
    uploads: done.uploads,
    unsent,
    logDirectories: scanner.layout.map((place) => ({ ...place, run: toRunName(context, place.runPath) })),
    skipped: toSkipped(context, scanner),
    onlyInStore: findOnlyInStore(context),
    notices: context.notices,
  };
}

/** Keys of objects whose file no longer exists. */
function findOnlyInStore({ inventory }: UploaderContext): string[] {
  const keys: string[] = [];
  for (let id = 0; id < inventory.table.count; id += 1) {
    const isHere = inventory.table.has(id, FLAG.onDisk) || inventory.table.has(id, FLAG.generated);
    if (isHere || !inventory.table.has(id, FLAG.stored)) continue;
    if (inventory.runOf(id).directory !== null) keys.push(inventory.keyOf(id));
  }
  return keys.sort();
}

function toScanProblems({ inventory }: UploaderContext, scanner: Scanner): UnsentFile[] {
  return scanner.problems.map(({ error, run }) => {
    const path = run === undefined ? error.path : `${inventory.runs[run]?.uuid}/${error.path}`;
    return { path, sizeBytes: null, error };
  });
}

/** A scan that was interrupted, or did not find the root: files may be missing from the report. */
function toUnscanned({ place, rootWatch }: UploaderContext, scanner: Scanner): UnsentFile[] {
  const path = place.start.toString();
  const reason = rootWatch.unavailableReason;
  if (reason !== null) {
    const back = 'Make the directory available, and run watch or sync again.';
    return [{ path, sizeBytes: null, error: new FileError('ERR_FILE_UNREADABLE', path, reason, back) }];
  }
  if (scanner.hasSeenAll) return [];
  const found = 'not all of its directories were scanned before the end';
  const hint = 'Run watch or sync again.';
  return [{ path, sizeBytes: null, error: new FileError('ERR_ABORTED', path, found, hint) }];
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
