/** Reports runs that have ended as complete. A run does not wait for files that can never be stored. */

import type { CodedError } from '../../src/base/errors.js';
import { FileError, StoreLimitError } from '../base/errors.js';
import type { FileId } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { UploaderContext } from './context/uploader-context.js';

const FOR_GOOD: ReadonlySet<string> = new Set(['ERR_NAME_TOO_LONG', 'ERR_NAME_TWIN', 'ERR_FILE_OUTSIDE']);

/** Reports a run whose files are all stored, except those that no store can name. */
export function reportComplete(context: UploaderContext, scanner: Scanner, run: KnownRun): void {
  context.exportView.onComplete(run);
  context.emit({ kind: 'run-complete', runUuid: run.uuid });
  context.observer.onRunComplete(run.uuid, { unsendable: findUnscanned(scanner, run), isPartial: false });
}

/** Reports a run as complete in part when its unsent files can never be stored. `failures` has the error of each file that has failed. */
export function reportPartial(
  { inventory, observer }: UploaderContext,
  scanner: Scanner,
  run: KnownRun,
  unsent: readonly FileId[],
  failures: ReadonlyMap<FileId, { readonly error: CodedError }>,
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
