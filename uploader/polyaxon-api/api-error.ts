/**
 * What Polyaxon's API says no with, or instead of an answer: one error class, one code for each thing that somebody can do about it.
 *
 * Whether trying again can help is decided by the one retry table (`retry.ts`).
 */

import { messageOf } from '../../src/base/errors.js';
import { StoreError } from '../base/errors.js';
import { systemErrorCode } from '../base/io/system-error.js';
import { type FailedOutcome, findRetryRow, type RetryOutcome } from '../base/retry.js';

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
  ERR_API_UNAUTHORIZED: 'Set POLYAXON_AUTH_TOKEN to a token that is valid, or log in with `polyaxon login`.',
  ERR_API_FORBIDDEN: 'Ask for write access to the project, or use the token of somebody who has it.',
  ERR_API_PROJECT_MISSING: 'Correct --project, or let it be made with --create-project.',
  ERR_API_RUN_MISSING: 'Sync the run again: it is made anew if it was deleted.',
  ERR_API_MISSING: 'Check that the host is the address of a Polyaxon server, without a path.',
  ERR_API_CONFLICT: 'Let one uploader work on a run at a time, then sync again.',
  ERR_API_TOO_LARGE:
    'Raise the limit for request bodies of the server or of the proxy before it, or leave the file out.',
  ERR_API_INVALID: 'Correct what the answer names; nothing else is held back by it.',
  ERR_API_THROTTLED: 'Lower --requests; what is missing is sent later.',
  ERR_API_SERVER: "Look into the server's log; what is missing is sent later.",
  ERR_API_NOT_JSON:
    'Check that the host is a Polyaxon server and that no login page or proxy answers in its place.',
  ERR_API_REDIRECTED:
    'Name the host as the server itself does, with its scheme (https:// rather than http://).',
  ERR_API_UNREACHABLE:
    'Check that the server runs, and the host, port and proxy under which it is asked for.',
  ERR_API_UNTRUSTED: "Name the authority that signed the server's certificate with POLYAXON_SSL_CA_CERT.",
};

/** What no file and no run would fare better with. */
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
  /** For the retry table: the code of a system error, or one of its own names. */
  readonly failureCode?: string | undefined;
  /** What the server asked for. */
  readonly retryAfterMs?: number | undefined;
  /** What the server has against which field of the request. */
  readonly fields?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** The API said no, or nothing. Names the call; never the token. */
export class PolyaxonApiError extends StoreError {
  readonly hint: string;
  readonly concernsAllFiles: boolean;
  /** Of the answer; null when there was none. */
  readonly httpStatus: number | null;
  /** Empty when the answer names none. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  /** Whether the same call may succeed later. */
  readonly isRetryable: boolean;
  /** How often it is worth an attempt; Infinity when it is not retryable at all, too. */
  readonly maxAttempts: number;
  /** How long to wait before: what the server, else the retry table says. */
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

/** The error of a request without an answer: no connection, a broken one, silence, or a certificate that is not trusted. */
export function toUnreachable(operation: string, cause: unknown): PolyaxonApiError {
  const failureCode = toFailureCode(cause);
  const code = isAboutTls(failureCode) ? 'ERR_API_UNTRUSTED' : 'ERR_API_UNREACHABLE';
  return new PolyaxonApiError(code, `${operation}: ${describe(cause)}`, { failureCode }, { cause });
}

/** Whether the connection broke under a request: the server may have done what was asked, and may not. */
export function isCut(cause: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(toFailureCode(cause) ?? '');
}

/** The outcome of a failed call, for `RetryPolicy`. Rethrows what is no failure of the API: an abort, a local file that cannot be read. */
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

/** A call as an outcome, for `RetryPolicy.withRetry`. */
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
  // A failure of the proxy, or of what is not even HTTP (HPE_…: the parser).
  if (code.startsWith('HPE_') || code === 'UND_ERR_RESPONSE') return 'UnexpectedAnswer';
  if (code === 'UND_ERR_SOCKET' && cause instanceof Error && systemErrorCode(cause.cause) !== undefined)
    return toFailureCode(cause.cause);
  return BY_CODE[code] ?? code;
}

/** OpenSSL's reasons, and those of Node.js: "X509 certificate error codes". */
function isAboutTls(code: string | undefined): boolean {
  return /CERT|_ISSUER|SIGNATURE|^ERR_(SSL|TLS)_|^EPROTO$/.test(code ?? '');
}

function describe(cause: unknown): string {
  // Several addresses were tried: Node.js gives the reasons in a list, and an empty message.
  if (cause instanceof AggregateError && cause.errors.length > 0)
    return cause.errors.map((each) => messageOf(each)).join('; ');
  return messageOf(cause);
}
