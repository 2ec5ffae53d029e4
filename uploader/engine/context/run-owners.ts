/**
 * Decides whether a directory may upload a run, before the first file of the run is sent. This is the only place that decides it (F101).
 *
 * The owner object `<run>/.plx/owner.json` names the directory that the run was uploaded from. It is written before the first file. The
 * journal keeps its version, so that it is read only when the listing shows another version. A directory that the owner object does not
 * name may upload only if it is the same one (moved, or mounted elsewhere), or if the earlier one no longer exists on this host.
 */

import { crc32 } from 'node:zlib';
import { FileError } from '../../base/errors.js';
import type { Io } from '../../base/io/io.js';
import { toOwnerKey } from '../../base/rel-path.js';
import { type FileId, FLAG } from '../../pipeline/inventory/file-table.js';
import type { Inventory } from '../../pipeline/inventory/inventory.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import type { JournalRecord } from '../../pipeline/journal/journal-entry.js';
import { loadManifest } from '../../pipeline/manifest/manifest-store.js';
import { listStoredRun, readObject, type StoreAccess } from '../../pipeline/manifest/stored-run.js';
import {
  countMissing,
  findCleanedMarker,
  isMarkedFor,
  toCleanedError,
} from '../../run-directory/cleaned-marker.js';
import {
  isMoved,
  isSameDirectory,
  isUnreadable,
  parseRunOrigin,
  type RunOrigin,
  readRunOrigin,
  toConflict,
} from '../../run-directory/run-origin.js';
import type { ObjectVersion } from '../../store/base/store.js';

interface RunOwnersOptions extends StoreAccess {
  readonly io: Io;
  readonly inventory: Inventory;
  readonly hostId: string;
  /** The URL of the store, as on the command line. */
  readonly storeUrl: string;
  /** Upload from this directory, whatever directory the store names. */
  readonly takesOver: boolean;
  /** Called once for each run that gets a conflict. */
  readonly onConflict: (runUuid: string, error: FileError) => void;
  /** Called for a log directory of another experiment than the one that the store has from the same path. */
  readonly onReused: (run: KnownRun) => void;
}

/** How often another uploader may replace the owner object meanwhile. */
const MAX_CONFLICTS = 3;
/** Stands for a version that is unknown, so that the owner object is read. */
const UNLISTED = '';
const UNREADABLE = {
  found: 'its directory cannot be examined, so nothing shows that it may upload the run',
  hint: 'Make the directory and its parents readable for the uploader, then sync again.',
};
const MAX_OWNER_BYTES = 64 * 1024;

export class RunOwners {
  readonly #options: RunOwnersOptions;
  readonly #reported = new WeakSet<KnownRun>();
  /** Records an owner or a conflict. Null: this process only reads, so it also writes no owner object. */
  record: ((record: JournalRecord) => Promise<void>) | null = null;

  constructor(options: RunOwnersOptions) {
    this.#options = options;
  }

  /** Claims a run that was just listed; sets or clears its conflict. Throws the coded error when the store fails. */
  claim(run: KnownRun, signal: AbortSignal | undefined): Promise<void> {
    return this.#claim(run, signal, true);
  }

  /** Like `claim`, for a run that was not listed. Does not check whether the store has the files that were deleted on disk. */
  async check(run: KnownRun, signal: AbortSignal | undefined): Promise<FileError | null> {
    run.ownerEtag = UNLISTED;
    await this.#claim(run, signal, false);
    return run.conflict;
  }

