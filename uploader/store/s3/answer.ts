/**
 * Maps responses of S3, and failed connections, to the outcomes of store.ts.
 *
 * Source of the codes: Amazon S3 API Reference, "Error responses".
 */

import { CodedError } from '../../../src/base/errors.js';
import { describeFailure } from '../../base/describe-failure.js';
import {
  StoreAccessError,
  StoreBucketError,
  StoreClockError,
  StoreCredentialsError,
  StoreError,
  StoreRequestError,
} from '../../base/errors.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { type FailedOutcome, findRetryRow, OutcomeError, type RetryOutcome } from '../../base/retry-table.js';
import { type HttpFailure, readNumber, readProperty, toRetryAfterMs } from '../base/http-outcome.js';

export interface S3Failure extends HttpFailure {
  /** The clocks of the store and of this host differ so much that this may be the reason. */
  readonly isClockOff: boolean;
}

const CREDENTIAL_CODES = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'CredentialsProviderError',
  'XAdminUserNotFound', // versitygw 1.x, for an unknown access key
];
const BUCKET_CODES = [
  'NoSuchBucket',
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'InvalidBucketName',
];

const EXPIRED_CODES = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'];
const CHECKSUM_CODES = [
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
  'InvalidDigest',
];
const TIME_CODES = ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'];
/** Responses to HEAD have no body and so no code. The SDK names such errors after their status. */
const NAMELESS_STATUSES = [400, 403];

/** The code, status and delay of a failed request. */
export function toS3Failure(error: unknown): S3Failure {
  const metadata = readProperty(error, '$metadata');
  const httpStatus = readNumber(metadata, 'httpStatusCode');
  const isSuccess = httpStatus !== undefined && httpStatus >= 200 && httpStatus < 300;
  const name = error instanceof Error ? error.name : undefined;
  const systemCode = systemErrorCode(error);
  return {
    // An unreadable success response is not from S3, nor is a response that is not HTTP (HPE_…: Node's parser).
    code: isSuccess || systemCode?.startsWith('HPE_') ? 'UnexpectedAnswer' : (systemCode ?? name),
    httpStatus,
    afterMs: toRetryAfterMs(readHeader(error, 'retry-after')),
    isClockOff: readProperty(metadata, 'clockSkewCorrected') === true,
  };
}

/** Whether other credentials could solve the failure. */
export function isAboutCredentials({ code = '', httpStatus }: S3Failure): boolean {
  return EXPIRED_CODES.includes(code) || CREDENTIAL_CODES.includes(code) || isNameless(code, httpStatus);
}

/** Whether the store rejected the request because of its date. */
export function isAboutTime({ code = '', httpStatus, isClockOff }: S3Failure): boolean {
  return TIME_CODES.includes(code) || (isClockOff && isNameless(code, httpStatus));
}

/** Whether the store reports that the bytes do not match the checksum. */
export function isChecksumRefusal(error: unknown): boolean {
  return CHECKSUM_CODES.includes(toS3Failure(error).code ?? '');
}

function isNameless(code: string, httpStatus: number | undefined): boolean {
  return NAMELESS_STATUSES.includes(httpStatus ?? 0) && /^(Unknown.*|Forbidden|BadRequest|\d+)$/.test(code);
}

/** The region of the bucket, from the error for a request to a wrong region; null for any other error. */
export function toRegionHint(error: unknown): string | null {
  const { code, httpStatus } = toS3Failure(error);
  const isRefused = httpStatus === 301 || httpStatus === 307 || BUCKET_CODES.includes(code ?? '');
  if (!isRefused) return null;
  const region = readHeader(error, 'x-amz-bucket-region') ?? readProperty(error, 'Region');
  return typeof region === 'string' && /^[a-z0-9-]{1,40}$/.test(region) ? region : null;
}

function readHeader(error: unknown, name: string): unknown {
  return readProperty(readProperty(readProperty(error, '$response'), 'headers'), name);
}

/** The outcome of a failed request. Rethrows errors that the store has not caused: an abort, or an unreadable local file. */
export function outcomeFrom(
  operation: string,
  error: unknown,
  signal?: AbortSignal,
): RetryOutcome | FailedOutcome {
  signal?.throwIfAborted();
  if (error instanceof OutcomeError) return error.outcome;
  if (error instanceof StoreError) return { status: 'failed', error };
  if (error instanceof CodedError) throw error;
  const failure = toS3Failure(error);
  const row = findRetryRow(failure);
  if (row !== null) {
    const afterMs = failure.afterMs ?? row.afterMs;
    return { status: 'retry', cause: error, afterMs, maxAttempts: row.maxAttempts };
  }
  return { status: 'failed', error: toStoreError(operation, failure, error) };
}

function toStoreError(operation: string, failure: S3Failure, cause: unknown): StoreError {
  const code = failure.code ?? '';
  const message = `${operation}: ${describeFailure(cause)}`;
  // The connection has already signed and sent these requests a second time.
  if (isAboutTime(failure)) return new StoreClockError(message, { cause });
  if (CREDENTIAL_CODES.includes(code) || EXPIRED_CODES.includes(code))
    return new StoreCredentialsError(message, { cause });
  if (BUCKET_CODES.includes(code) || failure.httpStatus === 301)
    return new StoreBucketError(message, { cause });
  if (failure.httpStatus === 401 || failure.httpStatus === 403)
    return new StoreAccessError(message, { cause });
  return new StoreRequestError(message, { cause });
}
