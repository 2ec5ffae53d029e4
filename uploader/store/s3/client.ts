/** The S3 clients, loaded on first use: a sync to a directory never pays for them. How requests are sent is in s3-connection.ts. */

import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { Clock } from '../../../src/base/clock.js';
import { DirectPuts } from './direct-put.js';

export interface S3ClientOptions {
  readonly endpoint?: string | undefined;
  /** Default: what the AWS configuration says; `us-east-1` when there is an endpoint and nothing says otherwise. */
  readonly region?: string | undefined;
  /** Default: true when there is an endpoint, because few of them have a name for each bucket. */
  readonly pathStyle?: boolean | undefined;
  /** The seam for HTTP: how requests are sent. Default: Node's own client with the time-outs below. */
  readonly requestHandler?: S3ClientConfig['requestHandler'];
  readonly clock?: Clock | undefined;
  /** Waited for before each request: a limit on how many there may be each second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly timeouts?: Partial<S3Timeouts> | undefined;
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

export type S3Sdk = typeof import('@aws-sdk/client-s3');

/** F39. */
export const TIMEOUTS: S3Timeouts = {
  connectMs: 5_000,
  silenceMs: 20_000,
  patientSilenceMs: 600_000,
  totalMs: 60_000,
};

/** Waiting for one of the SDK's 50 sockets would count as connecting. This is more than can be under way at once. */
const MAX_SOCKETS = 512;

/** Two clients that differ in how long a server may be silent, and the quick one's way for small objects. */
export interface S3ClientPair {
  readonly quick: S3Client;
  readonly patient: S3Client;
  readonly puts: DirectPuts;
}

/** Builds the clients; sends nothing. */
export function createS3Clients(sdk: S3Sdk, options: S3ClientOptions, timeouts: S3Timeouts): S3ClientPair {
  const quick = new sdk.S3Client(toConfig(options, timeouts.connectMs, timeouts.silenceMs));
  const patient = new sdk.S3Client({
    ...toConfig(options, timeouts.connectMs, timeouts.patientSilenceMs),
    credentials: quick.config.credentials,
  });
  return { quick, patient, puts: new DirectPuts(sdk, quick) };
}

function toConfig(options: S3ClientOptions, connectMs: number, silenceMs: number): S3ClientConfig {
  const { endpoint, region, pathStyle, requestHandler } = options;
  const httpAgent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const config: S3ClientConfig & { readonly ignoreCache: boolean } = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: pathStyle ?? endpoint !== undefined,
    // One policy for repeats, ours: the SDK's has a quota that gives up in exactly the long outage to be survived.
    maxAttempts: 1,
    // Checksums are computed from the bytes that were announced, not from whatever the SDK is handed.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // It would open a connection for each part; what it saves is the body of a refused request, at most one part.
    expectContinueHeader: false,
    requestHandler: requestHandler ?? {
      connectionTimeout: connectMs,
      socketTimeout: silenceMs,
      httpAgent,
      httpsAgent: httpAgent,
    },
    // For the providers of credentials: the shared files are read again on each refresh, or a rotated key would never be seen.
    ignoreCache: true,
  };
  return config;
}
