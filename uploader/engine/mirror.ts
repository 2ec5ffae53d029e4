/**
 * Removes the objects of files that were deleted on disk, if the user asks for it. These guards apply (F12, F13 and F14):
 *
 * - Two checks at least a minute apart find the file missing, while the root and other files of the run exist.
 * - The journal shows that this uploader stored the file from this disk. If the journal is lost, nothing is removed.
 * - At most a tenth of a run's files are missing, or the user forces it. If the whole run is missing or was cleaned, nothing is removed.
 * - No other command holds the run: the mirror locks it while it removes objects (F103).
 * - A copy is stored below `.plx/deleted/` first, and only the copied version of the object is removed.
 */

import { createHash } from 'node:crypto';
import { messageOf } from '../../src/base/errors.js';
import { ASSETS_DIRECTORY, EVENTS_DIRECTORY, RESOURCES_DIRECTORY } from '../../src/polyaxon/names.js';
import { RUN_FILE } from '../../src/run-directory/layout.js';
import { RunLockedError } from '../base/errors.js';
import { isAbsent, systemErrorCode } from '../base/io/system-error.js';
import { joinPath } from '../base/join-path.js';
import { RESERVED_DIRECTORY, toPathBytes } from '../base/rel-path.js';
import { ObjectSource } from '../pipeline/commit/object-source.js';
import { findSegments, removeSegments } from '../pipeline/commit/segments.js';
import { crc32OfContent, toContent } from '../pipeline/commit/stored-content.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import { findCleanedMarker } from '../run-directory/cleaned-marker.js';
import { lockRun, type RunLock } from '../run-directory/run-lock.js';
import type { StoredObject } from '../store/base/store.js';
import type { UploaderContext } from './context/uploader-context.js';

/** The shortest time between the two checks. */
export const CONFIRM_AFTER_MS = 60_000;
const LOOK_INTERVAL_MS = 5_000;
/** The largest fraction of a run's files that may be missing. */
const MAX_SHARE = 0.1;
/** Folders of generated files, which may never have been on this disk. */
const GENERATED = [EVENTS_DIRECTORY, ASSETS_DIRECTORY, RESOURCES_DIRECTORY].map((name) => `${name}/`);

export function toDeletedKey(runUuid: string, path: string, etag: string): string {
  const name = createHash('sha256').update(etag).digest('hex').slice(0, 16);
  return `${runUuid}/${RESERVED_DIRECTORY}/deleted/${path}/${name}`;
}

export class Mirror {
  readonly #context: UploaderContext;
  readonly #isForced: boolean;
  /** When each file was first found missing. */
  readonly #missing = new Map<FileId, number>();
  /** The last message reported for each run. */
  readonly #reported = new Map<number, string>();
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(context: UploaderContext) {
    this.#context = context;
    this.#isForced = context.config.mirror === 'force';
  }

  /** Whether some files were found missing once and await the second check. */
  get isWaiting(): boolean {
    return this.#missing.size > 0;
  }

  /** Checks all runs and removes confirmed deletions. Rejects only when the signal is aborted. */
  async check(signal?: AbortSignal): Promise<void> {
    const { clock, rootWatch, inventory, ownership } = this.#context;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedMs < LOOK_INTERVAL_MS) return;
    this.#lookedMs = nowMs;
    if (rootWatch.unavailableReason !== null) {
      this.#missing.clear();
      return;
    }
    for (const run of inventory.runs)
      if (run.directory !== null && run.isListed && run.conflict === null && ownership.ownsRun(run))
        await this.#check(run, nowMs, signal);
  }

