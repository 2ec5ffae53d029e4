/** Loads and saves manifests in the store. A listing finds them; a new manifest replaces the older ones. */

import { crc32 } from 'node:zlib';
import type { Randomness } from '../../base/io/randomness.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import type { ListedObject } from '../../store/base/store.js';
import {
  encodeManifest,
  type Manifest,
  type ManifestLine,
  parseManifest,
  toFingerprint,
  toManifestKey,
} from './manifest.js';
import { readObject, type StoreAccess, type StoredRun } from './stored-run.js';

/** Enough for 800,000 files of 300 bytes each. */
const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;

export type ManifestLines = ReadonlyMap<string, ManifestLine>;

/**
 * Returns the lines of the manifest that matches most stored objects. A run has several manifests only if older ones could not be
 * removed. Throws like `listStoredRun`.
 */
export async function loadManifest(
  access: StoreAccess,
  stored: StoredRun,
  signal?: AbortSignal,
): Promise<ManifestLines> {
  const manifests: Manifest[] = [];
  for (const { key } of stored.manifests) {
    const manifest = parseManifest(await readObject(access, key, { maxBytes: MAX_MANIFEST_BYTES, signal }));
    if (manifest?.runUuid === stored.runUuid) manifests.push(manifest);
  }
  const count = ({ lines }: Manifest): number =>
    lines.filter(({ path, etag }) => stored.files.get(path)?.etag === etag).length;
  manifests.sort((a, b) => count(b) - count(a) || (a.writtenAt < b.writtenAt ? 1 : -1));
  return new Map(manifests[0]?.lines.map((line) => [line.path, line]));
}

/** Returns true when a manifest exists for exactly the stored objects. */
export function hasCurrentManifest({ runUuid, files, manifests }: StoredRun): boolean {
  const key = toManifestKey(runUuid, toFingerprint(files));
  return manifests.some((manifest) => manifest.key === key);
}

/** Stores a manifest of the objects in `stored`, then removes older manifests. Returns its key, or the failure. */
export async function saveManifest(
  access: StoreAccess,
  stored: StoredRun,
  manifest: Manifest,
  options: { readonly randomness: Randomness; readonly signal?: AbortSignal | undefined },
): Promise<{ readonly key: string } | FailedOutcome> {
  const { store, retryPolicy } = access;
  const { signal } = options;
  const key = toManifestKey(stored.runUuid, toFingerprint(stored.files));
  const bytes = encodeManifest(manifest);
  let base: ListedObject | null = stored.manifests.find((each) => each.key === key) ?? null;
  const commitId = options.randomness.id();
  const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
  const source = { read: async (start: number, end: number) => bytes.subarray(start, end) };
  for (let attempts = 0; attempts < 2; attempts += 1) {
    const request = { key, source, target, base, commitId, signal };
    const outcome = await retryPolicy.withRetry(`store ${key}`, () => store.commit(request), { signal });
    if (outcome.status === 'failed') return outcome;
    if (outcome.status === 'stored') break;
    // Another uploader has written a manifest for the same state. Both are valid; replace it, because this one is newer.
    const found = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
    if (found.status === 'failed') return found;
    base = found.status === 'found' ? { key, ...found.object } : null;
  }
  await removeObjects(
    access,
    stored.manifests.filter((each) => each.key !== key),
    signal,
  );
  return { key };
}

/** Removes superseded objects. A failure is ignored: they do no harm, and a sync does not require permission to delete. */
export async function removeObjects(
  { store, retryPolicy }: StoreAccess,
  objects: readonly ListedObject[],
  signal?: AbortSignal,
): Promise<void> {
  for (const { key, etag, sizeBytes } of objects) {
    const version = { etag, sizeBytes };
    const call = () => store.remove({ key, version, signal });
    const outcome = await retryPolicy.withRetry(`remove ${key}`, call, { signal });
    if (outcome.status === 'failed') return;
  }
}
