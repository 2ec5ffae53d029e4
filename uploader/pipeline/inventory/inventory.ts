/**
 * The inventory: one row for each file, filled from scans, the journal and listings of the store.
 *
 * It knows which files need work; a million changes of a file are one dirty row. It accesses neither the disk nor the store.
 *
 * Long because every change of a row also changes the counters and queues that are kept with it.
 */

import type { Clock } from '../../../src/base/clock.js';
import { EVENT_FILE_MARK } from '../../../src/format/event-file-name.js';
import { FileError } from '../../base/errors.js';
import type { FileStat } from '../../base/io/file-system.js';
import { type FileVersion, isSameVersion } from '../../base/io/file-version.js';
import {
  isManifestKey,
  MANIFEST_DIRECTORY,
  RESERVED_DIRECTORY,
  type RelPath,
  toKey,
  toOwnerKey,
} from '../../base/rel-path.js';
import { parseSegmentKey, type SegmentPlace } from '../../base/segment-key.js';
import { isSameDirectory } from '../../run-directory/run-origin.js';
import type { ObjectVersion } from '../../store/base/store.js';
import type {
  JournalEntry,
  JournalRecord,
  OpenIntent,
  RunConflict,
  RunOwner,
  SegmentEntry,
} from '../journal/journal-entry.js';
import type { JournalReplay, JournalSink } from '../journal/journal-files.js';
import type { GrowthState } from '../source/read-through.js';
import { type FileClass, toFileClass } from './file-class.js';
import { type FileId, FileTable, FLAG, type FolderId } from './file-table.js';
import { createKnownRun, type KnownRun } from './known-run.js';
import type { ScannedRun, ScanSink } from './scan-sink.js';

interface Folder {
  readonly run: number;
  /** Empty for the run's own directory. */
  readonly path: string;
}

/** The facts about one file: on disk, in the journal and in the store. */
export interface FileFacts {
  readonly file: FileVersion;
  readonly journalled: JournalEntry | null;
  /** The object under the key; null when none exists, undefined until the store has been asked. */
  readonly listed: ObjectVersion | null | undefined;
  /** Whether segments continue the acknowledged object beyond the end of the file. */
  readonly isContinued: boolean;
}

/** The local path of a file. */
interface FilePlace {
  /** With all symlinks resolved; no file outside of it is ever opened. */
  readonly directory: Buffer;
  /** Relative to `directory`. */
  readonly path: RelPath;
}

/** Times of the last commit of a growing file. */
interface LastCommit {
  readonly atMs: number;
  readonly durationMs: number;
  /** The part of `durationMs` spent on bytes that were already stored: a lower bound for the next extension. */
  readonly repeatMs: number;
}

interface InventoryOptions {
  readonly clock: Clock;
  readonly onDirty?: (id: FileId) => void;
  readonly onRun?: (run: KnownRun) => void;
  readonly onRunGone?: (run: KnownRun) => void;
}

const TICK_MS = 10;

export class Inventory implements ScanSink, JournalSink {
  readonly table = new FileTable();
  readonly runs: KnownRun[] = [];
  /** State that only growing or interrupted files have. */
  readonly growth = new Map<FileId, GrowthState>();
  /** Generated files that may be shorter than their objects, because the run was resumed at an earlier step. */
  readonly shortened = new Set<FileId>();
  readonly intents = new Map<FileId, OpenIntent>();
  /** The last acknowledged segment of each file, if it continues the acknowledged object. */
  readonly segments = new Map<FileId, SegmentEntry>();
  /** How far the segments reach that the store has, by file and number of restarts. */
  readonly #segmentEnds = new Map<FileId, Map<number, number>>();
  /** Keys of commits that killed processes had begun, while parts of them may still reach the store. */
  readonly crashedKeys = new Set<string>();
  readonly commits = new Map<FileId, LastCommit>();
  /** Bytes that were deleted on disk before they were stored, also in runs that are gone. */
  lostBytes = 0;
  /** Files that disappeared before all of their bytes were stored. */
  readonly missing = new Map<FileId, { readonly bytes: number; readonly sinceMs: number }>();
  /** What the journal had stored of log directories when it was read. */
  readonly logDirectories = new StoredLogDirectories();
  readonly #runIndexes = new Map<string, number>();
  readonly #folders: Folder[] = [];
  readonly #folderIds = new Map<string, FolderId>();
  /** Numbers of forgotten runs and folders, for the next ones. */
  readonly #freeRuns: number[] = [];
  readonly #freeFolders: FolderId[] = [];
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #onDirty: (id: FileId) => void;
  readonly #onRun: (run: KnownRun) => void;
  readonly #onRunGone: (run: KnownRun) => void;

