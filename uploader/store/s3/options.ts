/** Options for the connection to an S3 bucket. Separate from the client, so that importing them needs no types of the AWS SDK. */

import type { Clock } from '../../../src/base/clock.js';
import type { OptionTable } from '../../../src/base/options.js';
import type { ProxySettings } from '../../base/http/transport.js';

/** Source: Amazon S3 API Reference, `PutObject` and `CreateMultipartUpload`. */
export interface S3WriteOptions {
  /** The server-side encryption, `AES256` or `aws:kms`. Default: that of the bucket; `aws:kms` with `kmsKey`. */
  readonly sse?: string | undefined;
  /** The id, alias or ARN of the key for `aws:kms`. Default: the key of AWS for the account. */
  readonly kmsKey?: string | undefined;
  /** Default: that of the bucket, usually `STANDARD`. */
  readonly storageClass?: string | undefined;
  /** A canned ACL, such as `bucket-owner-full-control`. */
  readonly acl?: string | undefined;
  /** At most 10 tags of each object. */
  readonly objectTags?: Readonly<Record<string, string>> | undefined;
}

export interface S3ClientOptions extends S3WriteOptions {
  readonly endpoint?: string | undefined;
  /** Default: from the AWS configuration; `us-east-1` when an endpoint but no region is configured. */
  readonly region?: string | undefined;
  /** Default: true with an endpoint, because few S3-compatible servers have a host name for each bucket. */
  readonly pathStyle?: boolean | undefined;
  /** Sends the requests. Default: the HTTP client of Node.js with the timeouts below. */
  readonly requestHandler?: S3RequestHandler | undefined;
  /** Default: `http_proxy`, `https_proxy` and `no_proxy` of the environment, in lower or upper case. A `requestHandler` uses its own. */
  readonly proxies?: ProxySettings | undefined;
  readonly clock?: Clock | undefined;
  /** Awaited before each request, to limit the number of requests per second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly timeouts?: Partial<S3Timeouts> | undefined;
}
export const S3_CLIENT_OPTIONS: OptionTable<S3ClientOptions> = {
  endpoint: 'string',
  region: 'string',
  pathStyle: 'boolean',
  sse: 'string',
  kmsKey: 'string',
  storageClass: 'string',
  acl: 'string',
  objectTags: 'object',
  requestHandler: 'object',
  proxies: 'object',
  clock: 'object',
  beforeRequest: 'function',
  timeouts: 'object',
};

/** A request handler of the AWS SDK for JavaScript v3, such as `NodeHttpHandler` of `@smithy/node-http-handler`. */
export interface S3RequestHandler {
  handle(request: never, options?: never): Promise<{ readonly response: object }>;
}

export interface S3Timeouts {
  readonly connectMs: number;
  /** The longest time without a byte in either direction. */
  readonly silenceMs: number;
  /** As `silenceMs`, for requests whose response may take minutes: a copy, or the completion of a large upload. */
  readonly patientSilenceMs: number;
  /** The limit for a whole request. Large bodies get more time. */
  readonly totalMs: number;
}
