/**
 * Writes the manifest of each run that has ended and is stored, one run at a time, in the background.
 *
 * Each line is verified: the store accepted the bytes with their CRC-32, and a listing shows that it still has that object. The SHA-256
 * comes from reading the local file again, and is used only if the file's size and CRC-32 match the object.
 */

import { messageOf } from '../../../src/base/errors.js';
import type { Io } from '../../base/io/io.js';
import { parseSegmentKey } from '../../base/segment-key.js';
import type { StoreNotice } from '../../store/base/store.js';
import { type FileId, FLAG } from '../inventory/file-table.js';
import type { Inventory } from '../inventory/inventory.js';
import type { KnownRun } from '../inventory/known-run.js';
import type { RunCompletion, RunListener } from '../report/run-observer.js';
import type { BufferPool } from '../source/buffer-pool.js';
import { hashFile } from '../source/hash-file.js';
import { type OpenPolicy, OWN_FILES, openLocalFile } from '../source/local-file.js';
import { type ManifestLine, toFingerprint, toManifestKey } from './manifest.js';
import {
  hasCurrentManifest,
  loadManifest,
  type ManifestLines,
  removeObjects,
  saveManifest,
} from './manifest-store.js';
import { listStoredRun, type StoreAccess, type StoredRun } from './stored-run.js';

interface ManifestWriterOptions extends StoreAccess {
  readonly io: Io;
  readonly inventory: Inventory;
  readonly pool: BufferPool;
  readonly openPolicy: () => OpenPolicy;
  readonly onNotice: (notice: StoreNotice) => void;
}

export class ManifestWriter implements RunListener {
  readonly #options: ManifestWriterOptions;
  readonly #abort = new AbortController();
  #working: Promise<void> = Promise.resolve();

  constructor(options: ManifestWriterOptions) {
    this.#options = options;
  }

  /** Queues the manifest of a run that has ended and is completely stored. A manifest covers all files of a run, so a partial sync writes none. */
  onRunComplete(runUuid: string, completion?: RunCompletion): void {
    if (completion?.isPartial === true) return;
    this.#working = this.#working.then(() => this.#writeOrReport(runUuid));
  }

  /** Resolves once all queued manifests are written, or the signal is aborted; the next sync then writes the others. */
  async flush(signal?: AbortSignal): Promise<void> {
    const abort = (): void => this.#abort.abort();
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    await this.#working;
    signal?.removeEventListener('abort', abort);
  }

  async #writeOrReport(runUuid: string): Promise<void> {
    if (this.#abort.signal.aborted) return;
    try {
      await this.#write(runUuid);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const message = `${runUuid}: manifest not written: ${messageOf(error)}`;
      this.#options.onNotice({ code: 'NOTICE_NO_MANIFEST', message });
    }
  }

  async #write(runUuid: string): Promise<void> {
    const { inventory, io, store } = this.#options;
    const run = inventory.findRun(runUuid);
    if (run === undefined || run.directory === null) throw new Error('the run directory was removed');
    if (run.manifestKeys.has(toManifestKey(runUuid, this.#toKnownFingerprint(run)))) return;
    const expected = inventory.expectedDirectoriesOf(run);
    const stored = await listStoredRun(this.#options, runUuid, this.#abort.signal, expected);
    if (hasCurrentManifest(stored)) return;
    const before = await loadManifest(this.#options, stored, this.#abort.signal);
    const lines = await this.#toLines(run, stored, before);
    if (lines === null) return;
    const manifest = { runUuid, store: store.id, writtenAt: toTime(io), lines };
    const options = { randomness: io.randomness, signal: this.#abort.signal };
    const saved = await saveManifest(this.#options, stored, manifest, options);
    if ('status' in saved) throw saved.error;
    run.manifestKeys.clear();
    run.manifestKeys.add(saved.key);
    await this.#removeSegments(run, stored);
  }

  /** Returns the lines of all files; null when any file differs from its object, so that the manifest cannot be written yet. */
  async #toLines(run: KnownRun, stored: StoredRun, before: ManifestLines): Promise<ManifestLine[] | null> {
    const { inventory } = this.#options;
    const lines = new Map<string, ManifestLine>();
    for (const id of inventory.filesOf(run)) {
      if (!inventory.table.has(id, FLAG.onDisk)) continue;
      const line = await this.#toLine(id, stored, before);
      if (line === null) return null;
      lines.set(line.path, line);
    }
    // Files that are no longer on disk keep their earlier line while the object is the same.
    for (const [path, line] of before)
      if (!lines.has(path) && stored.files.get(path)?.etag === line.etag) lines.set(path, line);
    return [...lines.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async #toLine(id: FileId, stored: StoredRun, before: ManifestLines): Promise<ManifestLine | null> {
    const { inventory, io, pool, openPolicy } = this.#options;
    const path = inventory.relPathOf(id);
    const entry = inventory.entryOf(id);
    const place = inventory.placeOf(id);
    const object = stored.files.get(path);
    if (entry === null || place === null || object === undefined) return null;
    const { etag, sizeBytes } = object;
    if (entry.object.etag !== etag || entry.object.sizeBytes !== sizeBytes) return null;
    if (inventory.table.seenBytes[id] !== sizeBytes) return null;
    const known = before.get(path);
    if (known?.etag === etag && known.sizeBytes === sizeBytes && known.crc32 === entry.crc32) return known;
    const policy = inventory.table.has(id, FLAG.generated) ? OWN_FILES : openPolicy();
    const file = await openLocalFile(io.fileSystem, place, path, policy);
    try {
      const hashes = await hashFile(file, sizeBytes, { pool, signal: this.#abort.signal });
      if (hashes === null || hashes.sha256 === null || hashes.crc32 !== entry.crc32) return null;
      const { sha256, crc32 } = hashes;
      return { path, sizeBytes, crc32, sha256, etag, verifiedAt: toTime(io), proof: 'commit' };
    } finally {
      await file.close();
    }
  }

  /** Removes segments that are now part of the object of their file. Segments of previous versions are kept. */
  async #removeSegments(run: KnownRun, { segments, files }: StoredRun): Promise<void> {
    const { inventory } = this.#options;
    const done = segments.filter(({ key }) => {
      const segment = parseSegmentKey(run.uuid, key);
      const object = files.get(segment?.path ?? '');
      if (segment === null || object === undefined) return false;
      const { generation = 0 } = inventory.entryOf(inventory.idOf(`${run.uuid}/${segment.path}`)) ?? {};
      return generation === segment.generation && segment.end <= object.sizeBytes;
    });
    await removeObjects(this.#options, done, this.#abort.signal);
  }

  #toKnownFingerprint(run: KnownRun): string {
    const { inventory } = this.#options;
    const { table } = inventory;
    const stored = [...inventory.filesOf(run)].filter((id) => table.has(id, FLAG.stored));
    return toFingerprint(
      stored.map((id) => [
        inventory.relPathOf(id),
        { etag: table.etags.get(id), sizeBytes: table.objectBytes[id]! },
      ]),
    );
  }
}

function toTime({ clock }: Io): string {
  return new Date(clock.wallTime() * 1000).toISOString();
}
