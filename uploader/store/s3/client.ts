/** Loads the AWS SDK and creates its S3 clients. connection.ts sends the requests. */

import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { proxiesFrom } from '../../base/http/find-proxy.js';
import type { ProxySettings } from '../../base/http/transport.js';
import { type Library, loadLibrary } from '../base/load-library.js';
import { DirectPuts } from './direct-put.js';
import { limitAnswers } from './limit-answers.js';
import type { S3ClientOptions, S3Timeouts } from './options.js';
import { TunnelAgent, useProxies } from './proxy.js';

export type S3Sdk = typeof import('@aws-sdk/client-s3');

const LIBRARY: Library = { name: '@aws-sdk/client-s3', wanted: '@aws-sdk/client-s3@3' };

/** F39. */
export const TIMEOUTS: S3Timeouts = {
  connectMs: 5_000,
  silenceMs: 20_000,
  patientSilenceMs: 600_000,
  totalMs: 60_000,
};

/** Above the largest number of requests in flight. With the SDK's 50 sockets, waiting for a socket would count as connecting. */
const MAX_SOCKETS = 512;

/** Two clients with different timeouts, and the fast path of `quick` for small objects. */
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
  for (const client of [quick, patient]) {
    limitAnswers(client);
    if (options.requestHandler === undefined) useProxies(client.config.requestHandler, proxiesOf(options));
  }
  return { quick, patient, puts: new DirectPuts(sdk, quick) };
}

function toConfig(options: S3ClientOptions, connectMs: number, silenceMs: number): S3ClientConfig {
  const { endpoint, region, pathStyle, requestHandler } = options;
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const config: S3ClientConfig & { readonly ignoreCache: boolean } = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: pathStyle ?? endpoint !== undefined,
    // Only polytrack's retry policy applies. The SDK's has a retry quota, which gives up in a long outage.
    maxAttempts: 1,
    // polytrack computes checksums of the bytes that it has read, so the SDK must not compute its own.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // It would open a connection for each part, and only saves the body of a rejected request, at most one part.
    expectContinueHeader: false,
    requestHandler: (requestHandler as S3ClientConfig['requestHandler']) ?? {
      connectionTimeout: connectMs,
      socketTimeout: silenceMs,
      httpAgent: agent,
      httpsAgent: new TunnelAgent(agent, proxiesOf(options), connectMs),
    },
    // Credential providers must read the shared files again on each refresh, to pick up rotated keys.
    ignoreCache: true,
  };
  return config;
}

function proxiesOf({ proxies }: S3ClientOptions): ProxySettings {
  return proxies ?? proxiesFrom(process.env);
}
