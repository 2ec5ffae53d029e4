/**
 * The error of a failed call of Polyaxon's API: one class, with one code for each possible remedy.
 *
 * The retry table (`retry.ts`) decides whether a call is retried.
 */

import { messageOf } from '../../src/base/errors.js';
import { StoreError } from '../base/errors.js';
import { systemErrorCode } from '../base/io/system-error.js';
import { type FailedOutcome, findRetryRow, type RetryOutcome } from '../base/retry-table.js';

export type PolyaxonApiErrorCode =
  | 'ERR_API_UNAUTHORIZED'
  | 'ERR_API_FORBIDDEN'
  | 'ERR_API_PROJECT_MISSING'
  | 'ERR_API_RUN_MISSING'
  | 'ERR_API_MISSING'
  | 'ERR_API_CONFLICT'
  | 'ERR_API_TOO_LARGE'
  | 'ERR_API_INVALID'
  | 'ERR_API_THROTTLED'
  | 'ERR_API_SERVER'
  | 'ERR_API_NOT_JSON'
  | 'ERR_API_REDIRECTED'
  | 'ERR_API_UNREACHABLE'
  | 'ERR_API_UNTRUSTED';

const HINTS: Readonly<Record<PolyaxonApiErrorCode, string>> = {
  ERR_API_UNAUTHORIZED: 'Set POLYAXON_AUTH_TOKEN to a valid token, or log in with `polyaxon login`.',
  ERR_API_FORBIDDEN: 'Ask for write access to the project, or use a token that has it.',
  ERR_API_PROJECT_MISSING: 'Set --project to an existing project, or pass --create-project to create it.',
  ERR_API_RUN_MISSING: 'Sync the run again: polytrack recreates a deleted run.',
  ERR_API_MISSING: 'Set the host to the address of a Polyaxon server, without a path.',
  ERR_API_CONFLICT: 'Run only one uploader for a run at a time, then sync again.',
  ERR_API_TOO_LARGE:
    'Raise the limit for request bodies on the server or its proxy, or skip the file with --exclude.',
  ERR_API_INVALID: 'Correct the values that the answer names. Other data is still sent.',
  ERR_API_THROTTLED: 'Lower --requests. Missing data is sent later.',
  ERR_API_SERVER: 'Check the log of the server. Missing data is sent later.',
  ERR_API_NOT_JSON:
    'Check that the host is a Polyaxon server and that no login page or proxy answers instead.',
  ERR_API_REDIRECTED:
    'Set the host to the address that the server redirects to, with its scheme (such as https://).',
  ERR_API_UNREACHABLE: 'Check that the server is running and that host, port and proxy are correct.',
  ERR_API_UNTRUSTED:
    "Set POLYAXON_SSL_CA_CERT to the certificate of the authority that signed the server's certificate.",
};

/** Errors that every other file and run would fail with too. */
const COMMON: ReadonlySet<PolyaxonApiErrorCode> = new Set([
  'ERR_API_UNAUTHORIZED',
  'ERR_API_MISSING',
  'ERR_API_NOT_JSON',
  'ERR_API_REDIRECTED',
  'ERR_API_UNREACHABLE',
  'ERR_API_UNTRUSTED',
]);

export interface PolyaxonApiErrorFacts {
  readonly httpStatus?: number | undefined;
  /** For the retry table: the code of a system error, or a name from the table. */
  readonly failureCode?: string | undefined;
  /** The delay that the server asked for. */
  readonly retryAfterMs?: number | undefined;
  /** The messages of the server for each rejected field of the request. */
  readonly fields?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** The API rejected a call or did not answer. The message names the call and never contains the token. */
export class PolyaxonApiError extends StoreError {
  readonly hint: string;
  readonly concernsAllFiles: boolean;
  /** The status of the answer; null without an answer. */
  readonly httpStatus: number | null;
  /** Empty if the answer names no fields. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Whether the same call may succeed later. */
  readonly isRetryable: boolean;
  /** The limit of attempts. Infinity also if the error is not retryable. */
  readonly maxAttempts: number;
  /** The delay before a retry, from the server or else from the retry table. */
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: PolyaxonApiErrorCode,
    message: string,
    facts: PolyaxonApiErrorFacts = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    const row = findRetryRow({ code: facts.failureCode, httpStatus: facts.httpStatus });
    this.hint = HINTS[code];
    this.concernsAllFiles = COMMON.has(code);
    this.httpStatus = facts.httpStatus ?? null;
    this.fields = facts.fields ?? {};
    this.isRetryable = row !== null;
    this.maxAttempts = row?.maxAttempts ?? Number.POSITIVE_INFINITY;
    this.retryAfterMs = facts.retryAfterMs ?? row?.afterMs;
  }
}

