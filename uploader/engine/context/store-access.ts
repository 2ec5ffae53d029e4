/** Opens a store with its retry policy, for commands that do not start from local runs. */

import type { Io } from '../../base/io/io.js';
import { RateLimit } from '../../base/limits/rate-limit.js';
import { RetryPolicy } from '../../base/limits/retry-policy.js';
import type { StoreAccess } from '../../pipeline/manifest/stored-run.js';
import type { SyncConfig } from '../../settings/sync-config.js';
import type { Store, StoreNotice } from '../../store/base/store.js';
import { openStore } from '../../store/open-store.js';
import { expectStore } from './listing.js';

interface StoreAccessOptions {
  readonly io: Io;
  /** Default: the configured store. The caller closes a store that it passes. */
  readonly store?: Store | undefined;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Opens and checks the configured store, and passes it to `work`. Throws as `sync` does, and also when the store is unavailable. */
export async function withStoreAccess<Result>(
  config: SyncConfig,
  options: StoreAccessOptions,
  work: (access: StoreAccess) => Promise<Result>,
): Promise<Result> {
  const access = await openStoreAccess(config, options);
  try {
    return await work(access);
  } finally {
    if (options.store === undefined) await access.store.close();
  }
}

/** Like `withStoreAccess`. The caller closes the store. */
export async function openStoreAccess(
  config: SyncConfig,
  { io, signal, onNotice, ...options }: StoreAccessOptions,
): Promise<StoreAccess> {
  const requests = new RateLimit(io.clock, config.requests);
  const beforeRequest = (each?: AbortSignal): Promise<void> => requests.take(1, 'events', each);
  const s3 = { ...config.s3, beforeRequest };
  const polyaxon = { connection: config.polyaxon?.(), beforeRequest };
  const store = options.store ?? (await openStore(config.store, { ...io, s3, polyaxon, onNotice }));
  const retryPolicy = new RetryPolicy({ ...io, retryTimeoutMs: config.retryTimeoutMs });
  try {
    await expectStore({ store, retryPolicy }, signal);
  } catch (error) {
    if (options.store === undefined) await store.close();
    throw error;
  }
  return { store, retryPolicy };
}
