/** The AWS SDK's S3 clients, loaded when a bucket is opened. How requests are sent is in connection.ts. */

import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { type Library, loadLibrary } from '../base/load-library.js';
import { DirectPuts } from './direct-put.js';
import type { S3ClientOptions, S3Timeouts } from './options.js';

export type S3Sdk = typeof import('@aws-sdk/client-s3');

const LIBRARY: Library = { name: '@aws-sdk/client-s3', wanted: '@aws-sdk/client-s3@3' };

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

/** Throws `StoreLibraryError`. */
export function loadS3Sdk(): Promise<S3Sdk> {
  return loadLibrary(LIBRARY, () => import('@aws-sdk/client-s3'));
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
    requestHandler: (requestHandler as S3ClientConfig['requestHandler']) ?? {
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
