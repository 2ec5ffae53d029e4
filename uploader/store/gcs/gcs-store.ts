/** Opens a Google Cloud Storage bucket as a store. */

import { CommitEngine } from '../base/commit-engine.js';
import { type StoreFacts, toCredentialFacts } from '../base/store-facts.js';
import { GcsConnection } from './connection.js';
import { GcsDriver, type GcsStoreOptions } from './gcs-driver.js';

export class GcsStore extends CommitEngine<GcsDriver> {
  async facts(): Promise<StoreFacts> {
    const { endpoint, signsWith } = this.driver.connection;
    return { endpoint, credentials: toCredentialFacts(signsWith) };
  }
}

/** Throws `StoreLibraryError` or `StoreCredentialsError`. */
export async function openGcsStore(options: GcsStoreOptions): Promise<GcsStore> {
  const connection = await GcsConnection.open(options.bucket, options);
  return new GcsStore(new GcsDriver(toGcsStoreId(options), connection, options), options.clock);
}

/** The id of the store in journals and reports. */
export function toGcsStoreId({
  bucket,
  prefix,
  endpoint,
  environment = process.env,
}: Pick<GcsStoreOptions, 'bucket' | 'prefix' | 'endpoint' | 'environment'>): string {
  const url = prefix === '' ? `gs://${bucket}` : `gs://${bucket}/${prefix}`;
  const other = endpoint ?? environment.STORAGE_EMULATOR_HOST;
  return other ? `${url} at ${other.replace(/\/+$/, '')}` : url;
}
