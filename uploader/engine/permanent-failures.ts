/** Tells permanent failures from temporary ones, so that a run does not wait for files that can never be stored. */

import type { CodedError } from '../../src/base/errors.js';
import { FileError, StoreLimitError } from '../base/errors.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';

const FOR_GOOD: ReadonlySet<string> = new Set(['ERR_NAME_TOO_LONG', 'ERR_NAME_TWIN', 'ERR_FILE_OUTSIDE']);

/** Whether a retry is useless as long as the file keeps its name and size. */
export function isForGood(error: CodedError): boolean {
  if (error instanceof FileError) return FOR_GOOD.has(error.code);
  if (error instanceof PolyaxonApiError)
    return error.code === 'ERR_API_TOO_LARGE' || error.code === 'ERR_API_INVALID';
  return error instanceof StoreLimitError;
}

/** Paths of a run that the scan found but that no store can name. */
export function findUnscanned({ problems }: Pick<Scanner, 'problems'>, { index }: KnownRun): string[] {
  return problems
    .filter(({ run, error }) => run === index && isForGood(error))
    .map(({ error }) => error.path);
}
