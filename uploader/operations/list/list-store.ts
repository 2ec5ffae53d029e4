/** Lists the runs of a store, and the files of a run. Reads only listings, run files and manifests. */

import { parseBoundedJson } from '../../../src/base/bounded-json.js';
import { CodedError } from '../../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../../src/base/options.js';
import { guardUser } from '../../../src/base/user-callback.js';
import { RUN_FILE, RUN_UUID_PATTERN } from '../../../src/run-directory/layout.js';
import { ObjectTooLargeError, StoreError } from '../../base/errors.js';
import { inParallel } from '../../base/in-parallel.js';
import { type Io, nodeIo } from '../../base/io/io.js';
import { isManifestKey, RESERVED_DIRECTORY } from '../../base/rel-path.js';
import { withStoreAccess } from '../../engine/context/store-access.js';
import { toFingerprint, toManifestKey } from '../../pipeline/manifest/manifest.js';
import { loadManifest } from '../../pipeline/manifest/manifest-store.js';
import {
  listStoredRun,
  readObject,
  type StoreAccess,
  toCodedError,
  toKeptFile,
} from '../../pipeline/manifest/stored-run.js';
import { checkConfig, type SyncConfig } from '../../settings/sync-config.js';
import type { ListedObject, ObjectVersion, Store } from '../../store/base/store.js';

export interface ListOptions {
  /** Default: Node's file system, clock and processes. */
  readonly io?: Io | undefined;
  /** Default: the configured store. */
  readonly store?: Store | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Also list previous versions of files, as `.plx/gen/<path>/<number>`, and of removed files, as `.plx/deleted/<path>/<hex>`. Default false. */
  readonly withPreviousVersions?: boolean | undefined;
  /** Called for each run as soon as it is known, in any order. */
  readonly onRun?: ((run: ListedRun) => void) | undefined;
}
const LIST_OPTIONS: OptionTable<ListOptions> = {
  io: 'object',
  store: 'object',
  signal: 'object',
  withPreviousVersions: 'boolean',
  onRun: 'function',
};

export interface ListedRun {
  readonly runUuid: string;
  /** From the run file; null when the run file is missing or has no such value. */
  readonly name: string | null;
  readonly project: string | null;
  readonly status: string | null;
  readonly files: number;
  readonly bytes: number;
  /** ISO 8601: when the run ended, else when it began; null when the run file has neither. */
  readonly at: string | null;
  readonly ageMs: number | null;
  /** Whether a manifest describes exactly the stored files. */
  readonly hasManifest: boolean;
  /** Why the run file could not be read; null when it was read or is missing. */
  readonly problem: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

/** The largest run file that is read for a listing; several are in memory at a time. */
const MAX_RUN_FILE_BYTES = 16 * 1024 * 1024;

export interface ListedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly etag: string;
  /** From the manifest, if it describes this version of the object. */
  readonly sha256: string | null;
  readonly verifiedAt: string | null;
}

/** Lists the runs of a store, youngest last. Throws as `sync` does, and also when the store is unavailable. */
export async function listRuns(config: SyncConfig, options: ListOptions = {}): Promise<ListedRun[]> {
  checkConfig('listRuns', config);
  checkOptions('listRuns', options, LIST_OPTIONS);
  const { io = nodeIo, signal, store } = options;
  const onRun = guardUser('onRun', options.onRun);
  return withStoreAccess(config, { io, signal, store }, async (access) => {
    const found = await collectRuns(access, signal);
    const runs: ListedRun[] = [];
    await inParallel(config.concurrency, found, async (each) => {
      const run = await describe(each, access, io, signal);
      runs.push(run);
      onRun(run);
    });
    return runs.sort((a, b) => (b.ageMs ?? 0) - (a.ageMs ?? 0) || (a.runUuid < b.runUuid ? -1 : 1));
  });
}

