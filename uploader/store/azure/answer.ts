/**
 * Maps responses of Azure Blob Storage, and failed connections, to the outcomes of store.ts.
 *
 * Source of the codes: Azure Storage REST API Reference, "Common REST API error codes" and "Blob Storage error codes".
 */

import { messageOf } from '../../../src/base/errors.js';
import {
  StoreAccessError,
  StoreBucketError,
  StoreClockError,
  StoreCredentialsError,
  type StoreError,
  StoreRequestError,
} from '../../base/errors.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import type { FailedOutcome, RetryOutcome } from '../../base/retry-table.js';
import {
  type HttpFailure,
  httpOutcomeFrom,
  readNumber,
  readProperty,
  toRetryAfterMs,
} from '../base/http-outcome.js';
import { CREDENTIALS_HINT } from './client.js';

export interface AzureFailure extends HttpFailure {
  /** The clocks of the store and of this host differ so much that the store rejects signed requests. */
  readonly isClockOff: boolean;
}

const CREDENTIAL_CODES = [
  'AuthenticationFailed',
  'InvalidAuthenticationInfo',
  'NoAuthenticationInformation',
  // From @azure/identity, when it has no token.
  'CredentialUnavailableError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'AggregateAuthenticationError',
];
const CONTAINER_CODES = [
  'ContainerNotFound',
  'ContainerBeingDeleted',
  'ContainerDisabled',
  'InvalidResourceName',
];
/** The library's codes for a missing or unreadable response. */
const NO_ANSWER_CODES = ['REQUEST_SEND_ERROR', 'PARSE_ERROR', 'ERR_STREAM_PREMATURE_CLOSE'];
/** Azure rejects older requests: "Authorize with Shared Key", the date header. */
const MAX_CLOCK_OFFSET_MS = 15 * 60_000;
const ACCESS_HINT =
  'Grant the role "Storage Blob Data Contributor", or use a signature with read, write, create and list permissions.';
const CONTAINER_HINT = 'Create the container, or fix its name or the account.';

/** The code, status and delay of a failed request. */
export function toAzureFailure(error: unknown): AzureFailure {
  const httpStatus = readNumber(error, 'statusCode');
  const header = toHeaderReader(error);
  const code =
    header('x-ms-error-code') ?? systemErrorCode(error) ?? readText(error, 'code') ?? readText(error, 'name');
  // Azurite reports `Md5Mismatch` like this.
  const isOtherMd5 =
    httpStatus === 400 && code === 'InvalidOperation' && /contentMD5/i.test(messageOf(error));
  const date = Date.parse(header('date') ?? '');
  const isClockOff = Math.abs(date - Date.now()) > MAX_CLOCK_OFFSET_MS;
  // An unreadable success response does not come from Azure.
  const isSuccess = httpStatus !== undefined && httpStatus >= 200 && httpStatus < 300;
  const isNoAnswer = isSuccess || NO_ANSWER_CODES.includes(code ?? '');
  return {
    code: isOtherMd5 ? 'Md5Mismatch' : isNoAnswer ? 'UnexpectedAnswer' : code,
    httpStatus,
    afterMs: toRetryAfterMs(header('retry-after')),
    isClockOff,
  };
}

/** Whether an error means that the object is not the expected one: changed, already existing, or missing. */
export function isOtherObject(error: unknown): boolean {
  const { code, httpStatus } = toAzureFailure(error);
  return (
    httpStatus === 412 ||
    code === 'ConditionNotMet' ||
    code === 'BlobAlreadyExists' ||
    code === 'BlobNotFound'
  );
}

/** The outcome of a failed request. Rethrows errors that the store has not caused. */
export function azureOutcomeFrom(
  operation: string,
  error: unknown,
  signal?: AbortSignal,
): RetryOutcome | FailedOutcome {
  const failure = toAzureFailure(error);
  const toError = (message: string, cause: unknown): StoreError => toStoreError(message, failure, cause);
  return httpOutcomeFrom(operation, error, { failure, signal, toError });
}

function toStoreError(message: string, failure: AzureFailure, cause: unknown): StoreError {
  const { code = '', httpStatus, isClockOff } = failure;
  const isRefused = httpStatus === 401 || httpStatus === 403;
  if (isRefused && isClockOff) return new StoreClockError(message, { cause });
  if (CREDENTIAL_CODES.includes(code))
    return new StoreCredentialsError(message, { cause, hint: CREDENTIALS_HINT });
  if (CONTAINER_CODES.includes(code)) return new StoreBucketError(message, { cause, hint: CONTAINER_HINT });
  if (isRefused) return new StoreAccessError(message, { cause, hint: ACCESS_HINT });
  return new StoreRequestError(message, { cause });
}

function toHeaderReader(error: unknown): (name: string) => string | undefined {
  const headers = readProperty(readProperty(error, 'response'), 'headers');
  const get = readProperty(headers, 'get');
  return (name) => {
    const value: unknown = typeof get === 'function' ? get.call(headers, name) : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
}

function readText(value: unknown, name: string): string | undefined {
  const found = readProperty(value, name);
  return typeof found === 'string' ? found : undefined;
}