  async #check(run: KnownRun, nowMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { inventory } = this.#context;
    const due: FileId[] = [];
    for (const id of inventory.filesOf(run)) {
      const sinceMs = this.#missing.get(id);
      if (!this.#isMissing(id)) this.#missing.delete(id);
      else if (sinceMs === undefined) this.#missing.set(id, nowMs);
      else if (nowMs - sinceMs >= CONFIRM_AFTER_MS) due.push(id);
    }
    if (due.length === 0) return;
    const gone: FileId[] = [];
    for (const id of due) if (await this.#isGone(id)) gone.push(id);
    // Wait another minute before these files are checked again, whatever the outcome.
    for (const id of due) this.#missing.set(id, nowMs);
    if (gone.length === 0 || run.directory === null) return;
    let lock: RunLock | undefined;
    try {
      const early = await this.#findGuard(run, gone.length);
      if (early === null) lock = await lockRun(this.#context.io, run.directory);
      // Check again under the lock: the command that held the run may have restored or deleted its files.
      const reason = early ?? (await this.#findGuard(run, gone.length));
      if (reason !== null) this.#reportHeld(run, gone.length, reason);
      else for (const id of gone) await this.#remove(id, run, signal);
    } catch (error) {
      if (!(error instanceof RunLockedError) && systemErrorCode(error) === undefined) throw error;
      this.#reportHeld(run, gone.length, `the run cannot be locked: ${messageOf(error)}`);
    } finally {
      await lock?.release();
    }
  }

  #isMissing(id: FileId): boolean {
    const { table } = this.#context.inventory;
    const needed = FLAG.journalled | FLAG.stored;
    const barred = FLAG.onDisk | FLAG.replaced | FLAG.generated | FLAG.taken;
    if ((table.flags[id]! & needed) !== needed || (table.flags[id]! & barred) !== 0) return false;
    const path = this.#context.inventory.relPathOf(id);
    return !GENERATED.some((prefix) => path.startsWith(prefix));
  }

  /** False for a file that a rule excludes or that cannot be reached. */
  async #isGone(id: FileId): Promise<boolean> {
    const place = this.#context.inventory.placeOf(id);
    if (place === null) return false;
    try {
      await this.#context.io.fileSystem.lstat(joinPath(place.directory, [toPathBytes(place.path)]));
      return false;
    } catch (error) {
      return isAbsent(error);
    }
  }

  /** The reason for which nothing of the run may be removed; null when no guard applies. */
  async #findGuard(run: KnownRun, goneCount: number): Promise<string | null> {
    const { inventory, rootWatch, io } = this.#context;
    const { directory } = run;
    if (directory === null || !(await rootWatch.isThere())) return 'the root directory is unavailable';
    if ((await findCleanedMarker(io.fileSystem, directory)) !== null) return 'the run was cleaned';
    const here = [...inventory.filesOf(run)].filter(
      (id) => inventory.table.has(id, FLAG.onDisk) && !inventory.table.has(id, FLAG.generated),
    );
    if (here.length === 0) return 'none of its files are on disk';
    if (run.kind === 'polyaxon' && !(await this.#hasRunFile(directory))) return `its ${RUN_FILE} is missing`;
    const isFew = goneCount <= MAX_SHARE * (here.length + goneCount);
    if (isFew || this.#isForced) return null;
    return `they are more than a tenth of its ${here.length + goneCount} files; use --force to remove them`;
  }

  async #hasRunFile(directory: Buffer): Promise<boolean> {
    try {
      const { kind } = await this.#context.io.fileSystem.lstat(joinPath(directory, [Buffer.from(RUN_FILE)]));
      return kind === 'file';
    } catch {
      return false; // a run file that cannot be reached counts as missing
    }
  }

  async #remove(id: FileId, run: KnownRun, signal: AbortSignal | undefined): Promise<void> {
    const { inventory, store, retryPolicy, emit } = this.#context;
    const key = inventory.keyOf(id);
    const found = await retryPolicy.withRetry(`check ${key}`, () => store.head(key, signal), { signal });
    if (found.status === 'failed') return this.#reportFailed(key, found.error.message);
    const object = found.status === 'found' ? found.object : null;
    if (object === null || object.etag !== inventory.table.etags.get(id)) {
      inventory.setObject(id, object);
      return;
    }
    const copy = store.capabilities.versioning === 'on' ? null : await this.#copy(id, run, object, signal);
    if (copy === undefined) return;
    if (!(await this.#isGone(id))) return;
    const { etag, sizeBytes } = object;
    const call = () => store.remove({ key, version: { etag, sizeBytes }, signal });
    const outcome = await retryPolicy.withRetry(`remove ${key}`, call, { signal });
    if (outcome.status === 'failed') return this.#reportFailed(key, outcome.error.message);
    if (outcome.status !== 'removed') return;
    inventory.setObject(id, null);
    const left =
      inventory.newestSegmentsOf(id) === null ? null : await removeSegments(id, this.#context, signal);
    if (left?.status === 'failed') this.#reportFailed(key, left.error.message);
    this.#missing.delete(id);
    emit({ kind: 'removed', key, copy });
    if (run.manifestKeys.size > 0) this.#context.manifests?.onRunComplete(run.uuid);
  }

  /** Stores a copy of the object and of the segments that continue it. Returns its key, or undefined when that failed. */
  async #copy(
    id: FileId,
    run: KnownRun,
    object: StoredObject,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { inventory, store, retryPolicy, io } = this.#context;
    const key = inventory.keyOf(id);
    const target = toDeletedKey(run.uuid, inventory.relPathOf(id), object.etag);
    const segments = await findSegments(run.uuid, inventory.relPathOf(id), this.#context, signal);
    if ('status' in segments) return this.#reportFailed(key, segments.error.message);
    const content = toContent(key, object, segments, object.generation);
    const { pieces, sizeBytes } = content;
    const sum =
      object.crc32 !== null && pieces.length === 1
        ? { status: 'read' as const, crc32: object.crc32 }
        : await crc32OfContent(content, sizeBytes, this.#context, signal);
    if (sum.status === 'failed') return this.#reportFailed(key, sum.error.message);
    if (sum.status === 'conflict') return this.#reportFailed(key, 'it has changed');
    const request = {
      key: target,
      source: new ObjectSource(store, pieces, signal),
      target: { sizeBytes, crc32: sum.crc32 },
      base: null,
      commitId: io.randomness.id(),
      signal,
    };
    const outcome = await retryPolicy.withRetry(`copy to ${target}`, () => store.commit(request), { signal });
    if (outcome.status === 'stored') return target;
    return this.#reportFailed(key, outcome.status === 'failed' ? outcome.error.message : 'the copy differs');
  }

  #reportFailed(key: string, reason: string): undefined {
    const message = `${key}: the local file was deleted, but removing the object failed: ${reason}`;
    this.#context.onNotice({ code: 'NOTICE_MIRROR_FAILED', message });
  }

  /** Reports each combination of count and reason once. */
  #reportHeld(run: KnownRun, count: number, reason: string): void {
    const message = `${run.uuid}: ${count} files were deleted on disk but are kept in the store: ${reason}`;
    if (this.#reported.get(run.index) === message) return;
    this.#reported.set(run.index, message);
    this.#context.onNotice({ code: 'NOTICE_MIRROR_HELD', message });
  }
}
