/**
 * What an answer of S3, or its absence, means: one of the outcomes of store.ts.
 *
 * Source of the codes: Amazon S3 API Reference, "Error responses".
 */

import { CodedError, messageOf } from '../../../src/base/errors.js';
import {
  StoreAccessError,
  StoreBucketError,
  StoreClockError,
  StoreCredentialsError,
  type StoreError,
  StoreRequestError,
} from '../../base/errors.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { type FailedOutcome, findRetryRow, type RetryOutcome } from '../../base/retry.js';

export interface S3Failure {
  /** The store's error code, else the system's. */
  readonly code: string | undefined;
  readonly httpStatus: number | undefined;
  readonly afterMs: number | undefined;
  /** The store's clock and ours are so far apart that it may be the reason. */
  readonly isClockOff: boolean;
}

const CREDENTIAL_CODES = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'CredentialsProviderError',
  'XAdminUserNotFound', // versitygw 1.x for an access key that it does not know
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
/** Answers to HEAD have no body and so no code: the SDK names them by their status. */
const NAMELESS_STATUSES = [400, 403];

/** What the error of a request says. */
export function toS3Failure(error: unknown): S3Failure {
  const metadata = readObject(error, '$metadata');
  const httpStatus = readNumber(metadata, 'httpStatusCode');
  const headers = toHeaders(error);
  const isSuccess = httpStatus !== undefined && httpStatus >= 200 && httpStatus < 300;
  const name = error instanceof Error ? error.name : undefined;
  const systemCode = systemErrorCode(error);
  return {
    // A success that cannot be read is no answer of S3, nor is what is not even HTTP (HPE_…: Node's parser).
    code: isSuccess || systemCode?.startsWith('HPE_') ? 'UnexpectedAnswer' : (systemCode ?? name),
    httpStatus,
    afterMs: toMilliseconds(headers?.['retry-after']),
    isClockOff: metadata !== undefined && Reflect.get(metadata, 'clockSkewCorrected') === true,
  };
}

/** Whether other credentials could help. */
export function isAboutCredentials({ code = '', httpStatus }: S3Failure): boolean {
  return EXPIRED_CODES.includes(code) || CREDENTIAL_CODES.includes(code) || isNameless(code, httpStatus);
}

/** Whether the request was refused for its date. */
export function isAboutTime({ code = '', httpStatus, isClockOff }: S3Failure): boolean {
  return TIME_CODES.includes(code) || (isClockOff && isNameless(code, httpStatus));
}

/** Whether the store found other bytes than the checksum says. */
export function isChecksumRefusal(error: unknown): boolean {
  return CHECKSUM_CODES.includes(toS3Failure(error).code ?? '');
}

function isNameless(code: string, httpStatus: number | undefined): boolean {
  return NAMELESS_STATUSES.includes(httpStatus ?? 0) && /^(Unknown.*|Forbidden|BadRequest|\d+)$/.test(code);
}

/** The region that the store says the bucket is in, when a request went to another; null when it says nothing of the kind. */
export function toRegionHint(error: unknown): string | null {
  const { code, httpStatus } = toS3Failure(error);
  const isRefused = httpStatus === 301 || httpStatus === 307 || BUCKET_CODES.includes(code ?? '');
  if (!isRefused || typeof error !== 'object' || error === null) return null;
  const region = toHeaders(error)?.['x-amz-bucket-region'] ?? Reflect.get(error, 'Region');
  return typeof region === 'string' && /^[a-z0-9-]{1,40}$/.test(region) ? region : null;
}

function toHeaders(error: unknown): Readonly<Record<string, unknown>> | undefined {
  const headers = readObject(readObject(error, '$response'), 'headers');
  return headers as Readonly<Record<string, unknown>> | undefined;
}

/** The outcome of a request that failed. Rethrows what is no failure of the store: an abort, a local file that cannot be read. */
export function outcomeFrom(
  operation: string,
  error: unknown,
  signal?: AbortSignal,
): RetryOutcome | FailedOutcome {
  signal?.throwIfAborted();
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
  const answer = [failure.httpStatus, code, messageOf(cause)].filter(Boolean).join(' ');
  const message = `${operation}: ${answer}`;
  // Both have been signed anew once already.
  if (isAboutTime(failure)) return new StoreClockError(message, { cause });
  if (CREDENTIAL_CODES.includes(code) || EXPIRED_CODES.includes(code))
    return new StoreCredentialsError(message, { cause });
  if (BUCKET_CODES.includes(code) || failure.httpStatus === 301)
    return new StoreBucketError(message, { cause });
  if (failure.httpStatus === 401 || failure.httpStatus === 403)
    return new StoreAccessError(message, { cause });
  return new StoreRequestError(message, { cause });
}

/** `Retry-After` is seconds or a date (RFC 9110 §10.2.3). The date would need the server's clock; the seconds do not. */
function toMilliseconds(retryAfter: unknown): number | undefined {
  return typeof retryAfter === 'string' && /^\d{1,6}$/.test(retryAfter)
    ? Number(retryAfter) * 1000
    : undefined;
}

function readObject(value: unknown, name: string): object | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'object' && found !== null ? found : undefined;
}

function readNumber(value: object | undefined, name: string): number | undefined {
  const found: unknown = value === undefined ? undefined : Reflect.get(value, name);
  return typeof found === 'number' ? found : undefined;
}
