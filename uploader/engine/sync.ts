/**
 * `sync`: the engine until nothing is left to do, or a plan without any effect.
 *
 * A sync can be stopped at any point: an object is visible as a whole or not at all, and the journal never runs ahead of the store's acknowledgements.
 */

import { checkOptions, type OptionTable } from '../../src/base/options.js';
import type { FileId } from '../pipeline/inventory/file-table.js';
import { replayFiles } from '../pipeline/journal/journal-files.js';
import { planFile } from '../pipeline/plan/planner.js';
import type { FileState } from '../pipeline/report/file-counts.js';
import type { SyncReport, Upload } from '../pipeline/report/sync-report.js';
import { checkConfig, type SyncConfig } from '../settings/sync-config.js';
import { toReport } from './build-report.js';
import { UPLOADER_OPTIONS, UploaderContext, type UploaderOptions } from './context/uploader-context.js';
import { runEngine } from './engine.js';
import type { WorkOnFiles } from './file-evidence.js';
import { planFiles, scanAndList } from './plan-sync.js';

export interface SyncOptions extends UploaderOptions {
  /** Ends the sync early; the report then lists the unsent files. */
  readonly signal?: AbortSignal | undefined;
}
const SYNC_OPTIONS: OptionTable<SyncOptions> = { ...UPLOADER_OPTIONS, signal: 'object' };

/**
 * Uploads everything that the store does not have yet, and returns a report. Throws a coded error when nothing can be sent: no runs at
 * the path, a malformed store URL, rejected credentials or bucket, an unwritable state directory, another running uploader.
 * An unreachable store does not throw: the report lists every file as unsent.
 */
export async function sync(config: SyncConfig, options: SyncOptions = {}): Promise<SyncReport> {
  checkConfig('sync', config);
  checkOptions('sync', options, SYNC_OPTIONS);
  if (!config.isDryRun) return runEngine(config, { ...options, until: 'idle' });
  const signal = options.signal ?? new AbortController().signal;
  return UploaderContext.use(config, options, { isWatching: false }, (context) => dryRun(context, signal));
}

/** Plans and reports. Does not lock, and writes neither to disk nor to the store. */
async function dryRun(context: UploaderContext, signal: AbortSignal): Promise<SyncReport> {
  const { io, paths, owner, inventory, emit } = context;
  const scanner = context.createScanner();
  await replayFiles(io.fileSystem, paths, owner, inventory);
  const unavailable = await scanAndList(context, scanner, signal);
  const uploads: Upload[] = [];
  const planned = new Map<FileId, FileState>();
  for (const id of planFiles(context)) {
    const decision = planFile(inventory.seenFacts(id));
    const key = inventory.keyOf(id);
    planned.set(id, decision.action === 'verify' ? 'verified' : 'unsent');
    if (unavailable !== null) emit({ kind: 'unsent', key, error: unavailable });
    if (decision.action === 'upload')
      uploads.push({ key, sizeBytes: inventory.table.seenBytes[id]!, reason: decision.reason });
  }
  const failure = unavailable === null ? undefined : { error: unavailable };
  const files: WorkOnFiles = {
    stored: NOTHING,
    verified: NOTHING,
    failures: { get: (id) => (planned.has(id) ? failure : undefined) },
  };
  return toReport(context, scanner, {
    ...{ isAborted: signal.aborted, uploads, files, verifiedBytes: 0, problems: [], planned },
  });
}

const NOTHING: ReadonlySet<FileId> = new Set();
