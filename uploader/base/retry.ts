/**
 * Which failures pass and how long to wait for them. Pure, and the only place that knows; the waiting is done in patience.ts.
 *
 * The table is read from the top; the first row that names the failure decides. What no row names is final.
 */

import type { CodedError } from '../../src/base/errors.js';

/** Not now: the same call may succeed later. */
export interface RetryOutcome {
  readonly status: 'retry';
  readonly cause: unknown;
  /** What the store asked for. */
  readonly afterMs?: number | undefined;
  /** How often this cause is worth an attempt; without it, as long as patience lasts. */
  readonly maxAttempts?: number | undefined;
}

/** Not this way: the same call would fail again. */
export interface FailedOutcome {
  readonly status: 'failed';
  readonly error: CodedError;
}

/** What ends a stream (a listing, a download): an outcome, thrown, because a stream has no other place for it. */
export class OutcomeError extends Error {
  override readonly name = 'OutcomeError';
  constructor(readonly outcome: RetryOutcome | FailedOutcome) {
    super(outcome.status, { cause: outcome.status === 'retry' ? outcome.cause : outcome.error });
  }
}

export interface RetryRow {
  readonly codes: readonly string[];
  readonly httpStatuses: readonly number[];
  /** Attempts in all; Infinity leaves the end to the deadline. */
  readonly maxAttempts: number;
  /** How long to wait where the store has not said it. */
  readonly afterMs?: number;
  readonly why: string;
}

const S3 = 'Amazon S3 API Reference, "Error responses"';
const TLS = 'Node.js "X509 certificate error codes"';
const NODE = 'Node.js "Common system errors" and libuv error codes';

export const RETRY_TABLE: readonly RetryRow[] = [
  {
    codes: [
      'BadDigest',
      'XAmzContentChecksumMismatch',
      'XAmzContentSHA256Mismatch',
      'InvalidDigest',
      'Md5Mismatch',
    ],
    httpStatuses: [],
    maxAttempts: 3,
    why: `The bytes arrived damaged; they are read and sent anew. More than twice is bad memory, not a bad wire. ${S3}`,
  },
  {
    codes: [
      'CERT_HAS_EXPIRED',
      'CERT_NOT_YET_VALID',
      'CERT_REVOKED',
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    httpStatuses: [],
    maxAttempts: Number.POSITIVE_INFINITY,
    afterMs: 5 * 60_000,
    why: `A certificate that somebody has to renew, or to install here: slowly. ${TLS}`,
  },
  {
    codes: ['OperationAborted', 'ConditionalRequestConflict', 'NoSuchUpload', 'InvalidBlockList'],
    httpStatuses: [409],
    maxAttempts: 5,
    why: `Another request on the same key came between, or the multipart upload is gone: start again. ${S3}`,
  },
  {
    codes: [
      'SlowDown',
      'ServiceUnavailable',
      'InternalError',
      'RequestTimeout',
      'Throttling',
      'ThrottlingException',
    ],
    httpStatuses: [408, 429, 500, 502, 503, 504],
    maxAttempts: Number.POSITIVE_INFINITY,
    why: `Load, restarts and time-outs on the store's side. ${S3}; RFC 9110 §15.6, RFC 6585 §4`,
  },
  {
    codes: [
      'ECONNREFUSED',
      'ECONNRESET',
      'ECONNABORTED',
      'EPIPE',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      'ENETUNREACH',
    ],
    httpStatuses: [],
    maxAttempts: Number.POSITIVE_INFINITY,
    why: `No connection, or it broke; every request is safe to repeat. ${NODE}`,
  },
  {
    codes: ['ENETDOWN', 'EAI_AGAIN', 'ENOTFOUND', 'TimeoutError', 'UnexpectedAnswer'],
    httpStatuses: [],
    maxAttempts: Number.POSITIVE_INFINITY,
    why: `Name look-up, silence, or an answer that no S3 server gives (a captive portal). ${NODE}`,
  },
  {
    codes: ['EAGAIN', 'EBUSY', 'EINTR', 'ESTALE', 'EMFILE', 'ENFILE'],
    httpStatuses: [],
    maxAttempts: 5,
    why: `A file store on a busy host or a remounted network volume. ${NODE}`,
  },
];

/** The row for a failure, or null when trying again cannot help. */
export function findRetryRow(failure: {
  code: string | undefined;
  httpStatus?: number | undefined;
}): RetryRow | null {
  const { code, httpStatus } = failure;
  const byCode = RETRY_TABLE.find((row) => code !== undefined && row.codes.includes(code));
  const byStatus = RETRY_TABLE.find(
    (row) => httpStatus !== undefined && row.httpStatuses.includes(httpStatus),
  );
  return byCode ?? byStatus ?? null;
}

const BASE_DELAY_MS = 200;
const MAX_DELAY_MS = 60_000;

/**
 * The wait before attempt `attempt + 1`: full jitter under an exponential cap, or what the store asked for plus up to one base
 * delay, so that many clients told the same second do not come back in the same millisecond. `fraction` ∈ [0, 1).
 *
 * Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter).
 */
export function backoffMs(attempt: number, fraction: number, afterMs?: number): number {
  if (afterMs !== undefined) return Math.round(afterMs + fraction * BASE_DELAY_MS);
  return Math.round(fraction * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** Math.min(attempt - 1, 20)));
}
