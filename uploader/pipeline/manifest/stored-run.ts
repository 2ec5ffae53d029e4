/** What a store has of a run, by one listing: its files, and what the uploader keeps beside them. */

import type { RetryPolicy } from '../../base/limits/retry-policy.js';
import { isManifestKey, RESERVED_DIRECTORY } from '../../base/rel-path.js';
import { OutcomeError } from '../../base/retry.js';
import type { ListedObject, ObjectVersion, Store } from '../../store/base/store.js';

/** A store, and how long to wait for it. */
export interface StoreAccess {
  readonly store: Store;
  readonly retryPolicy: RetryPolicy;
}

export interface StoredRun {
  readonly runUuid: string;
  /** By path inside the run, in byte order. */
  readonly files: Map<string, ObjectVersion>;
  readonly manifests: readonly ListedObject[];
  /** Tails of growing files, and what files held before they began anew. */
  readonly segments: readonly ListedObject[];
  readonly generations: readonly ListedObject[];
}

/** Lists a run. Throws the coded error of a store that refuses, or is away for longer than patience lasts. */
export async function listStoredRun(
  { store, retryPolicy }: StoreAccess,
  runUuid: string,
  signal?: AbortSignal,
): Promise<StoredRun> {
  const reserved = `${runUuid}/${RESERVED_DIRECTORY}/`;
  const files = new Map<string, ObjectVersion>();
  const manifests: ListedObject[] = [];
  const segments: ListedObject[] = [];
  const generations: ListedObject[] = [];
  const open = (last: ListedObject | undefined) => store.list(`${runUuid}/`, { after: last?.key, signal });
  try {
    for await (const object of retryPolicy.streamWithRetry<ListedObject>(`list ${runUuid}`, open, signal)) {
      const { key, etag, sizeBytes } = object;
      if (!key.startsWith(reserved)) files.set(key.slice(runUuid.length + 1), { etag, sizeBytes });
      else if (isManifestKey(key)) manifests.push(object);
      else if (key.startsWith(`${reserved}seg/`)) segments.push(object);
      else if (key.startsWith(`${reserved}gen/`)) generations.push(object);
    }
  } catch (error) {
    throw toCodedError(error);
  }
  return { runUuid, files, manifests, segments, generations };
}

/** All bytes of an object that fits in memory. Throws as `listStoredRun`. */
export async function readObject(
  { store, retryPolicy }: StoreAccess,
  key: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const call = async () => {
    try {
      const pieces: Uint8Array[] = [];
      for await (const piece of store.read(key, { signal })) pieces.push(piece);
      return { status: 'read' as const, bytes: Buffer.concat(pieces) };
    } catch (error) {
      if (error instanceof OutcomeError) return error.outcome;
      throw error;
    }
  };
  const outcome = await retryPolicy.withRetry(`read ${key}`, call, { signal });
  if (outcome.status === 'failed') throw outcome.error;
  return outcome.bytes;
}

/** What a stream of a store ended with, as the error that a caller is told. */
export function toCodedError(error: unknown): unknown {
  return error instanceof OutcomeError && error.outcome.status === 'failed' ? error.outcome.error : error;
}
