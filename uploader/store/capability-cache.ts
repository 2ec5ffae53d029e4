/**
 * Caches the results of probes in the state directory for a week, because a probe sends about 60 requests and uploads 5 MiB or more.
 *
 * If the cache is lost or damaged, the store is probed again.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../src/base/clock.js';
import type { FileSystem } from '../base/io/file-system.js';
import { makeDirectories } from '../base/io/make-directories.js';
import type { Randomness } from '../base/io/randomness.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';
import type { FailedOutcome, RetryOutcome } from '../base/retry-table.js';
import { type StoreCapabilities, UNPROBED_S3 } from './base/capabilities.js';
import type { Store } from './base/store.js';

const FORMAT_VERSION = 1;
const MAX_AGE_MS = 7 * 24 * 3600 * 1000;
const MAX_FILE_BYTES = 64 * 1024;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

export interface CapabilityCacheOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly stateDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

export type KnownOutcome =
  | { readonly status: 'known'; readonly from: 'cache' | 'probe' }
  | RetryOutcome
  | FailedOutcome;

/** Sets `store.capabilities` from the cache, or from a probe whose result is then cached. */
export async function ensureCapabilities(
  store: Store,
  options: CapabilityCacheOptions,
): Promise<KnownOutcome> {
  const cached = await readCapabilities(store.id, options);
  if (cached !== null) {
    store.adopt(cached);
    return { status: 'known', from: 'cache' };
  }
  const probed = await store.probe(options.signal);
  if (probed.status !== 'probed') return probed;
  await keepCapabilities(store.id, probed.capabilities, options);
  return { status: 'known', from: 'probe' };
}

/** Caches the result of a probe. False when the state directory is not writable; the next start then probes again. */
export async function keepCapabilities(
  storeId: string,
  capabilities: StoreCapabilities,
  options: CapabilityCacheOptions,
): Promise<boolean> {
  const { fileSystem, clock, randomness } = options;
  const { directory, path } = toPlace(storeId, options);
  const entry = { version: FORMAT_VERSION, store: storeId, probedAt: clock.wallTime(), capabilities };
  try {
    await makeDirectories(fileSystem, directory, DIRECTORY_MODE);
    const temporaryPath = `${path}.${randomness.id()}.partial`;
    const bytes = Buffer.from(`${JSON.stringify(entry, null, 2)}\n`);
    await replaceFile(fileSystem, { directory, path, temporaryPath }, bytes, FILE_MODE);
    return true;
  } catch {
    return false; // a sync reports the unwritable directory when it takes its lock
  }
}

/** The cached capabilities of a store; null when they are missing, damaged, or older than a week. */
export async function readCapabilities(
  storeId: string,
  options: CapabilityCacheOptions,
): Promise<StoreCapabilities | null> {
  try {
    const { path } = toPlace(storeId, options);
    const text = (await readWholeFile(options.fileSystem, path, MAX_FILE_BYTES)).toString('utf8');
    return parseEntry(JSON.parse(text), storeId, options.clock.wallTime());
  } catch {
    return null; // missing or damaged: probe the store
  }
}

function parseEntry(entry: unknown, storeId: string, nowSeconds: number): StoreCapabilities | null {
  if (typeof entry !== 'object' || entry === null) return null;
  const { version, store, probedAt, capabilities } = entry as Readonly<Record<string, unknown>>;
  if (version !== FORMAT_VERSION || store !== storeId || typeof probedAt !== 'number') return null;
  const ageMs = (nowSeconds - probedAt) * 1000;
  return ageMs >= 0 && ageMs <= MAX_AGE_MS && areCapabilities(capabilities) ? capabilities : null;
}

function areCapabilities(value: unknown): value is StoreCapabilities {
  if (typeof value !== 'object' || value === null) return false;
  const found = value as Readonly<Record<string, unknown>>;
  const { append, versioning } = found;
  const isSimple = Object.entries(UNPROBED_S3).every(
    ([name, example]) => name === 'append' || typeof found[name] === typeof example,
  );
  return (
    isSimple && ['on', 'off', 'unknown'].includes(String(versioning)) && (append === null || isAppend(append))
  );
}

function isAppend(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { minBaseBytes, maxBaseBytes } = value as Readonly<Record<string, unknown>>;
  return typeof minBaseBytes === 'number' && typeof maxBaseBytes === 'number';
}

function toPlace(
  storeId: string,
  { stateDirectory }: CapabilityCacheOptions,
): { directory: string; path: string } {
  const directory = join(stateDirectory, 'stores');
  const name = createHash('sha256').update(storeId).digest('hex').slice(0, 32);
  return { directory, path: join(directory, `${name}.json`) };
}
