/**
 * Writes the journal, so that the next process need not ask the store which commits it has acknowledged.
 *
 * The journal never runs ahead of an acknowledgement and may fall behind one. If it is lost in whole or in part, checksums are compared
 * again. A failing disk therefore never stops an upload: the writer first tries a new file, then disables the journal, reports that once,
 * and retries every minute.
 *
 * Long because queue, sync, rotation and recovery from a failing disk share one state.
 */

import { inBackground } from '../../../src/base/background.js';
import { messageOf } from '../../../src/base/errors.js';
import { StateDirectoryError } from '../../base/errors.js';
import type { WritableFile } from '../../base/io/file-system.js';
import type { Io } from '../../base/io/io.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import type { StoreNotice } from '../../store/base/store.js';
import { encodeJournalLine, JOURNAL_VERSION, LineScanner } from './journal-codec.js';
import type { JournalRecord } from './journal-entry.js';
import {
  type JournalOwner,
  type JournalReplay,
  type JournalSink,
  replayFiles,
  scanJournalFile,
  toJournalPath,
} from './journal-files.js';
import type { StatePaths } from './state-directory.js';

const FILE_MODE = 0o600;
/** Lines are synced in groups; after a crash at most one group of commits is verified again. */
const LINES_PER_SYNC = 64;
const SYNC_AFTER_MS = 250;
const FILE_BYTES = 8 * 1024 * 1024;
/** Files larger than this multiple of what a snapshot needs, and than `COMPACT_ABOVE_BYTES`, are replaced by a snapshot. */
const COMPACT_RATIO = 4;
const COMPACT_ABOVE_BYTES = 256 * 1024;
/** The usual length of a line. */
const LINE_BYTES = 280;
const MAX_FILES_KEPT = 8;
const RECORDS_PER_PIECE = 4096;
const BALLAST_BYTES = 1024 * 1024;
const RECOVER_AFTER_MS = 60_000;

interface JournalWriterOptions {
  readonly io: Io;
  readonly paths: StatePaths;
  readonly owner: JournalOwner;
  /** Receives the records of earlier processes. */
  readonly sink: JournalSink;
  /** Returns all records that a snapshot needs. */
  readonly live: () => Iterable<JournalRecord>;
  /** Returns about how many records these are. */
  readonly liveCount: () => number;
  readonly onNotice: (notice: StoreNotice) => void;
}

/** Opens the journal for writing. The caller must hold the lock. Throws `StateDirectoryError` when the state directory is unusable. */
export async function openJournalWriter(
  options: JournalWriterOptions,
): Promise<{ journalWriter: JournalWriter; replay: JournalReplay }> {
  const { io, paths, owner, sink, onNotice } = options;
  let journalWriter: JournalWriter | undefined;
  try {
    const replay = await replayFiles(io.fileSystem, paths, owner, sink);
    journalWriter = new JournalWriter(options, replay);
    if (replay.damagedAt === null) await journalWriter.begin();
    else {
      const { number, found } = replay.damagedAt;
      const kept = await quarantine(
        options,
        replay.numbers.filter((each) => each >= number),
      );
      onNotice({
        code: 'NOTICE_JOURNAL_QUARANTINED',
        message: `the journal ${found}; it is kept as ${kept}`,
      });
      await journalWriter.restart();
    }
    return { journalWriter, replay };
  } catch (cause) {
    await journalWriter?.discard();
    if (cause instanceof StateDirectoryError) throw cause;
    throw new StateDirectoryError(paths.directory, 'use the journal', { cause });
  }
}

/** Quarantines damaged files by renaming them, so that the replay ignores them. Returns the last new path. */
async function quarantine({ io, paths }: JournalWriterOptions, numbers: readonly number[]): Promise<string> {
  let path = '';
  for (const number of numbers) {
    path = `${toJournalPath(paths, number)}.quarantine`;
    await io.fileSystem.rename(toJournalPath(paths, number), path);
  }
  return path;
}

type State =
  | { readonly kind: 'writing'; readonly file: WritableFile; lines: number; bytes: number; synced: number }
  /** The disk failed. Until the writer recovers, records are kept in memory only. */
  | { readonly kind: 'disabled'; readonly sinceMs: number }
  | { readonly kind: 'closed' };

export class JournalWriter {
  readonly #options: JournalWriterOptions;
  #state: State = { kind: 'closed' };
  #numbers: number[];
  #next: number;
  /** Bytes in all files. */
  #totalBytes: number;
  #waiting: JournalRecord[] = [];
  #writing: Promise<void> = Promise.resolve();
  #isScheduled = false;
  readonly #closing = new AbortController();
  #lastSyncMs = 0;
  #isSyncing = false;

