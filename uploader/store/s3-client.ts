/** The S3 client, loaded on first use: a sync to a directory never pays for it. */

import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { messageOf } from '../../src/errors.js';
import { ConfigError, StoreCredentialsError } from '../errors.js';

export interface S3ClientOptions {
  readonly endpoint?: string | undefined;
  /** Default: what the AWS configuration says; `us-east-1` when there is an endpoint and nothing says otherwise. */
  readonly region?: string | undefined;
  /** Default: true when there is an endpoint, because few of them have a name for each bucket. */
  readonly pathStyle?: boolean | undefined;
  /** The seam for HTTP: how requests are sent. Default: Node's own client with the time-outs below. */
  readonly requestHandler?: S3ClientConfig['requestHandler'];
}

export type S3Sdk = typeof import('@aws-sdk/client-s3');

export interface S3Clients {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
  /** For requests that a server may think about for minutes before it says a word: the completion of a large upload. */
  readonly patientClient: S3Client;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 20_000;
const COMPLETION_TIMEOUT_MS = 600_000;

/**
 * Makes the clients and resolves the credentials, from the standard AWS chain: environment, shared files, SSO, container and
 * instance roles. Throws `StoreCredentialsError` when there are none and `ConfigError` when there is no region.
 */
export async function openS3Clients(options: S3ClientOptions): Promise<S3Clients> {
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client(toConfig(options, SILENCE_TIMEOUT_MS));
  const patientClient = new sdk.S3Client(toConfig(options, COMPLETION_TIMEOUT_MS));
  const close = (): void => {
    client.destroy();
    patientClient.destroy();
  };
  try {
    await requireRegion(client);
    await requireCredentials(client);
    return { sdk, client, patientClient, close };
  } catch (error) {
    close();
    throw error;
  }
}

function toConfig(options: S3ClientOptions, silenceMs: number): S3ClientConfig {
  const { endpoint, region, pathStyle, requestHandler } = options;
  return {
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
    requestHandler: requestHandler ?? { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: silenceMs },
  };
}

async function requireRegion(client: S3Client): Promise<void> {
  try {
    await client.config.region();
  } catch (cause) {
    const hint = 'Name it with --region or AWS_REGION.';
    throw new ConfigError(`no region for S3: ${messageOf(cause)}`, hint, { cause });
  }
}

async function requireCredentials(client: S3Client): Promise<void> {
  try {
    await client.config.credentials();
  } catch (cause) {
    throw new StoreCredentialsError(`no credentials for S3: ${messageOf(cause)}`, { cause });
  }
}
