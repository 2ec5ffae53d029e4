/** How a bucket of S3 is reached. Apart from the client, so that these options need no types of the AWS SDK. */

import type { Clock } from '../../../src/base/clock.js';

export interface S3ClientOptions {
  readonly endpoint?: string | undefined;
  /** Default: what the AWS configuration says; `us-east-1` when there is an endpoint and nothing says otherwise. */
  readonly region?: string | undefined;
  /** Default: true when there is an endpoint, because few of them have a name for each bucket. */
  readonly pathStyle?: boolean | undefined;
  /** Sends the requests. Default: Node.js' own HTTP client with the timeouts below. */
  readonly requestHandler?: S3RequestHandler | undefined;
  readonly clock?: Clock | undefined;
  /** Waited for before each request: a limit on how many there may be each second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly timeouts?: Partial<S3Timeouts> | undefined;
}

/** A request handler of the AWS SDK for JavaScript v3, such as `NodeHttpHandler` of `@smithy/node-http-handler`. */
export interface S3RequestHandler {
  handle(request: never, options?: never): Promise<{ readonly response: object }>;
}

export interface S3Timeouts {
  readonly connectMs: number;
  /** No byte in either direction. */
  readonly silenceMs: number;
  /** The same for what a server may think about for minutes before it says a word: a copy, the completion of a large upload. */
  readonly patientSilenceMs: number;
  /** A whole request: at least this, more for a large body. */
  readonly totalMs: number;
}
