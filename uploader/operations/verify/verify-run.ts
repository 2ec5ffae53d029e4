/** Compares one run with the store: every local file, and every file that is only in a manifest. */

import { CodedError } from '../../../src/base/errors.js';
import { FileError } from '../../base/errors.js';
import { inParallel } from '../../base/in-parallel.js';
import type { FileVersion } from '../../base/io/file-version.js';
import type { RelPath } from '../../base/rel-path.js';
import type { UploaderContext } from '../../engine/context/uploader-context.js';
import { type FileId, FLAG } from '../../pipeline/inventory/file-table.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import type { ManifestLine } from '../../pipeline/manifest/manifest.js';
import { toFingerprint, toManifestKey } from '../../pipeline/manifest/manifest.js';
import {
  hasCurrentManifest,
  loadManifest,
  type ManifestLines,
  saveManifest,
} from '../../pipeline/manifest/manifest-store.js';
import { listStoredRun, type StoredRun } from '../../pipeline/manifest/stored-run.js';
import { hashFile } from '../../pipeline/source/hash-file.js';
import { openLocalFile } from '../../pipeline/source/local-file.js';
import {
  type CleanedMarker,
  countMissing,
  findCleanedMarker,
  isMarkedFor,
  toCleanedError,
} from '../../run-directory/cleaned-marker.js';
import { isRunLive } from '../../run-directory/is-run-live.js';
import { compare, type LocalFacts } from './compare.js';
import { findObjectFacts } from './object-facts.js';
import type { RunVerification, VerifyProblem } from './verify-report.js';

interface VerifyRunOptions {
  readonly isDeep: boolean;
  /** Compute the SHA-256 of every local file; otherwise only of files that the manifest does not cover. */
  readonly isExact: boolean;
  /** Whether to write a manifest for a run that has ended and is verified. */
  readonly writesManifest: boolean;
  /** Problems and excluded paths that the scan found in the run. */
  readonly problems: readonly CodedError[];
  readonly leftOut: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Called for each file that was compared. */
  readonly onFile?: ((path: string, sizeBytes: number) => void) | undefined;
}

/** A local file that equals its object, with the version that was compared. */
export interface VerifiedFile {
  readonly path: RelPath;
  /** The full path on disk. */
  readonly localPath: Buffer;
  readonly version: FileVersion;
  /** Hex. */
  readonly sha256: string;
}

export interface VerifiedRun {
  readonly verification: RunVerification;
  readonly files: readonly VerifiedFile[];
  /** Every object that was verified, with those of files that are not on disk. */
  readonly lines: readonly ManifestLine[];
}

interface ReadFile extends LocalFacts {
  readonly version: FileVersion;
  readonly localPath: Buffer;
}

/** Verifies one run of a scanned root. Throws the coded error when the store cannot be listed. */
export function verifyRun(
  context: UploaderContext,
  run: KnownRun,
  options: VerifyRunOptions,
): Promise<VerifiedRun> {
  return new RunVerifier(context, run, options).run();
}

class RunVerifier {
  readonly #context: UploaderContext;
  readonly #run: KnownRun;
  readonly #options: VerifyRunOptions;
  readonly #problems: VerifyProblem[] = [];
  readonly #lines: ManifestLine[] = [];
  readonly #files: VerifiedFile[] = [];
  #newestMs = 0;
  #bytes = 0;
  #notLocal = 0;

  constructor(context: UploaderContext, run: KnownRun, options: VerifyRunOptions) {
    this.#context = context;
    this.#run = run;
    this.#options = options;
    for (const error of options.problems)
      this.#note(error instanceof FileError ? error.path : '', 'unreadable', error.message, error);
  }