  constructor(options: InventoryOptions) {
    this.#clock = options.clock;
    this.#startMs = options.clock.monotonicMs();
    this.#onDirty = options.onDirty ?? (() => undefined);
    this.#onRun = options.onRun ?? (() => undefined);
    this.#onRunGone = options.onRunGone ?? (() => undefined);
  }

  // Results of scans.

  onRun(found: ScannedRun): number {
    const run = this.#runOf(found.runUuid);
    run.directory = found.directory;
    run.kind = found.kind;
    run.filesAt = found.filesAt;
    run.formerUuids = found.formerUuids ?? [];
    this.#onRun(run);
    return run.index;
  }

  onRunGone(index: number): void {
    const run = this.runs[index];
    if (run === undefined || run.directory === null) return;
    for (const id of this.filesOf(run)) this.#leave(id);
    run.directory = null;
    run.isListed = false;
    this.#onRunGone(run);
  }

  /** Forgets runs that are gone: they leave memory, and the journal at its next snapshot. The caller has forgotten the numbers of their files. */
  forget(runs: readonly KnownRun[]): void {
    const ids = runs.flatMap((run) => [...this.filesOf(run)]);
    if (ids.length > 0) this.table.release(ids);
    for (const id of ids)
      for (const facts of [
        this.growth,
        this.intents,
        this.segments,
        this.#segmentEnds,
        this.commits,
        this.missing,
        this.shortened,
      ])
        facts.delete(id);
    for (const run of runs) {
      for (const folder of run.folders) {
        this.#folderIds.delete(toFolderKey(this.#folders[folder]!));
        this.#freeFolders.push(folder);
      }
      run.folders.length = 0;
      run.manifestKeys.clear();
      this.#runIndexes.delete(run.uuid);
      this.#freeRuns.push(run.index);
    }
  }

  onFolder(run: number, path: string): FolderId {
    const key = toFolderKey({ run, path });
    const known = this.#folderIds.get(key);
    if (known !== undefined) return known;
    const folder = this.#freeFolders.pop() ?? this.#folders.length;
    this.#folders[folder] = { run, path };
    this.#folderIds.set(key, folder);
    this.runs[run]?.folders.push(folder);
    return folder;
  }

  onFile(folder: FolderId, name: string, stat: FileStat): { id: FileId; isChanged: boolean } {
    const id = this.table.intern(folder, name);
    // A file of the run's writer takes precedence over a generated one.
    this.table.set(id, FLAG.generated, false);
    return { id, isChanged: this.check(id, stat) };
  }

  /** Like `onFile`, for a generated file. Null when the run's writer has written a file of this name. */
  onGeneratedFile(run: KnownRun, relPath: string, stat: FileStat): FileId | null {
    const id = this.idOf(toKey(run.uuid, relPath));
    const { table } = this;
    if (table.has(id, FLAG.onDisk) && !table.has(id, FLAG.generated)) return null;
    table.set(id, FLAG.generated);
    this.check(id, stat);
    return id;
  }

  /** A generated file was removed from disk on purpose. */
  onGeneratedGone(id: FileId): void {
    if (this.table.has(id, FLAG.generated)) this.#leave(id);
  }

  /** Marks as generated a file that an earlier process removed after it was stored. */
  onGeneratedStored(run: KnownRun, relPath: string): void {
    const id = this.idOf(toKey(run.uuid, relPath));
    if (!this.table.has(id, FLAG.onDisk)) this.table.set(id, FLAG.generated);
  }

