/**
 * The only place that decides which failures are retried and how long to wait. Pure; limits/retry-policy.ts does the waiting.
 *
 * The first row of the table that names the failure applies. A failure that no row names is final.
 */

import type { CodedError } from '../../src/base/errors.js';

/** The call failed; the same call may succeed later. */
export interface RetryOutcome {
  readonly status: 'retry';
  readonly cause: unknown;
  /** The delay that the store asked for. */
  readonly afterMs?: number | undefined;
  /** The limit of attempts for this cause. Default: the retry timeout is the only limit. */
  readonly maxAttempts?: number | undefined;
}

/** The call failed, and the same call would fail again. */
export interface FailedOutcome {
  readonly status: 'failed';
  readonly error: CodedError;
}

/** Carries an outcome out of a stream (a listing, a download). A stream can only report an outcome by throwing it. */
export class OutcomeError extends Error {
  override readonly name = 'OutcomeError';
  constructor(readonly outcome: RetryOutcome | FailedOutcome) {
    super(outcome.status, { cause: outcome.status === 'retry' ? outcome.cause : outcome.error });
  }
}

interface RetryRow {
  readonly codes: readonly string[];
  readonly httpStatuses: readonly number[];
  /** The total number of attempts. Infinity: the retry timeout is the only limit. */
  readonly maxAttempts: number;
  /** The delay to use if the store did not give one. */
  readonly afterMs?: number;
  readonly why: string;
}

const S3 = 'Amazon S3 API Reference, "Error responses"';
const TLS = 'Node.js "X509 certificate error codes"';
const NODE = 'Node.js "Common system errors" and libuv error codes';

const RETRY_TABLE: readonly RetryRow[] = [
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
    why: `The bytes arrived damaged; read and send them again. A third failure points to memory, not to the network. ${S3}`,
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
    why: `An administrator has to renew the certificate, or install it here; retry slowly. ${TLS}`,
  },
  {
    codes: ['OperationAborted', 'ConditionalRequestConflict', 'NoSuchUpload', 'InvalidBlockList'],
    httpStatuses: [409],
    maxAttempts: 5,
    why: `Another request for the same key intervened, or the multipart upload no longer exists; start again. ${S3}`,
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
    why: `Load, restarts and timeouts of the store. ${S3}; RFC 9110 §15.6, RFC 6585 §4`,
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
    why: `The connection failed or broke; every request is safe to repeat. ${NODE}`,
  },
  {
    codes: ['ENETDOWN', 'EAI_AGAIN', 'ENOTFOUND', 'TimeoutError', 'UnexpectedAnswer'],
    httpStatuses: [],
    maxAttempts: Number.POSITIVE_INFINITY,
    why: `A failed name lookup, a timeout, or an answer that no S3 server gives (a captive portal). ${NODE}`,
  },
  {
    codes: ['EAGAIN', 'EBUSY', 'EINTR', 'ESTALE', 'EMFILE', 'ENFILE'],
    httpStatuses: [],
    maxAttempts: 5,
    why: `A directory as a store, on a busy host or a remounted network volume. ${NODE}`,
  },
];

/** Returns the row for a failure, or null if a retry cannot help. */
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
 * Returns the delay before attempt `attempt + 1`: full jitter under an exponential cap, or the delay that the store asked for plus up
 * to one base delay, so that many clients that got the same delay do not return in the same millisecond. `fraction` ∈ [0, 1).
 *
 * Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter).
 */
export function backoffMs(attempt: number, fraction: number, afterMs?: number): number {
  if (afterMs !== undefined) return Math.round(afterMs + fraction * BASE_DELAY_MS);
  return Math.round(fraction * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** Math.min(attempt - 1, 20)));
}