  async #claim(run: KnownRun, signal: AbortSignal | undefined, checksDeleted: boolean): Promise<void> {
    const { io, hostId } = this.#options;
    if (run.directory === null) return;
    const local = await readRunOrigin(io.fileSystem, run.directory, hostId);
    if (local === null && !(await isUnreadable(io.fileSystem, run.directory))) return; // just removed: the scan finds out
    const wasConflict = run.conflict !== null;
    const settled = local === null ? UNREADABLE : await this.#settle(run, local, signal);
    if (settled === 'reused') {
      this.#options.onReused(run);
      return;
    }
    const conflict = settled ?? (checksDeleted ? await this.#findDeleted(run, signal) : null);
    if (conflict !== null) {
      run.conflict = new FileError('ERR_RUN_CONFLICT', run.uuid, conflict.found, conflict.hint);
      run.conflictMs = io.clock.monotonicMs();
      run.lastError = { path: '', error: run.conflict };
      if (!this.#reported.has(run)) this.#options.onConflict(run.uuid, run.conflict);
      this.#reported.add(run);
      await this.record?.({ kind: 'conflict', conflict: { runUuid: run.uuid, ...conflict } });
    } else if (wasConflict) {
      run.conflict = null;
      this.#reported.delete(run);
      if (run.lastError?.error.code === 'ERR_RUN_CONFLICT') run.lastError = null;
      if (run.owner !== null) await this.record?.({ kind: 'owner', owner: run.owner });
    }
  }

  /** Makes this directory the owner; returns why it cannot be, or null. */
  async #settle(
    run: KnownRun,
    local: RunOrigin,
    signal: AbortSignal | undefined,
  ): Promise<{ found: string; hint: string } | 'reused' | null> {
    const { io, takesOver } = this.#options;
    const { owner } = run;
    const hasOtherEvents = this.#hasOtherEvents(run);
    const isSame = (origin: RunOrigin): boolean =>
      isSameDirectory(origin, local) &&
      !(hasOtherEvents && (origin.birthNs === null || local.birthNs === null));
    const isKnown = owner !== null && isSame(owner.origin);
    if (isKnown && owner.etag !== null && owner.etag === run.ownerEtag) return null;
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts += 1) {
      const stored = await this.#read(run.uuid, run.ownerEtag, signal);
      const named = stored?.origin ?? (isKnown ? null : (owner?.origin ?? null));
      if (named !== null && !takesOver && !isSame(named)) {
        const isHere = named.host === local.host;
        if (isHere && hasOtherEvents && named.directory === local.directory) return 'reused';
        const mayContinue = !hasOtherEvents && (await isMoved(io.fileSystem, run.uuid, named, local));
        if (!mayContinue) return toConflict('store', local, named);
      }
      if (stored?.origin !== undefined && isSame(stored.origin)) {
        await this.#take(run, local, stored.object.etag);
        return null;
      }
      if (this.record === null) return null;
      const etag = await this.#write(run.uuid, local, stored?.object ?? null, signal);
      if (etag.status === 'written') {
        run.ownerEtag = etag.etag;
        await this.#take(run, local, etag.etag);
        return null;
      }
      run.ownerEtag = etag.found;
    }
    return {
      found: 'another uploader changes its owner at the same time',
      hint: 'Run only one uploader for a run at a time, then sync again.',
    };
  }

  /** A run whose local files were deleted is uploaded only to a store that is proven to have them (F109). */
  async #findDeleted(
    { uuid, directory }: KnownRun,
    signal: AbortSignal | undefined,
  ): Promise<{ found: string; hint: string } | null> {
    const { io, store, storeUrl } = this.#options;
    const marker = directory === null ? null : await findCleanedMarker(io.fileSystem, directory);
    if (directory === null || marker === null || marker.state === 'pulling') return null;
    if (isMarkedFor(marker, storeUrl, store.id)) return null;
    const stored = await listStoredRun(this.#options, uuid, signal);
    const lines = await loadManifest(this.#options, stored, signal);
    const proven = [...lines.values()].filter(({ path, etag }) => stored.files.get(path)?.etag === etag);
    const missing = countMissing(marker, proven);
    if (missing === 0) return null;
    const { message, hint } = toCleanedError(directory, marker, missing);
    return { found: message, hint };
  }

  /** Whether the store has event files of the run, but none that is in the log directory: a resumed experiment keeps its event files. */
  #hasOtherEvents(run: KnownRun): boolean {
    const { inventory } = this.#options;
    const { table } = inventory;
    if (run.kind !== 'log-directory') return false;
    const isStored = (id: FileId): boolean => table.has(id, FLAG.listed) && table.has(id, FLAG.stored);
    const events = [...inventory.filesOf(run)].filter((id) => inventory.classOf(id) === 'event');
    const local = events.filter((id) => table.has(id, FLAG.onDisk));
    return local.length > 0 && events.some(isStored) && !local.some(isStored);
  }

  async #take(run: KnownRun, origin: RunOrigin, etag: string): Promise<void> {
    const { inventory } = this.#options;
    const { owner } = run;
    if (owner !== null && owner.etag === etag && isSameDirectory(owner.origin, origin)) return;
    const dropped =
      owner !== null && !isSameDirectory(owner.origin, origin)
        ? [...inventory.filesOf(run)].flatMap((id) => inventory.intents.get(id) ?? [])
        : [];
    const next = { runUuid: run.uuid, origin, etag };
    inventory.onOwner(next);
    for (const { intent } of dropped) await this.record?.({ kind: 'drop', tx: intent.tx });
    await this.record?.({ kind: 'owner', owner: next });
  }

  /** Reads the owner object, if the store has one. */
  async #read(
    runUuid: string,
    etag: string | null,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly object: ObjectVersion; readonly origin: RunOrigin | undefined } | null> {
    if (etag === null) return null;
    const key = toOwnerKey(runUuid);
    const { store, retryPolicy } = this.#options;
    const found = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
    if (found.status === 'failed') throw found.error;
    if (found.status === 'absent') return null;
    const { object } = found;
    const isReadable = object.sizeBytes <= MAX_OWNER_BYTES;
    const options = { maxBytes: MAX_OWNER_BYTES, signal };
    const bytes = isReadable ? await readObject(this.#options, key, options) : Buffer.alloc(0);
    return { object, origin: parse(bytes) };
  }

  async #write(
    runUuid: string,
    origin: RunOrigin,
    base: ObjectVersion | null,
    signal: AbortSignal | undefined,
  ): Promise<{ status: 'written'; etag: string } | { status: 'conflict'; found: string | null }> {
    const { io, store, retryPolicy } = this.#options;
    const key = toOwnerKey(runUuid);
    const bytes = Buffer.from(`${JSON.stringify({ version: 1, ...origin }, null, 2)}\n`);
    const request = {
      key,
      source: { read: async (start: number, end: number) => bytes.subarray(start, end) },
      target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
      base,
      commitId: io.randomness.id(),
      signal,
    };
    const outcome = await retryPolicy.withRetry(`store ${key}`, () => store.commit(request), { signal });
    if (outcome.status === 'failed') throw outcome.error;
    if (outcome.status === 'stored') return { status: 'written', etag: outcome.etag };
    const found = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
    if (found.status === 'failed') throw found.error;
    return { status: 'conflict', found: found.status === 'found' ? found.object.etag : null };
  }
}

/** Whether a directory is the one that the journal knows for a run. */
export async function isKnownPlace(
  { inventory, io, hostId }: Pick<RunOwnersOptions, 'inventory' | 'io' | 'hostId'>,
  runUuid: string,
  directory: Buffer,
): Promise<boolean> {
  const owner = inventory.findRun(runUuid)?.owner ?? null;
  if (owner === null) return false;
  const origin = await readRunOrigin(io.fileSystem, directory, hostId);
  return origin !== null && isSameDirectory(origin, owner.origin);
}

function parse(bytes: Buffer): RunOrigin | undefined {
  try {
    return parseRunOrigin(JSON.parse(bytes.toString('utf8'))) ?? undefined;
  } catch {
    return undefined; // written by another program: replaced by ours
  }
}