  /** Updates a row with the current version of its file. Returns true when the version has changed. */
  check(id: FileId, version: FileVersion): boolean {
    const { table } = this;
    const stamp = toStamp(version);
    const isChanged =
      !table.has(id, FLAG.onDisk) ||
      table.seenBytes[id] !== version.sizeBytes ||
      table.seenStamp[id] !== stamp;
    if (!isChanged) return false;
    table.seenBytes[id] = version.sizeBytes;
    table.seenStamp[id] = stamp;
    table.seenIno[id] = Number(version.ino & 0xffffffffn);
    table.changedAt[id] = this.#now();
    table.set(id, FLAG.onDisk);
    table.set(id, FLAG.same, table.has(id, FLAG.journalled) && isSameVersion(this.#versionOf(id), version));
    this.missing.delete(id);
    // Generated files do not show that the writer is alive.
    if (!table.has(id, FLAG.generated)) this.runOf(id).changedMs = this.#clock.monotonicMs();
    this.evaluate(id);
    return true;
  }

  /** The bytes of a file were deleted on disk before they were stored. */
  onLost(id: FileId, bytes: number): void {
    this.lostBytes += bytes;
    this.runOf(id).lostBytes += bytes;
  }

  countMissing(folder: FolderId, present: ReadonlySet<FileId>): number {
    let count = 0;
    for (const id of this.table.inFolder(folder)) if (this.#isFound(id) && !present.has(id)) count += 1;
    return count;
  }

  onGone(folder: FolderId, present: ReadonlySet<FileId>, names: ReadonlySet<string>): void {
    for (const id of this.table.inFolder(folder)) {
      if (!this.#isFound(id) || present.has(id) || names.has(this.table.nameOf(id))) continue;
      const bytes = this.pendingBytes(id);
      if (bytes > 0) this.missing.set(id, { bytes, sinceMs: this.#clock.monotonicMs() });
      this.#leave(id);
    }
  }

  onLeftOut(folder: FolderId, name: string): void {
    const id = this.table.find(folder, name);
    if (id !== undefined && this.#isFound(id)) this.#leave(id);
  }

  onFolderLeftOut(folder: FolderId): void {
    for (const id of this.table.inFolder(folder)) if (this.#isFound(id)) this.#leave(id);
  }

  // Records of the journal.

  onEntry(entry: JournalEntry): void {
    this.logDirectories.onEntry(entry);
    this.#takeEntry(this.idOf(entry.key), entry);
  }

  onSegment(segment: SegmentEntry): void {
    const id = this.idOf(segment.key);
    this.segments.set(id, segment);
    this.#onSegmentEnd(id, segment);
  }

  /** The store no longer has segments of a file. */
  onSegmentsRemoved(id: FileId): void {
    this.segments.delete(id);
    this.#segmentEnds.delete(id);
  }

  onOwner(owner: RunOwner): void {
    const run = this.#runOf(owner.runUuid);
    if (run.owner !== null && !isSameDirectory(run.owner.origin, owner.origin)) this.#disown(run);
    run.owner = owner;
    run.conflict = null;
    if (run.lastError?.error.code === 'ERR_RUN_CONFLICT') run.lastError = null;
  }

  onConflict({ runUuid, found, hint }: RunConflict): void {
    const run = this.#runOf(runUuid);
    run.conflict = new FileError('ERR_RUN_CONFLICT', runUuid, found, hint);
    run.lastError = { path: '', error: run.conflict };
  }

  onReplayed({ openIntents, crashedKeys }: Pick<JournalReplay, 'openIntents' | 'crashedKeys'>): void {
    for (const key of crashedKeys) this.crashedKeys.add(key);
    for (const open of openIntents) {
      this.crashedKeys.add(open.intent.entry.key);
      this.intents.set(this.idOf(open.intent.entry.key), open);
    }
  }

  /** Yields all records that a snapshot of the journal must contain. */
  *live(): Generator<JournalRecord> {
    for (const index of this.#runIndexes.values()) {
      const { uuid: runUuid, owner, conflict } = this.runs[index]!;
      if (owner !== null) yield { kind: 'owner', owner };
      if (conflict !== null)
        yield { kind: 'conflict', conflict: { runUuid, found: conflict.found, hint: conflict.hint } };
    }
    for (let id = 0; id < this.table.count; id += 1) {
      const entry = this.table.has(id, FLAG.journalled) ? this.entryOf(id) : null;
      if (entry !== null) yield { kind: 'done', entry };
      const segment = this.segments.get(id);
      if (segment !== undefined) yield { kind: 'segment', segment };
    }
    for (const key of this.crashedKeys) yield { kind: 'crashed', key };
    for (const { intent, uploadId, parts } of this.intents.values()) {
      yield { kind: 'intent', intent };
      if (uploadId !== null) yield { kind: 'mpu', tx: intent.tx, uploadId };
      for (const part of parts) yield { kind: 'part', tx: intent.tx, part };
    }
  }

  // Listings of the store.

  beginListing(run: KnownRun): void {
    run.manifestKeys.clear();
    run.ownerEtag = null;
    for (const id of this.filesOf(run)) this.table.set(id, FLAG.listed, false);
  }

  onListed(key: string, object: ObjectVersion): void {
    const slash = key.indexOf('/');
    if (key.startsWith(`${RESERVED_DIRECTORY}/`, slash + 1)) {
      const uuid = key.slice(0, slash);
      if (isManifestKey(key)) this.#runOf(uuid).manifestKeys.add(key);
      else if (key === toOwnerKey(uuid)) this.#runOf(uuid).ownerEtag = object.etag;
      const segment = parseSegmentKey(uuid, key);
      if (segment !== null) this.#onSegmentEnd(this.idOf(`${uuid}/${segment.path}`), segment);
      return;
    }
    this.setObject(this.idOf(key), object);
  }

  endListing(run: KnownRun): void {
    run.isListed = true;
    for (const id of this.filesOf(run)) {
      if (!this.table.has(id, FLAG.listed)) this.table.set(id, FLAG.stored, false);
      this.evaluate(id);
    }
  }

  /** Sets the object that the store has under a file's key. */
  setObject(id: FileId, object: ObjectVersion | null): void {
    const { table } = this;
    table.set(id, FLAG.listed);
    table.set(id, FLAG.stored, object !== null);
    if (object === null || (table.has(id, FLAG.journalled) && table.etags.get(id) === object.etag)) return;
    table.set(id, FLAG.replaced, table.has(id, FLAG.journalled));
    table.etags.set(id, object.etag);
    table.objectBytes[id] = object.sizeBytes;
  }

  /** A commit was acknowledged, or found to have happened. */
  setEntry(id: FileId, entry: JournalEntry): void {
    this.#takeEntry(id, entry);
    const { table } = this;
    table.set(id, FLAG.acknowledged);
    const isSame =
      table.seenBytes[id] === entry.file.sizeBytes && table.seenStamp[id] === toStamp(entry.file);
    table.set(id, FLAG.same, isSame);
    this.intents.delete(id);
    this.evaluate(id);
  }

  // Queries.

  /** Updates whether a file is dirty, that is, needs work. */
  evaluate(id: FileId): void {
    const { table } = this;
    const isDirty = table.has(id, FLAG.onDisk) && !this.#isSettled(id);
    const wasDirty = table.has(id, FLAG.dirty);
    table.set(id, FLAG.dirty, isDirty);
    this.runOf(id).dirtyFiles += Number(isDirty) - Number(wasDirty);
    if (isDirty && !wasDirty) table.dirtySince[id] = this.#now();
    if (isDirty) this.#onDirty(id);
  }

  /** Everything before `sinceMs` is stored, so the remaining changes are more recent. */
  restartAge(id: FileId, sinceMs: number): void {
    if (this.table.has(id, FLAG.dirty)) this.table.dirtySince[id] = this.#toTicks(sinceMs);
  }

  facts(id: FileId, file: FileVersion): FileFacts {
    const { table } = this;
    const run = this.runOf(id);
    const object = { etag: table.etags.get(id), sizeBytes: table.objectBytes[id]! };
    const isKnown = run.isListed || table.has(id, FLAG.listed);
    const listed = table.has(id, FLAG.stored) ? object : isKnown ? null : undefined;
    const isContinued = this.#isContinued(id, file.sizeBytes);
    return { file, journalled: this.entryOf(id), listed, isContinued };
  }

  /** Like `facts`, with as much of the version as the last scan has kept. */
  seenFacts(id: FileId): FileFacts {
    const sizeBytes = this.table.seenBytes[id]!;
    const other: FileVersion = { sizeBytes, mtimeNs: 0n, ctimeNs: 0n, ino: 0n };
    return this.facts(id, this.table.has(id, FLAG.same) ? this.#versionOf(id) : other);
  }

  /** The last acknowledged commit of a file. */
  entryOf(id: FileId): JournalEntry | null {
    const { table } = this;
    if (!table.has(id, FLAG.journalled)) return null;
    const generation = table.generation[id]!;
    return {
      key: this.keyOf(id),
      file: this.#versionOf(id),
      crc32: table.crc[id]!,
      // A replaced object is known only to be a different one.
      object: {
        etag: table.has(id, FLAG.replaced) ? '' : table.etags.get(id),
        sizeBytes: table.objectBytes[id]!,
      },
      isRecent: table.has(id, FLAG.recent),
      ...(generation === 0 ? {} : { generation }),
    };
  }

  /** How far the segments reach that the store has of a file after this number of restarts; 0 without segments. */
  segmentEndOf(id: FileId, generation: number): number {
    return this.#segmentEnds.get(id)?.get(generation) ?? 0;
  }

  /** The number of the last restart of which the store has segments; null without segments. */
  newestSegmentsOf(id: FileId): number | null {
    let newest: number | null = null;
    for (const generation of this.#segmentEnds.get(id)?.keys() ?? [])
      newest = Math.max(newest ?? 0, generation);
    return newest;
  }

  /** Returns true when bytes of a file are not in the store. If false, the file may still need verification. */
  isPending(id: FileId): boolean {
    const { table } = this;
    // What the store has is that of another directory.
    if (this.runOf(id).conflict !== null) return table.has(id, FLAG.onDisk);
    if (!table.has(id, FLAG.dirty)) return false;
    const flags = table.flags[id]!;
    const needed = FLAG.stored | FLAG.same;
    if ((flags & needed) !== needed || (flags & FLAG.replaced) !== 0) return true;
    return this.#storedBytes(id) !== table.seenBytes[id] || this.#isContinued(id, table.seenBytes[id]!);
  }

  /**
   * Whether the store has exactly the version of the last scan: acknowledged in this process, or in the journal and then listed by the store in
   * this process. With `isJournalTrusted`, the journal is enough.
   */
  isProven(id: FileId, isJournalTrusted = false): boolean {
    const { table } = this;
    const flags = table.flags[id]!;
    const needed = FLAG.journalled | FLAG.stored | FLAG.same;
    if ((flags & needed) !== needed || (flags & FLAG.replaced) !== 0) return false;
    const isWhole = [table.objectBytes[id], this.#storedBytes(id)].includes(table.seenBytes[id]);
    if (!isWhole || this.#isContinued(id, table.seenBytes[id]!)) return false;
    return isJournalTrusted || (flags & FLAG.acknowledged) !== 0 || this.runOf(id).isListed;
  }

  /** Returns the approximate number of bytes on disk that are not in the store. */
  pendingBytes(id: FileId): number {
    const { table } = this;
    if (this.runOf(id).conflict !== null) return table.has(id, FLAG.onDisk) ? table.seenBytes[id]! : 0;
    if (!table.has(id, FLAG.dirty)) return 0;
    const seen = table.seenBytes[id]!;
    if (!table.has(id, FLAG.stored)) return seen;
    const storedBytes = this.#storedBytes(id);
    return seen >= storedBytes ? seen - storedBytes : seen;
  }

  isAppended(id: FileId): boolean {
    return this.table.has(id, FLAG.appends) || this.classOf(id) !== 'artifact';
  }

  quietMs(id: FileId): number {
    return this.#msSince(this.table.changedAt[id]!);
  }

  ageMs(id: FileId): number {
    return this.#msSince(this.table.dirtySince[id]!);
  }

  classOf(id: FileId): FileClass {
    return toFileClass(this.relPathOf(id));
  }

  relPathOf(id: FileId): RelPath {
    const { path } = this.#folders[this.table.folder[id]!]!;
    const name = this.table.nameOf(id);
    return (path === '' ? name : `${path}/${name}`) as RelPath;
  }

  /** Returns the local path of a file; null while only the journal knows its run. */
  placeOf(id: FileId): FilePlace | null {
    const { directory, exportDirectory, filesAt } = this.runOf(id);
    const relPath = this.relPathOf(id);
    if (this.table.has(id, FLAG.generated))
      return exportDirectory === null ? null : { directory: exportDirectory, path: relPath };
    if (directory === null) return null;
    return { directory, path: filesAt === '' ? relPath : (relPath.slice(filesAt.length + 1) as RelPath) };
  }

  keyOf(id: FileId): string {
    return toKey(this.runOf(id).uuid, this.relPathOf(id));
  }

  runOf(id: FileId): KnownRun {
    return this.runs[this.#folders[this.table.folder[id]!]!.run]!;
  }

  findRun(uuid: string): KnownRun | undefined {
    return this.runs[this.#runIndexes.get(uuid) ?? -1];
  }

  /** Yields the directories of a run that have files. */
  *foldersOf(run: KnownRun): Generator<{ readonly id: FolderId; readonly path: string }> {
    for (const id of run.folders) yield { id, path: this.#folders[id]!.path };
  }

  /** Returns the directories that the store probably has of a run: none of one that was never stored. */
  expectedDirectoriesOf(run: KnownRun): string[] {
    if (run.owner === null) return [];
    return [...this.foldersOf(run)].map(({ path }) => path).concat(MANIFEST_DIRECTORY);
  }

  *filesOf(run: KnownRun): Generator<FileId> {
    for (const folder of run.folders) yield* this.table.inFolder(folder);
  }

  /** Returns the row of a key; adds one if it has none. */
  idOf(key: string): FileId {
    const slash = key.indexOf('/');
    const last = key.lastIndexOf('/');
    const run = this.#runOf(key.slice(0, slash));
    return this.table.intern(
      this.onFolder(run.index, key.slice(slash + 1, Math.max(slash + 1, last))),
      key.slice(last + 1),
    );
  }

  #takeEntry(id: FileId, { file, crc32, object, isRecent, generation = 0 }: JournalEntry): void {
    const { table } = this;
    table.fileBytes[id] = file.sizeBytes;
    table.mtimeNs[id] = file.mtimeNs;
    table.ctimeNs[id] = file.ctimeNs;
    table.ino[id] = file.ino;
    table.crc[id] = crc32;
    table.etags.set(id, object.etag);
    table.objectBytes[id] = object.sizeBytes;
    table.generation[id] = generation;
    table.set(id, FLAG.journalled | FLAG.stored);
    table.set(id, FLAG.replaced, false);
    table.set(id, FLAG.recent, isRecent);
    const segment = this.segments.get(id);
    if (segment !== undefined && (segment.end <= object.sizeBytes || segment.generation !== generation))
      this.segments.delete(id);
  }

  /** Drops the entries of a run, because they describe the files of another directory. */
  #disown(run: KnownRun): void {
    for (const id of this.filesOf(run)) {
      this.table.set(id, FLAG.journalled | FLAG.same | FLAG.replaced | FLAG.recent, false);
      this.intents.delete(id);
      this.segments.delete(id);
      this.growth.delete(id);
      this.commits.delete(id);
      this.evaluate(id);
    }
  }

  #storedBytes(id: FileId): number {
    return Math.max(this.table.objectBytes[id]!, this.segments.get(id)?.end ?? 0);
  }

  #isSettled(id: FileId): boolean {
    const { table } = this;
    const needed = FLAG.journalled | FLAG.stored | FLAG.same;
    const flags = table.flags[id]!;
    if ((flags & needed) !== needed || (flags & (FLAG.recent | FLAG.replaced)) !== 0) return false;
    return table.objectBytes[id] === table.seenBytes[id] && !this.#isContinued(id, table.seenBytes[id]!);
  }

  #isContinued(id: FileId, sizeBytes: number): boolean {
    return this.segmentEndOf(id, this.table.generation[id]!) > sizeBytes;
  }

  #onSegmentEnd(id: FileId, { generation, end }: Pick<SegmentPlace, 'generation' | 'end'>): void {
    const ends = this.#segmentEnds.get(id) ?? new Map<number, number>();
    this.#segmentEnds.set(id, ends.set(generation, Math.max(ends.get(generation) ?? 0, end)));
  }

  /** Returns true while the file exists according to the last scan, and is not generated. */
  #isFound(id: FileId): boolean {
    return this.table.has(id, FLAG.onDisk) && !this.table.has(id, FLAG.generated);
  }

  #leave(id: FileId): void {
    if (this.table.has(id, FLAG.dirty)) this.runOf(id).dirtyFiles -= 1;
    this.table.set(id, FLAG.onDisk | FLAG.dirty, false);
  }

  #versionOf(id: FileId): FileVersion {
    const { table } = this;
    return {
      sizeBytes: table.fileBytes[id]!,
      mtimeNs: table.mtimeNs[id]!,
      ctimeNs: table.ctimeNs[id]!,
      ino: table.ino[id]!,
    };
  }

  #runOf(uuid: string): KnownRun {
    const known = this.#runIndexes.get(uuid);
    if (known !== undefined) return this.runs[known]!;
    const run = createKnownRun(this.#freeRuns.pop() ?? this.runs.length, uuid);
    this.runs[run.index] = run;
    this.#runIndexes.set(uuid, run.index);
    return run;
  }

  #now(): number {
    return this.#toTicks(this.#clock.monotonicMs());
  }

  /** Converts to ticks of 10 ms since the start; 32 bits are enough for 497 days. */
  #toTicks(monotonicMs: number): number {
    return Math.max(0, Math.floor((monotonicMs - this.#startMs) / TICK_MS)) >>> 0;
  }

  #msSince(ticks: number): number {
    return Math.max(0, this.#clock.monotonicMs() - this.#startMs - ticks * TICK_MS);
  }
}

function toFolderKey({ run, path }: Folder): string {
  return `${run}/${path}`;
}

/** Mixes both timestamps and the inode into 32 bits: equal for the same version. */
function toStamp({ mtimeNs, ctimeNs, ino }: FileVersion): number {
  const mtime = Number(mtimeNs & 0xffffffffn);
  const ctime = Number(ctimeNs & 0xffffffffn);
  return (mtime ^ Math.imul(ctime, 0x9e3779b1) ^ Math.imul(Number(ino & 0xffffffffn), 0x85ebca6b)) >>> 0;
}

/** Remembers in which runs the event files of each log directory were stored, so that they stay there. */
class StoredLogDirectories {
  /** By `<uuid>/<directory>`: the number of the last entry of an event file in it. */
  readonly #entries = new Map<string, number>();
  #count = 0;

  /** Takes the entries of a journal in their order. */
  readonly onEntry = ({ key }: Pick<JournalEntry, 'key'>): void => {
    this.#count += 1;
    const slash = key.lastIndexOf('/');
    if (key.includes(EVENT_FILE_MARK, slash)) this.#entries.set(key.slice(0, slash), this.#count);
  };

  /** Returns when event files of a directory of a run were last stored, as a number that increases; undefined if never. */
  lastStored(runUuid: string, directory: string): number | undefined {
    return this.#entries.get(`${runUuid}/${directory}`);
  }
}