  constructor(options: JournalWriterOptions, replay: JournalReplay) {
    this.#options = options;
    this.#numbers = replay.numbers.filter(
      (number) => number < (replay.damagedAt?.number ?? Number.POSITIVE_INFINITY),
    );
    this.#next = (replay.numbers.at(-1) ?? 0) + 1;
    this.#totalBytes = replay.sizeBytes;
  }

  get isDisabled(): boolean {
    return this.#state.kind === 'disabled';
  }

  /** Creates the first file of this process. If killed processes have left many files, it writes a snapshot that replaces them. */
  async begin(): Promise<void> {
    await this.#makeBallast();
    await (this.#numbers.length > MAX_FILES_KEPT ? this.#writeSnapshot() : this.#openFile());
  }

  /** Like `begin`, but always with a snapshot, because earlier files cannot be trusted. */
  async restart(): Promise<void> {
    await this.#makeBallast();
    await this.#writeSnapshot();
  }

  /** Appends records in order. Resolves once they are written or writing has failed; never rejects. They are synced within 250 ms or 64 lines. */
  append(...records: readonly JournalRecord[]): Promise<void> {
    this.#waiting.push(...records);
    return this.#schedule(async () => undefined);
  }

  /** Resolves once all appended records are synced to disk, or writing has failed. */
  flush(): Promise<void> {
    return this.#schedule(() => this.#sync());
  }

  /** Closes the journal. If many files exist, or most of their lines are no longer needed, a snapshot replaces them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#schedule(async () => {
      await this.#sync();
      const isLong = this.#numbers.length >= MAX_FILES_KEPT || this.#isWasteful;
      if (isLong && this.#state.kind === 'writing') await this.#writeSnapshot();
    });
    await this.discard();
  }

  /** Closes without writing pending records. */
  async discard(): Promise<void> {
    await this.#closeFile();
    this.#state = { kind: 'closed' };
  }

  /** Runs one write at a time, so that lines never interleave, and writes all pending records together. */
  #schedule(then: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const records = this.#waiting.splice(0);
      try {
        if (this.#state.kind === 'disabled') await this.#tryToRecover();
        else await this.#write(records);
        await then();
      } catch (error) {
        await this.#recoverFrom(error, records);
      }
    });
    return this.#writing;
  }

  async #write(records: readonly JournalRecord[]): Promise<void> {
    if (records.length === 0 || this.#state.kind !== 'writing') return;
    if (this.#state.bytes >= FILE_BYTES || this.#isWasteful) await this.#rotate();
    await this.#writeLines(records);
    const { clock } = this.#options.io;
    const isDue = clock.monotonicMs() - this.#lastSyncMs >= SYNC_AFTER_MS;
    if (this.#state.lines - this.#state.synced >= LINES_PER_SYNC || isDue) this.#syncAside();
    else this.#syncLater();
  }

  async #writeLines(records: readonly JournalRecord[]): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'writing') return;
    const lines = records.map((record, index) => encodeJournalLine(state.lines + index, record));
    const bytes = Buffer.concat(lines);
    await state.file.append(bytes);
    state.lines += lines.length;
    state.bytes += bytes.length;
    this.#totalBytes += bytes.length;
  }

  async #sync(): Promise<void> {
    this.#lastSyncMs = this.#options.io.clock.monotonicMs();
    const state = this.#state;
    if (state.kind !== 'writing' || state.synced === state.lines) return;
    const { lines } = state;
    await state.file.sync();
    state.synced = Math.max(state.synced, lines);
  }

  /**
   * Syncs while further lines are written. On a busy disk a sync takes seconds, and a process killed during it would lose all lines that
   * waited for it.
   */
  #syncAside(): void {
    if (this.#isSyncing) {
      this.#syncLater();
      return;
    }
    this.#isSyncing = true;
    const state = this.#state;
    const sync = async (): Promise<void> => {
      try {
        await this.#sync();
      } catch (error) {
        const isCurrent = (): boolean => this.#state === state;
        await this.#schedule(() => (isCurrent() ? Promise.reject(error) : Promise.resolve()));
      } finally {
        this.#isSyncing = false;
      }
    };
    inBackground(sync());
  }

  /** Schedules a sync, so that the last lines of a burst are synced even if nothing is appended after them. */
  #syncLater(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const wait = async (): Promise<void> => {
      try {
        await this.#options.io.clock.sleep(SYNC_AFTER_MS, this.#closing.signal);
      } catch {
        return; // `close` syncs
      }
      this.#isScheduled = false;
      this.#syncAside();
    };
    inBackground(wait());
  }

  /** Starts the next file when one is full, or replaces all files by a snapshot. */
  async #rotate(): Promise<void> {
    await this.#sync();
    await (this.#isWasteful ? this.#writeSnapshot() : this.#openFile());
  }

  /** Whether most of the journal is about commits that were replaced, or runs that are gone. */
  get #isWasteful(): boolean {
    const liveBytes = LINE_BYTES * this.#options.liveCount();
    return this.#totalBytes > Math.max(COMPACT_ABOVE_BYTES, COMPACT_RATIO * liveBytes);
  }

  async #openFile(): Promise<void> {
    await this.#closeFile();
    const { io, paths } = this.#options;
    const number = this.#takeNumber();
    const file = await io.fileSystem.openForWriting(toJournalPath(paths, number), 'create', FILE_MODE);
    this.#numbers.push(number);
    this.#state = { kind: 'writing', file, lines: 0, bytes: 0, synced: 0 };
    await this.#writeLines([this.#toHeader(false)]);
    await io.fileSystem.syncDirectory(paths.directory);
  }

  /**
   * Writes all live records to a new file. The file is renamed once it is synced and read back, and older files are removed after that, so
   * that a crash or damage at any point leaves a complete journal.
   */
  async #writeSnapshot(): Promise<void> {
    await this.#closeFile();
    const { io, paths } = this.#options;
    const number = this.#takeNumber();
    const path = toJournalPath(paths, number);
    const temporaryPath = `${path}.partial`;
    await io.fileSystem.unlink(temporaryPath).catch(() => undefined); // usually it does not exist
    const file = await io.fileSystem.openForWriting(temporaryPath, 'create', FILE_MODE);
    this.#state = { kind: 'writing', file, lines: 0, bytes: 0, synced: 0 };
    await this.#writeLines([this.#toHeader(true)]);
    for (const records of inPieces(this.#options.live())) await this.#writeLines(records);
    await this.#writeLines([{ kind: 'snapshot-end' }]);
    await file.sync();
    await this.#requireWhole(temporaryPath);
    await io.fileSystem.rename(temporaryPath, path);
    await io.fileSystem.syncDirectory(paths.directory);
    const older = this.#numbers;
    this.#numbers = [number];
    this.#totalBytes = this.#state.bytes;
    this.#state.synced = this.#state.lines;
    for (const each of older) await io.fileSystem.unlink(toJournalPath(paths, each)).catch(() => undefined); // replay begins at the snapshot and ignores them
  }

  async #requireWhole(path: string): Promise<void> {
    let isWhole = false;
    const scanner = new LineScanner(({ kind }) => {
      isWhole ||= kind === 'snapshot-end';
    });
    const { damage } = await scanJournalFile(this.#options.io.fileSystem, path, scanner);
    if (damage !== 'none' || !isWhole)
      throw Object.assign(new Error(`${path} differs from what was written`), { code: 'EIO' });
  }

  /**
   * Recovers from a failed write. On a full disk, removing the ballast makes room for further records. After any other failure the current
   * file cannot be trusted, so a snapshot is written to a new one. If that fails too, the journal is disabled for a minute.
   */
  async #recoverFrom(error: unknown, records: readonly JournalRecord[]): Promise<void> {
    try {
      if (this.#state.kind !== 'writing') throw error;
      if (systemErrorCode(error) === 'ENOSPC') {
        await this.#options.io.fileSystem.unlink(this.#options.paths.ballast);
        await this.#openFile();
        await this.#writeLines(records);
      } else await this.#writeSnapshot();
      await this.#sync();
    } catch (cause) {
      await this.#disable(cause);
    }
  }

  async #disable(cause: unknown): Promise<void> {
    const { io, paths, onNotice } = this.#options;
    if (this.#state.kind !== 'disabled') {
      const consequence = 'uploads continue; after a restart, checksums are compared instead';
      onNotice({
        code: 'NOTICE_JOURNAL_DISABLED',
        message: `${paths.directory}: the journal cannot be written: ${messageOf(cause)}; ${consequence}`,
      });
    }
    await this.#closeFile();
    this.#state = { kind: 'disabled', sinceMs: io.clock.monotonicMs() };
  }

  async #tryToRecover(): Promise<void> {
    const { io, onNotice, paths } = this.#options;
    if (this.#state.kind !== 'disabled' || io.clock.monotonicMs() - this.#state.sinceMs < RECOVER_AFTER_MS)
      return;
    try {
      await this.#makeBallast();
      await this.#writeSnapshot();
      onNotice({
        code: 'NOTICE_JOURNAL_WRITTEN',
        message: `${paths.directory}: the journal can be written again`,
      });
    } catch {
      // Reported already.
      await this.#closeFile();
      this.#state = { kind: 'disabled', sinceMs: io.clock.monotonicMs() };
    }
  }

  async #closeFile(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'writing') await state.file.close().catch(() => undefined); // its bytes are synced, or the file is abandoned
  }

  async #makeBallast(): Promise<void> {
    const { io, paths } = this.#options;
    try {
      const file = await io.fileSystem.openForWriting(paths.ballast, 'create', FILE_MODE);
      try {
        await file.append(Buffer.alloc(BALLAST_BYTES));
      } finally {
        await file.close();
      }
    } catch {
      // The ballast exists already, or the disk has no space for it; the journal works without it.
    }
  }

  #takeNumber(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  #toHeader(isSnapshot: boolean): JournalRecord {
    const { rootKey, hostId } = this.#options.owner;
    return {
      kind: 'header',
      version: JOURNAL_VERSION,
      rootKey,
      hostId,
      ...(isSnapshot ? { isSnapshot } : {}),
    };
  }
}

/** Yields records in groups, so that the lines of 100,000 records are never in memory at once. */
function* inPieces(records: Iterable<JournalRecord>): Generator<JournalRecord[]> {
  let piece: JournalRecord[] = [];
  for (const record of records) {
    piece.push(record);
    if (piece.length < RECORDS_PER_PIECE) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
