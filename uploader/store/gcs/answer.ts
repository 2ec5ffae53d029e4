/**
 * Maps responses of Google Cloud Storage, and failed connections, to the outcomes of store.ts.
 *
 * Source of statuses and reasons: Cloud Storage documentation, "HTTP status and error codes for JSON".
 */

import {
  StoreAccessError,
  StoreBucketError,
  StoreCredentialsError,
  type StoreError,
  StoreRequestError,
} from '../../base/errors.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import type { FailedOutcome, RetryOutcome } from '../../base/retry-table.js';
import { type HttpFailure, httpOutcomeFrom, toRetryAfterMs } from '../base/http-outcome.js';
import { CREDENTIALS_HINT } from './client.js';

/** An error response, with the server's message. */
export class GcsError extends Error {
  constructor(
    readonly httpStatus: number,
    readonly reason: string | undefined,
    message: string,
    readonly retryAfter?: string | undefined,
  ) {
    super(message);
  }
}

/** A response that does not come from Google Cloud Storage. */
export class UnexpectedAnswerError extends Error {
  readonly code = 'UnexpectedAnswer';
}

const ACCESS_HINT =
  'Grant the role "Storage Object User" on the bucket: replacing an object needs the permission to delete it.';
const BUCKET_HINT = 'Create the bucket, or fix its name in the store URL.';

/** The code, status and delay of a failed request. */
export function toGcsFailure(error: unknown): HttpFailure {
  if (error instanceof GcsError) {
    const { httpStatus, reason, message, retryAfter } = error;
    const isChecksum = httpStatus === 400 && /crc32c|md5|hash|checksum/i.test(message);
    return {
      code: isChecksum ? 'BadDigest' : reason,
      httpStatus,
      afterMs: toRetryAfterMs(retryAfter),
    };
  }
  const code = systemErrorCode(error) ?? (error instanceof Error ? error.name : undefined);
  const isBroken = /^UND_ERR_(?!INVALID_ARG|ABORTED)|^HPE_/.test(code ?? '');
  return { code: isBroken ? 'UnexpectedAnswer' : code, httpStatus: undefined, afterMs: undefined };
}

/** Whether an error means that the object is not the expected one: 412, or 404 for a missing object. */
export function isOtherObject(error: unknown): boolean {
  return error instanceof GcsError && (error.httpStatus === 412 || isAbsent(error));
}

export function isAbsent(error: unknown): boolean {
  return error instanceof GcsError && error.httpStatus === 404;
}

/** The outcome of a failed request. Rethrows errors that the store has not caused. */
export function gcsOutcomeFrom(
  operation: string,
  error: unknown,
  signal?: AbortSignal,
): RetryOutcome | FailedOutcome {
  const failure = toGcsFailure(error);
  const toError = (message: string, cause: unknown): StoreError => toStoreError(message, failure, cause);
  return httpOutcomeFrom(operation, error, { failure, signal, toError });
}

function toStoreError(message: string, { httpStatus }: HttpFailure, cause: unknown): StoreError {
  if (httpStatus === 401) return new StoreCredentialsError(message, { cause, hint: CREDENTIALS_HINT });
  if (httpStatus === 403) return new StoreAccessError(message, { cause, hint: ACCESS_HINT });
  if (httpStatus === 404) return new StoreBucketError(message, { cause, hint: BUCKET_HINT });
  return new StoreRequestError(message, { cause });
}
