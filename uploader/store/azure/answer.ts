/**
 * What an answer of Azure Blob Storage, or its absence, means: one of the outcomes of store.ts.
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
import type { FailedOutcome, RetryOutcome } from '../../base/retry.js';
import { type HttpFailure, httpOutcomeFrom, toRetryAfterMs } from '../base/http-outcome.js';
import { CREDENTIALS_HINT } from './client.js';

export interface AzureFailure extends HttpFailure {
  /** The store's clock and ours are so far apart that it refuses what we sign. */
  readonly isClockOff: boolean;
}

const CREDENTIAL_CODES = [
  'AuthenticationFailed',
  'InvalidAuthenticationInfo',
  'NoAuthenticationInformation',
  // Of @azure/identity, which has no token to sign with.
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
/** What the library says when there is no answer, or one that is none. */
const NO_ANSWER_CODES = ['REQUEST_SEND_ERROR', 'PARSE_ERROR', 'ERR_STREAM_PREMATURE_CLOSE'];
/** Azure refuses requests that are older: "Authorize with Shared Key", the date header. */
const MAX_CLOCK_OFFSET_MS = 15 * 60_000;
const ACCESS_HINT =
  'Give it the role "Storage Blob Data Contributor", or a signature that may read, write, create and list.';
const CONTAINER_HINT = 'Create the container, or correct its name or the account.';

/** What the error of a request says. */
export function toAzureFailure(error: unknown): AzureFailure {
  const httpStatus = readNumber(error, 'statusCode');
  const header = toHeaderReader(error);
  const code =
    header('x-ms-error-code') ?? systemErrorCode(error) ?? readText(error, 'code') ?? readText(error, 'name');
  // Azurite's word for `Md5Mismatch`.
  const isOtherMd5 =
    httpStatus === 400 && code === 'InvalidOperation' && /contentMD5/i.test(messageOf(error));
  const date = Date.parse(header('date') ?? '');
  const isClockOff = Math.abs(date - Date.now()) > MAX_CLOCK_OFFSET_MS;
  // A success that cannot be read is no answer of Azure.
  const isSuccess = httpStatus !== undefined && httpStatus >= 200 && httpStatus < 300;
  const isNoAnswer = isSuccess || NO_ANSWER_CODES.includes(code ?? '');
  return {
    code: isOtherMd5 ? 'Md5Mismatch' : isNoAnswer ? 'UnexpectedAnswer' : code,
    httpStatus,
    afterMs: toRetryAfterMs(header('retry-after')),
    isClockOff,
  };
}

/** Whether an error says that the object is not the expected one: changed, there already, or gone. */
export function isOtherObject(error: unknown): boolean {
  const { code, httpStatus } = toAzureFailure(error);
  return (
    httpStatus === 412 ||
    code === 'ConditionNotMet' ||
    code === 'BlobAlreadyExists' ||
    code === 'BlobNotFound'
  );
}

/** The outcome of a request that failed. Rethrows what is no failure of the store. */
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
  const response = readObject(error, 'response');
  const headers = readObject(response, 'headers');
  const get: unknown = headers === undefined ? undefined : Reflect.get(headers, 'get');
  return (name) => {
    const value: unknown = typeof get === 'function' ? get.call(headers, name) : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
}

function readObject(value: unknown, name: string): object | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'object' && found !== null ? found : undefined;
}

function readText(value: unknown, name: string): string | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'string' ? found : undefined;
}

function readNumber(value: unknown, name: string): number | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'number' ? found : undefined;
}
