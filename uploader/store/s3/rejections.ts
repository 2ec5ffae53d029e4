/**
 * Which responses of S3 may mean that the store rejects an optional header or operation, and how certain that is. optionals.ts then repeats the request
 * without it. The first row that names the code, or else the first that names the status, applies.
 */

import { CodedError } from '../../../src/base/errors.js';
import { OutcomeError } from '../../base/retry-table.js';
import { isAboutTime, toS3Failure } from './answer.js';

/** `definite`: one such response, and the success of the repeated request, prove it. Else several must agree. */
export type Rejection = 'definite' | 'doubtful' | 'passing';

interface RejectionRow {
  readonly codes: readonly string[];
  readonly httpStatuses: readonly number[];
  readonly is: Rejection | null;
  readonly why: string;
}

const S3 = 'Amazon S3 API Reference, "Error responses"';

const REJECTIONS: readonly RejectionRow[] = [
  {
    codes: ['NotImplemented', 'XNotImplemented', 'MethodNotAllowed', 'InvalidArgument', 'InvalidRequest'],
    httpStatuses: [],
    is: 'definite',
    why: `The store names the reason. ${S3}; Backblaze B2 "S3-compatible API" (InvalidArgument for unsupported headers)`,
  },
  {
    codes: ['UnsupportedArgument', 'NotSupported', 'UnsupportedOperation', 'InvalidHeader', 'MalformedXML'],
    httpStatuses: [],
    is: 'definite',
    why: `Codes of compatible stores for the same, and unknown elements of a completion. ${S3}`,
  },
  {
    codes: ['SlowDown', 'Throttling', 'ThrottlingException', 'RequestTimeout', 'IncompleteBody'],
    httpStatuses: [],
    is: null,
    why: `Load, or a slow client. ${S3}`,
  },
  {
    codes: [
      ...['BadDigest', 'InvalidDigest', 'XAmzContentChecksumMismatch', 'XAmzContentSHA256Mismatch'],
      ...['EntityTooSmall', 'EntityTooLarge', 'InvalidPart', 'InvalidPartOrder', 'KeyTooLongError'],
      ...['PreconditionFailed', 'NoSuchKey', 'NoSuchBucket', 'NoSuchUpload', 'InvalidBucketName'],
      ...['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'InvalidToken', 'XAdminUserNotFound'],
      ...['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'AuthorizationHeaderMalformed'],
    ],
    httpStatuses: [],
    is: null,
    why: `About the bytes, the object, the bucket or the credentials. ${S3}`,
  },
  {
    codes: [],
    httpStatuses: [501, 405],
    is: 'definite',
    why: 'RFC 9110 §15.6.2 (Not Implemented) and §15.5.6 (Method Not Allowed)',
  },
  {
    codes: [],
    httpStatuses: [400, 403, 415, 422, 431],
    is: 'doubtful',
    why: 'A proxy or firewall that rejects a header, or a policy that forbids an operation. HEAD responses have no code. RFC 9110 §15.5',
  },
  {
    codes: [],
    httpStatuses: [500, 502, 503],
    is: 'passing',
    why: 'Some servers and proxies fail on a header that they do not know; most such responses are temporary. RFC 9110 §15.6',
  },
];

/** Null: the response says nothing about optional headers. */
export function toRejection(error: unknown): Rejection | null {
  if (error instanceof CodedError || error instanceof OutcomeError) return null;
  const failure = toS3Failure(error);
  if (isAboutTime(failure)) return null;
  const { code = '', httpStatus = 0 } = failure;
  const row =
    REJECTIONS.find(({ codes }) => codes.includes(code)) ??
    REJECTIONS.find(({ httpStatuses }) => httpStatuses.includes(httpStatus));
  return row?.is ?? null;
}
