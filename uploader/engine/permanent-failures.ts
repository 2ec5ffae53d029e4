/** Which files of a run can never be stored as they are: nothing waits for those for ever. */

import type { CodedError } from '../../src/base/errors.js';
import { FileError, StoreLimitError } from '../base/errors.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { Scanner } from '../pipeline/scan/scanner.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';

const FOR_GOOD: ReadonlySet<string> = new Set(['ERR_NAME_TOO_LONG', 'ERR_NAME_TWIN', 'ERR_FILE_OUTSIDE']);

/** Whether trying again is of no use as long as the file keeps its name and size. */
export function isForGood(error: CodedError): boolean {
  if (error instanceof FileError) return FOR_GOOD.has(error.code);
  if (error instanceof PolyaxonApiError)
    return error.code === 'ERR_API_TOO_LARGE' || error.code === 'ERR_API_INVALID';
  return error instanceof StoreLimitError;
}

/** Paths of a run that were found and cannot even be named in a store. */
export function findUnscanned({ problems }: Pick<Scanner, 'problems'>, { index }: KnownRun): string[] {
  return problems
    .filter(({ run, error }) => run === index && isForGood(error))
    .map(({ error }) => error.path);
}