/** Lists the files of a run in path order; with `path`, only that file and the files below it. */
export async function listFiles(
  config: SyncConfig,
  runUuid: string,
  path = '',
  options: ListOptions = {},
): Promise<ListedFile[]> {
  checkConfig('listFiles', config);
  checkOptions('listFiles', options, LIST_OPTIONS);
  const { io = nodeIo, signal, store } = options;
  return withStoreAccess(config, { io, signal, store }, async (access) => {
    const stored = await listStoredRun(access, runUuid, signal);
    const manifest = await loadManifest(access, stored, signal);
    const isWanted = (each: string): boolean => path === '' || each === path || each.startsWith(`${path}/`);
    const kept = options.withPreviousVersions === true ? stored.keptVersions : [];
    const versions = kept
      .filter(({ key }) => isWanted(toKeptFile(key) ?? ''))
      .map(({ key, sizeBytes, etag }) => ({ path: key.slice(runUuid.length + 1), sizeBytes, etag }))
      .map((each) => ({ ...each, sha256: null, verifiedAt: null }));
    const files = [...stored.files]
      .filter(([each]) => isWanted(each))
      .map(([each, { sizeBytes, etag }]) => {
        const line = manifest.get(each);
        const { sha256 = null, verifiedAt = null } = line?.etag === etag ? line : {};
        return { path: each, sizeBytes, etag, sha256, verifiedAt };
      });
    return [...files, ...versions];
  });
}

interface FoundRun {
  readonly runUuid: string;
  readonly files: [string, ObjectVersion][];
  readonly manifests: Set<string>;
}

async function collectRuns(
  { store, retryPolicy }: StoreAccess,
  signal: AbortSignal | undefined,
): Promise<FoundRun[]> {
  const runs = new Map<string, FoundRun>();
  const open = (last: ListedObject | undefined) => store.list('', { after: last?.key, signal });
  try {
    for await (const { key, etag, sizeBytes } of retryPolicy.streamWithRetry(
      'list the store',
      open,
      signal,
    )) {
      const slash = key.indexOf('/');
      const runUuid = key.slice(0, Math.max(0, slash));
      if (!RUN_UUID_PATTERN.test(runUuid)) continue;
      const run = runs.get(runUuid) ?? { runUuid, files: [], manifests: new Set() };
      runs.set(runUuid, run);
      const path = key.slice(slash + 1);
      if (isManifestKey(key)) run.manifests.add(key);
      else if (!path.startsWith(`${RESERVED_DIRECTORY}/`)) run.files.push([path, { etag, sizeBytes }]);
    }
  } catch (error) {
    throw toCodedError(error);
  }
  return [...runs.values()];
}

async function describe(
  { runUuid, files, manifests }: FoundRun,
  access: StoreAccess,
  io: Io,
  signal: AbortSignal | undefined,
): Promise<ListedRun> {
  const [, runFile] = files.find(([path]) => path === RUN_FILE) ?? [];
  const found = runFile === undefined ? {} : await readRunFile(runUuid, runFile, access, signal);
  const problem = found instanceof CodedError ? found : null;
  const record: Readonly<Record<string, unknown>> = found instanceof CodedError ? {} : found;
  const text = (name: string): string | null => {
    const value = record[name];
    return typeof value === 'string' ? value : null;
  };
  const at = text('finished_at') ?? text('started_at') ?? text('created_at');
  const atMs = at === null ? Number.NaN : Date.parse(at);
  return {
    runUuid,
    name: text('name'),
    project: text('project'),
    status: text('status'),
    files: files.length,
    bytes: files.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0),
    at,
    ageMs: Number.isNaN(atMs) ? null : Math.max(0, Math.round(io.clock.wallTime() * 1000 - atMs)),
    hasManifest: manifests.has(toManifestKey(runUuid, toFingerprint(files))),
    problem: problem && { code: problem.code, message: problem.message, hint: problem.hint },
  };
}

/** Returns the values of a run file, or the error if only this file cannot be read. Throws errors that concern all files. */
async function readRunFile(
  runUuid: string,
  { sizeBytes }: ObjectVersion,
  access: StoreAccess,
  signal: AbortSignal | undefined,
): Promise<Readonly<Record<string, unknown>> | CodedError> {
  const key = `${runUuid}/${RUN_FILE}`;
  if (sizeBytes > MAX_RUN_FILE_BYTES) return new ObjectTooLargeError(key, MAX_RUN_FILE_BYTES);
  try {
    return parse(await readObject(access, key, { maxBytes: MAX_RUN_FILE_BYTES, signal }));
  } catch (error) {
    if (error instanceof StoreError && !error.concernsAllFiles) return error;
    throw error;
  }
}

function parse(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value = parseBoundedJson(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {}; // a file of another program with this name
  }
}
