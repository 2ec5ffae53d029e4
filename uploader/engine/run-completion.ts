/** Reports runs that have ended as complete. A run does not wait for files that can never be stored. */

import type { CodedError } from '../../src/base/errors.js';
import { FileError, StoreLimitError } from '../base/errors.js';
import type { FileId } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { UploaderContext } from './context/uploader-context.js';
import { filesOnDisk, judgeFile, type WorkOnFiles } from './file-evidence.js';

const FOR_GOOD: ReadonlySet<string> = new Set(['ERR_NAME_TOO_LONG', 'ERR_NAME_TWIN', 'ERR_FILE_OUTSIDE']);

/** Reports each run that has ended as complete, or as complete in part. Returns the runs that have files which are not stored. */
export function concludeRuns(
  context: UploaderContext,
  scanner: Scanner,
  files: WorkOnFiles,
): ReadonlySet<KnownRun> {
  const { inventory, exportView } = context;
  const unsentByRun = new Map<KnownRun, FileId[]>();
  for (const id of filesOnDisk(context)) {
    if (judgeFile(context, id, files).state !== 'unsent') continue;
    const run = inventory.runOf(id);
    const unsent = unsentByRun.get(run);
    if (unsent === undefined) unsentByRun.set(run, [id]);
    else unsent.push(id);
  }
  for (const run of inventory.runs) {
    if (run.directory === null || !run.isListed || context.isLive(run)) continue;
    if (exportView.outcomeOf(run) === 'failed') continue;
    const unsent = unsentByRun.get(run);
    if (unsent === undefined) reportComplete(context, scanner, run);
    else reportPartial(context, scanner, run, unsent, files.failures);
  }
  return new Set(unsentByRun.keys());
}

/** Reports a run whose files are all stored, except those that no store can name. */
export function reportComplete(context: UploaderContext, scanner: Scanner, run: KnownRun): void {
  context.exportView.onComplete(run);
  if (context.sendsFiles) context.emit({ kind: 'run-complete', runUuid: run.uuid });
  context.observer.onRunComplete(run.uuid, { unsendable: findUnscanned(scanner, run), isPartial: false });
}

/** Reports a run as complete in part when its unsent files can never be stored. `failures` has the error of each file that has failed. */
export function reportPartial(
  { inventory, observer }: UploaderContext,
  scanner: Scanner,
  run: KnownRun,
  unsent: readonly FileId[],
  failures: WorkOnFiles['failures'],
): void {
  const errors = unsent.map((id) => failures.get(id)?.error);
  if (!errors.every((error) => error !== undefined && isForGood(error))) return;
  const unsendable = [...unsent.map((id) => inventory.relPathOf(id)), ...findUnscanned(scanner, run)];
  observer.onRunComplete(run.uuid, { unsendable, isPartial: true });
}

/** Whether a retry is useless as long as the file keeps its name and size. */
function isForGood(error: CodedError): boolean {
  if (error instanceof FileError) return FOR_GOOD.has(error.code);
  if (error instanceof PolyaxonApiError)
    return error.code === 'ERR_API_TOO_LARGE' || error.code === 'ERR_API_INVALID';
  return error instanceof StoreLimitError;
}

/** Paths of a run that the scan found but that no store can name. */
function findUnscanned(scanner: Scanner, { uuid }: KnownRun): string[] {
  return [...scanner.problemsOf(uuid)].filter(isForGood).map(({ path }) => path);
}
