/** Opens a container of Azure Blob Storage as a store. */

import { CommitEngine } from '../base/commit-engine.js';
import { type StoreFacts, toCredentialFacts } from '../base/store-facts.js';
import { AzureDriver, type AzureStoreOptions } from './azure-driver.js';
import { findEndpoint } from './client.js';
import { AzureConnection } from './connection.js';

export class AzureStore extends CommitEngine<AzureDriver> {
  async facts(): Promise<StoreFacts> {
    const { endpoint, signsWith } = this.driver.connection;
    return { endpoint, credentials: toCredentialFacts(signsWith) };
  }
}

/** Sends nothing. Throws `StoreLibraryError` or `StoreCredentialsError`. */
export async function openAzureStore(options: AzureStoreOptions): Promise<AzureStore> {
  const connection = await AzureConnection.open(options.container, options);
  return new AzureStore(new AzureDriver(toAzureStoreId(options), connection, options), options.clock);
}

/** The id of the store in journals and reports. It includes the account, because container names are unique only within one. */
export function toAzureStoreId({
  container,
  prefix,
  environment,
}: Pick<AzureStoreOptions, 'container' | 'prefix' | 'environment'>): string {
  const url = prefix === '' ? `azure://${container}` : `azure://${container}/${prefix}`;
  return `${url} at ${findEndpoint(environment)}`;
}
