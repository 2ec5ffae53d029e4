/** Loads Microsoft's library for Azure Blob Storage on first use, and finds the credentials. */

import type { ContainerClient, StoragePipelineOptions } from '@azure/storage-blob';
import { messageOf } from '../../../src/base/errors.js';
import { StoreCredentialsError } from '../../base/errors.js';
import { type Library, loadLibrary } from '../base/load-library.js';
import type { AzureClientOptions } from './options.js';

export type AzureSdk = typeof import('@azure/storage-blob');

/** Later versions need Node.js 22. */
const LIBRARY: Library = { name: '@azure/storage-blob', wanted: '@azure/storage-blob@~12.32.0' };
const IDENTITY: Library = { name: '@azure/identity', wanted: '@azure/identity@4' };

export const CREDENTIALS_HINT =
  'Set AZURE_STORAGE_CONNECTION_STRING, or AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN. To use the default credential, set AZURE_STORAGE_ACCOUNT only and install @azure/identity.';

export interface OpenedContainer {
  readonly client: ContainerClient;
  /** The kind of credentials, in words. */
  readonly signsWith: string;
}

/**
 * The URL of the account that the environment names, without credentials. Source: Azure Storage documentation, "Configure Azure Storage
 * connection strings".
 */
export function findEndpoint(environment: AzureClientOptions['environment'] = process.env): string {
  const { AZURE_STORAGE_CONNECTION_STRING: text = '', AZURE_STORAGE_ACCOUNT: account } = environment;
  const find = (name: string): string | undefined => new RegExp(`(?:^|;)\\s*${name}=([^;]+)`).exec(text)?.[1];
  if (find('UseDevelopmentStorage') !== undefined) return 'http://127.0.0.1:10000/devstoreaccount1';
  const protocol = find('DefaultEndpointsProtocol') ?? 'https';
  const suffix = find('EndpointSuffix') ?? 'core.windows.net';
  const named = `${protocol}://${find('AccountName') ?? account ?? '…'}.blob.${suffix}`;
  return (find('BlobEndpoint') ?? named).replace(/\/+$/, '');
}

/** Opens a container; sends nothing. Throws `StoreLibraryError`, or `StoreCredentialsError` when the environment names no account. */
export async function openContainer(
  container: string,
  { environment = process.env }: AzureClientOptions,
): Promise<OpenedContainer> {
  const sdk = await loadLibrary(LIBRARY, () => import('@azure/storage-blob'));
  // Only polytrack's retry policy applies.
  const options: StoragePipelineOptions = { retryOptions: { maxTries: 1 } };
  const {
    AZURE_STORAGE_CONNECTION_STRING: connectionString,
    AZURE_STORAGE_ACCOUNT: account,
    AZURE_STORAGE_KEY: key,
    AZURE_STORAGE_SAS_TOKEN: sasToken,
  } = environment;
  try {
    if (connectionString) {
      const service = sdk.BlobServiceClient.fromConnectionString(connectionString, options);
      return { client: service.getContainerClient(container), signsWith: 'connection string' };
    }
    if (!account) throw new Error('no storage account is set');
    const url = `https://${account}.blob.core.windows.net`;
    const at = (
      service: InstanceType<AzureSdk['BlobServiceClient']>,
      signsWith: string,
    ): OpenedContainer => ({
      client: service.getContainerClient(container),
      signsWith,
    });
    if (key) {
      const credential = new sdk.StorageSharedKeyCredential(account, key);
      return at(new sdk.BlobServiceClient(url, credential, options), 'account key');
    }
    if (sasToken) {
      const query = sasToken.replace(/^\?/, '');
      return at(new sdk.BlobServiceClient(`${url}?${query}`, undefined, options), 'shared access signature');
    }
    const service = new sdk.BlobServiceClient(url, await loadDefaultCredential(), options);
    return at(service, 'default credential');
  } catch (cause) {
    // Do not repeat the library's message: it may quote the connection string, which is a secret.
    const reason = connectionString ? 'the connection string cannot be read' : messageOf(cause);
    throw new StoreCredentialsError(`no credentials for Azure: ${reason}`, {
      ...(connectionString ? {} : { cause }),
      hint: CREDENTIALS_HINT,
    });
  }
}

type TokenCredential = Extract<
  ConstructorParameters<AzureSdk['BlobServiceClient']>[1],
  { getToken(...args: never): unknown }
>;

/** Microsoft's default chain (environment, workload and managed identity, Azure CLI), from a separate library. */
async function loadDefaultCredential(): Promise<TokenCredential> {
  // Not a literal, because the types of an optional library may not be installed.
  const name: string = IDENTITY.name;
  const identity = await loadLibrary(
    IDENTITY,
    () => import(name) as Promise<{ readonly DefaultAzureCredential: new () => TokenCredential }>,
  );
  return new identity.DefaultAzureCredential();
}