  async run(): Promise<VerifiedRun> {
    const { inventory, io } = this.#context;
    const { uuid, directory } = this.#run;
    const { signal } = this.#options;
    if (directory === null) throw new Error(`run ${uuid} has no known directory`);
    const stored = await listStoredRun(this.#context, uuid, signal);
    const manifest = await loadManifest(this.#context, stored, signal);
    const isMarkedLive = await isRunLive(io, directory, Number.POSITIVE_INFINITY);
    const local = new Map<string, FileId>();
    for (const id of inventory.filesOf(this.#run))
      if (inventory.table.has(id, FLAG.onDisk)) local.set(inventory.relPathOf(id), id);
    const paths = new Set([...local.keys(), ...manifest.keys()]);
    await inParallel(this.#context.config.concurrency, paths, (path) =>
      this.#check(path, local.get(path), manifest.get(path), isMarkedLive),
    );
    const isLive = isMarkedLive && (await isRunLive(io, directory, this.#newestMs));
    const marker = await findCleanedMarker(io.fileSystem, directory);
    if (marker !== null) this.#checkCleaned(marker, directory);
    const key = isLive ? null : await this.#saveManifest(stored, manifest);
    this.#problems.sort((a, b) => (a.path < b.path ? -1 : 1));
    const verification = {
      runUuid: uuid,
      directory: directory.toString(),
      isLive,
      isCleaned: marker !== null,
      verified: { files: this.#lines.length, bytes: this.#bytes, notLocal: this.#notLocal },
      problems: this.#problems,
      leftOut: this.#options.leftOut,
      onlyInStore: [...stored.files.keys()].filter((path) => !paths.has(path)).length,
      manifest: key,
    };
    return { verification, files: this.#files, lines: this.#lines };
  }

  async #check(
    path: string,
    id: FileId | undefined,
    line: ManifestLine | undefined,
    isLive: boolean,
  ): Promise<void> {
    const { signal, isDeep, isExact, onFile } = this.#options;
    const key = `${this.#run.uuid}/${path}`;
    const found = await findObjectFacts(this.#context, key, { isDeep, signal });
    if (found.status === 'failed') {
      this.#note(path, 'unreadable', `the object cannot be read: ${found.error.message}`, found.error);
      return;
    }
    const object = found.status === 'found' ? found.facts : null;
    let local: ReadFile | null = null;
    try {
      const isKnown = line !== undefined && line.etag === object?.etag;
      const withSha256 = isDeep || isExact || !isKnown;
      local = id === undefined ? null : await this.#readLocal(id, object?.sizeBytes ?? 0, withSha256);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#note(path, 'unreadable', error.message, error);
      return;
    }
    onFile?.(path, local?.sizeBytes ?? object?.sizeBytes ?? 0);
    const compared = compare(local, object, line, { isLive });
    if (compared !== null || object === null) {
      this.#note(path, compared?.finding ?? 'missing', compared?.message ?? '', null);
      return;
    }
    const recorded = line !== undefined && line.etag === object.etag ? line.sha256 : undefined;
    const sha256 = local?.sha256 ?? object.sha256 ?? recorded;
    if (sha256 === undefined) return; // not on disk, and the manifest describes another version of the object
    const { etag, sizeBytes, crc32 } = object;
    const verifiedAt = new Date(this.#context.clock.wallTime() * 1000).toISOString();
    const proof = found.status === 'found' && found.isRead ? 'read' : 'checksum';
    this.#lines.push({ path, sizeBytes, crc32, sha256, etag, verifiedAt, proof });
    this.#bytes += sizeBytes;
    if (local === null) this.#notLocal += 1;
    else
      this.#files.push({ path: path as RelPath, localPath: local.localPath, version: local.version, sha256 });
  }

  async #readLocal(id: FileId, mark: number, withSha256: boolean): Promise<ReadFile> {
    const { inventory, io, pool, openPolicy } = this.#context;
    const path = inventory.relPathOf(id);
    const place = inventory.placeOf(id);
    if (place === null) throw new Error(`${path} has no known directory`);
    const file = await openLocalFile(io.fileSystem, place, path, openPolicy());
    try {
      const version = file.opened;
      this.#newestMs = Math.max(this.#newestMs, Number(version.mtimeNs / 1_000_000n));
      const { signal } = this.#options;
      const hashes = await hashFile(file, version.sizeBytes, { pool, mark, withSha256, signal });
      const after = await file.stat();
      if (hashes === null || after.mtimeNs !== version.mtimeNs || after.ctimeNs !== version.ctimeNs)
        throw new FileError('ERR_FILE_UNSTABLE', path, 'it changed while it was read', 'Verify again later.');
      return { ...hashes, sizeBytes: version.sizeBytes, version, localPath: file.path };
    } finally {
      await file.close();
    }
  }

  /** Writes a manifest, but not for a run with problems: its existing manifest stays the reference. */
  async #saveManifest(stored: StoredRun, before: ManifestLines): Promise<string | null> {
    const { io, store, onNotice } = this.#context;
    const { signal, writesManifest } = this.#options;
    if (!writesManifest || this.#problems.length > 0 || this.#lines.length === 0) return null;
    const isListed = this.#lines.every(({ path, etag }) => stored.files.get(path)?.etag === etag);
    if (!isListed || [...before.keys()].some((path) => !this.#lines.some((line) => line.path === path)))
      return null;
    const lines = this.#lines.sort((a, b) => (a.path < b.path ? -1 : 1));
    const writtenAt = new Date(io.clock.wallTime() * 1000).toISOString();
    const { uuid: runUuid } = this.#run;
    const manifest = { runUuid, store: store.id, writtenAt, lines };
    const saved = await saveManifest(this.#context, stored, manifest, { randomness: io.randomness, signal });
    if (!('status' in saved)) return saved.key;
    const isCurrent = lines.every(({ path, sha256 }) => before.get(path)?.sha256 === sha256);
    if (isCurrent && hasCurrentManifest(stored)) return toManifestKey(runUuid, toFingerprint(stored.files));
    const message = `${runUuid}: the manifest could not be written: ${saved.error.message}`;
    onNotice({ code: 'NOTICE_NO_MANIFEST', message });
    return null;
  }

  /** Each file that `clean` has deleted must be one of those that were verified now, in whichever store. */
  #checkCleaned(marker: CleanedMarker, directory: Buffer): void {
    const { config, store } = this.#context;
    if (marker.state === 'pulling') return;
    const missing = countMissing(marker, this.#lines);
    const isHere = isMarkedFor(marker, config.store, store.id);
    if (missing === 0 || (missing === null && isHere)) return;
    const error = toCleanedError(directory, marker, missing);
    this.#note('', 'missing', error.message, error);
  }

  #note(path: string, finding: VerifyProblem['finding'], message: string, error: CodedError | null): void {
    this.#problems.push({ path, finding, message, error });
  }
}
