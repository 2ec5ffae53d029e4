/** Lists the objects of a run in a store: its files, manifests, segments and previous versions. */

import type { RetryPolicy } from '../../base/limits/retry-policy.js';
import { isManifestKey, RESERVED_DIRECTORY } from '../../base/rel-path.js';
import { OutcomeError } from '../../base/retry-table.js';
import type { ListedObject, ObjectVersion, ReadOptions, Store } from '../../store/base/store.js';

const KEPT_VERSION = new RegExp(
  `^[^/]+/${RESERVED_DIRECTORY.replace('.', '\\.')}/(?:gen|deleted)/(.+)/[^/]+$`,
);

/** Returns the path of the file of which `key` is a previous version or a copy; null for other keys. */
export function toKeptFile(key: string): string | null {
  return KEPT_VERSION.exec(key)?.[1] ?? null;
}

/** A store with its retry policy. */
export interface StoreAccess {
  readonly store: Store;
  readonly retryPolicy: RetryPolicy;
}

export interface StoredRun {
  readonly runUuid: string;
  /** Objects by path inside the run, in byte order. */
  readonly files: Map<string, ObjectVersion>;
  readonly manifests: readonly ListedObject[];
  /** Tails of growing files. */
  readonly segments: readonly ListedObject[];
  /** Previous versions of files, below `.plx/gen/`, and copies of files that `--mirror` has removed, below `.plx/deleted/`. */
  readonly keptVersions: readonly ListedObject[];
}

/** Lists a run; for `expected`, see `Store.list`. Throws a coded error when the store rejects the request, or stays unavailable for longer than the retry timeout. */
export async function listStoredRun(
  { store, retryPolicy }: StoreAccess,
  runUuid: string,
  signal?: AbortSignal,
  expected?: readonly string[],
): Promise<StoredRun> {
  const reserved = `${runUuid}/${RESERVED_DIRECTORY}/`;
  const files = new Map<string, ObjectVersion>();
  const manifests: ListedObject[] = [];
  const segments: ListedObject[] = [];
  const keptVersions: ListedObject[] = [];
  const open = (last: ListedObject | undefined) =>
    store.list(`${runUuid}/`, { after: last?.key, expected, signal });
  try {
    for await (const object of retryPolicy.streamWithRetry<ListedObject>(`list ${runUuid}`, open, signal)) {
      const { key, etag, sizeBytes } = object;
      if (!key.startsWith(reserved)) files.set(key.slice(runUuid.length + 1), { etag, sizeBytes });
      else if (isManifestKey(key)) manifests.push(object);
      else if (key.startsWith(`${reserved}seg/`)) segments.push(object);
      else if (KEPT_VERSION.test(key)) keptVersions.push(object);
    }
  } catch (error) {
    throw toCodedError(error);
  }
  return { runUuid, files, manifests, segments, keptVersions };
}

/** Reads a range of an object, or all of it. Throws `ObjectTooLargeError` if it has more than `maxBytes`, and like `listStoredRun`. */
export async function readObject(
  { store, retryPolicy }: StoreAccess,
  key: string,
  options: ReadOptions,
): Promise<Buffer> {
  const call = async () => {
    try {
      const pieces: Uint8Array[] = [];
      for await (const piece of store.read(key, options)) pieces.push(piece);
      return { status: 'read' as const, bytes: Buffer.concat(pieces) };
    } catch (error) {
      if (error instanceof OutcomeError) return error.outcome;
      throw error;
    }
  };
  const outcome = await retryPolicy.withRetry(`read ${key}`, call, options);
  if (outcome.status === 'failed') throw outcome.error;
  return outcome.bytes;
}

/** Converts the error that ended a stream of a store to the coded error for the caller. */
export function toCodedError(error: unknown): unknown {
  return error instanceof OutcomeError && error.outcome.status === 'failed' ? error.outcome.error : error;
}