/** Returns the error of a request without an answer: no connection, a broken one, a timeout, or an untrusted certificate. */
export function toUnreachable(operation: string, cause: unknown): PolyaxonApiError {
  const failureCode = toFailureCode(cause);
  const code = isAboutTls(failureCode) ? 'ERR_API_UNTRUSTED' : 'ERR_API_UNREACHABLE';
  return new PolyaxonApiError(code, `${operation}: ${describe(cause)}`, { failureCode }, { cause });
}

/** Whether the connection broke during a request. The server may or may not have processed it. */
export function isCut(cause: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(toFailureCode(cause) ?? '');
}

/** Converts the error of a call to an outcome for `RetryPolicy`. Rethrows other errors: an abort, a local file that cannot be read. */
export function apiOutcomeFrom(error: unknown): RetryOutcome | FailedOutcome {
  if (!(error instanceof PolyaxonApiError)) throw error;
  if (!error.isRetryable) return { status: 'failed', error };
  return {
    status: 'retry',
    cause: error,
    maxAttempts: error.maxAttempts,
    ...(error.retryAfterMs === undefined ? {} : { afterMs: error.retryAfterMs }),
  };
}

/** Makes a call and returns its outcome, for `RetryPolicy.withRetry`. */
export async function attempt<Value>(
  call: () => Promise<Value>,
): Promise<{ readonly status: 'done'; readonly value: Value } | RetryOutcome | FailedOutcome> {
  try {
    return { status: 'done', value: await call() };
  } catch (error) {
    return apiOutcomeFrom(error);
  }
}

/** Source: undici 7, `lib/core/errors.js`; Node.js "Common system errors". */
const BY_CODE: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_HEADERS_TIMEOUT: 'TimeoutError',
  UND_ERR_BODY_TIMEOUT: 'TimeoutError',
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_PRX_TLS: 'ECONNRESET',
  UND_ERR_ABORTED: 'ECONNRESET',
};

function toFailureCode(cause: unknown): string | undefined {
  if (cause instanceof Error && cause.name === 'TimeoutError') return 'TimeoutError';
  const code = systemErrorCode(cause);
  if (code === undefined)
    return cause instanceof Error && cause.cause !== undefined ? toFailureCode(cause.cause) : undefined;
  // The proxy failed, or the answer is not HTTP (HPE_… comes from the parser).
  if (code.startsWith('HPE_') || code === 'UND_ERR_RESPONSE') return 'UnexpectedAnswer';
  if (code === 'UND_ERR_SOCKET' && cause instanceof Error && systemErrorCode(cause.cause) !== undefined)
    return toFailureCode(cause.cause);
  return BY_CODE[code] ?? code;
}

/** Whether a code is one of OpenSSL or of Node.js, "X509 certificate error codes". */
function isAboutTls(code: string | undefined): boolean {
  return /CERT|_ISSUER|SIGNATURE|^ERR_(SSL|TLS)_|^EPROTO$/.test(code ?? '');
}

function describe(cause: unknown): string {
  // If Node.js tried several addresses, the message is empty and a list has the reasons.
  if (cause instanceof AggregateError && cause.errors.length > 0)
    return cause.errors.map((each) => messageOf(each)).join('; ');
  return messageOf(cause);
}
