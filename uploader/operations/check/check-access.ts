/** Checks the permissions on a store, with a test object that it removes. */

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { RetryPolicy } from '../../base/limits/retry-policy.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import { crc32OfObject } from '../../store/base/object-crc32.js';
import type { Store, StorePermissions } from '../../store/base/store.js';

export interface Access {
  readonly permissions: { -readonly [name in keyof StorePermissions]: boolean | null } & {
    readonly get: boolean;
  };
  /** Keys of test objects that could not be removed. */
  readonly remaining: readonly string[];
}

export type AccessOutcome =
  | ({ readonly status: 'checked' } & Access)
  /** `lacks`: the missing permission. */
  | (FailedOutcome & { readonly lacks?: 'get' | 'put' });

export async function checkAccess(
  store: Store,
  options: {
    readonly directory: string;
    readonly retryPolicy: RetryPolicy;
    readonly signal: AbortSignal | undefined;
  },
): Promise<AccessOutcome> {
  const { directory, retryPolicy, signal } = options;
  const all = { get: true, abort: true, delete: true };
  const { inspect } = store;
  if (inspect !== undefined) {
    const inspected = await retryPolicy.withRetry('write', () => inspect.call(store), { signal });
    return inspected.status === 'failed' ? inspected : { status: 'checked', permissions: all, remaining: [] };
  }
  const key = `${directory}access`;
  const bytes = randomBytes(16);
  const maxBytes = bytes.length;
  const request = {
    key,
    source: { read: (start: number, end: number) => Promise.resolve(bytes.subarray(start, end)) },
    target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
    base: null,
    commitId: randomBytes(16).toString('hex'),
    signal,
  };
  const stored = await retryPolicy.withRetry('write to the store', () => store.commit(request), { signal });
  if (stored.status === 'failed') return toLack(stored, 'put');
  const found = await retryPolicy.withRetry('read from the store', () => store.head(key, signal), { signal });
  if (found.status === 'failed') return toLack(found, 'get');
  const read = await retryPolicy.withRetry(
    `read ${key}`,
    () => crc32OfObject(store, key, { maxBytes, signal }),
    { signal },
  );
  const version = found.status === 'found' ? found.object : { etag: '', sizeBytes: 0 };
  const removed = await retryPolicy.withRetry(`remove ${key}`, () => store.remove({ key, version, signal }), {
    signal,
  });
  const mayDelete = removed.status === 'removed';
  return {
    status: 'checked',
    permissions: { ...all, get: read.status === 'read', delete: mayDelete },
    remaining: mayDelete ? [] : [key],
  };
}

function toLack(outcome: FailedOutcome, lacks: 'get' | 'put'): AccessOutcome {
  return outcome.error.code === 'ERR_STORE_ACCESS' ? { ...outcome, lacks } : outcome;
}
