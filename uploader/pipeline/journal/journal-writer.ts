/**
 * The recorder: writes the journal, so that the next process need not ask the store what it has acknowledged.
 *
 * The journal never runs ahead of an acknowledgement and may fall behind one; losing it, whole or in part, costs comparing checksums. So a
 * disk that refuses it never stops an upload: the recorder first tries a new file, then falls silent, says so once, and
 * tries again every minute.
 */

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
  scanFile,
  toJournalPath,
} from './journal-files.js';
import type { StatePaths } from './state-directory.js';

const FILE_MODE = 0o600;
/** Lines are synced in groups: a crash costs at most this much re-verification. */
const LINES_PER_SYNC = 64;
const SYNC_AFTER_MS = 250;
const FILE_BYTES = 8 * 1024 * 1024;
/** Files that hold more than this many times what is alive, and more than `COMPACT_ABOVE_BYTES`, are replaced by a snapshot. */
const COMPACT_RATIO = 4;
const COMPACT_ABOVE_BYTES = 1024 * 1024;
const MAX_FILES_KEPT = 8;
const RECORDS_PER_PIECE = 4096;
const BALLAST_BYTES = 1024 * 1024;
const RECOVER_AFTER_MS = 60_000;

export interface JournalWriterOptions {
  readonly io: Io;
  readonly paths: StatePaths;
  readonly owner: JournalOwner;
  /** Takes what earlier processes have recorded. */
  readonly sink: JournalSink;
  /** All that is worth remembering, for a snapshot. */
  readonly live: () => Iterable<JournalRecord>;
  readonly onNotice: (notice: StoreNotice) => void;
}

/** Opens the journal for writing. Needs the lock. Throws `StateDirectoryError` when the state directory cannot be used at all. */
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
        message: `the journal is ${found}; it is kept as ${kept}`,
      });
      await journalWriter.beginAnew();
    }
    return { journalWriter, replay };
  } catch (cause) {
    await journalWriter?.discard();
    throw new StateDirectoryError(paths.directory, 'use the journal', { cause });
  }
}

/** Puts damaged files aside under a name that the replay does not know. Returns the last such name. */
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
  /** The disk refuses. What is recorded meanwhile is only in memory. */
  | { readonly kind: 'silent'; readonly sinceMs: number }
  | { readonly kind: 'closed' };

export class JournalWriter {
  readonly #options: JournalWriterOptions;
  #state: State = { kind: 'closed' };
  #numbers: number[];
  #next: number;
  /** Bytes in all files, and in the last snapshot. */
  #totalBytes: number;
  #liveBytes = 0;
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

  get isSilent(): boolean {
    return this.#state.kind === 'silent';
  }

  /** Makes the first file of this process; after many short processes all of their files become one. */
  async begin(): Promise<void> {
    await this.#makeBallast();
    await (this.#numbers.length > MAX_FILES_KEPT ? this.#writeSnapshot() : this.#openFile());
  }

  /** As `begin`, with all that is known in it: what is in earlier files is not to be trusted. */
  async beginAnew(): Promise<void> {
    await this.#makeBallast();
    await this.#writeSnapshot();
  }

  /** Records in order. Resolves once it is written, or cannot be: never rejects. Synced a little later. */
  append(...records: readonly JournalRecord[]): Promise<void> {
    this.#waiting.push(...records);
    return this.#schedule(async () => undefined);
  }

  /** Resolves once all that was appended is on the disk, or cannot be. */
  flush(): Promise<void> {
    return this.#schedule(() => this.#sync());
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.flush();
    await this.discard();
  }

  /** Closes without writing what waits. */
  async discard(): Promise<void> {
    await this.#closeFile();
    this.#state = { kind: 'closed' };
  }

  /** One at a time, so that lines never interleave; whatever waits is written in one go. */
  #schedule(then: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      const records = this.#waiting.splice(0);
      try {
        if (this.#state.kind === 'silent') await this.#tryToRecover();
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
    if (this.#state.bytes >= FILE_BYTES) await this.#rotate();
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
   * Syncs while further lines are written: on a busy disk it takes seconds, and a process that is killed meanwhile would
   * lose all that waited behind it.
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
    void sync();
  }

  /** The last lines of a burst are synced too, although nothing is appended after them. */
  #syncLater(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const wait = async (): Promise<void> => {
      try {
        await this.#options.io.clock.sleep(SYNC_AFTER_MS, this.#closing.signal);
      } catch {
        return; // closed, and synced by that
      }
      this.#isScheduled = false;
      this.#syncAside();
    };
    void wait();
  }

  /** A full file is followed by the next, or all of them by a snapshot. */
  async #rotate(): Promise<void> {
    await this.#sync();
    const isWasteful =
      this.#totalBytes > COMPACT_ABOVE_BYTES &&
      this.#totalBytes > COMPACT_RATIO * Math.max(this.#liveBytes, 1);
    await (isWasteful ? this.#writeSnapshot() : this.#openFile());
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
   * Writes all that is alive into a file of its own. It gets its name once it is on the disk, and the older files go once
   * it has been read back: a crash in between leaves a journal that is whole.
   */
  async #writeSnapshot(): Promise<void> {
    await this.#closeFile();
    const { io, paths } = this.#options;
    const number = this.#takeNumber();
    const path = toJournalPath(paths, number);
    const temporaryPath = `${path}.partial`;
    await io.fileSystem.unlink(temporaryPath).catch(() => undefined); // usually there is none
    const file = await io.fileSystem.openForWriting(temporaryPath, 'create', FILE_MODE);
    this.#state = { kind: 'writing', file, lines: 0, bytes: 0, synced: 0 };
    await this.#writeLines([this.#toHeader(true)]);
    for (const records of inPieces(this.#options.live())) await this.#writeLines(records);
    await this.#writeLines([{ kind: 'snapshot-end' }]);
    await file.sync();
    await io.fileSystem.rename(temporaryPath, path);
    await io.fileSystem.syncDirectory(paths.directory);
    await this.#requireWhole(path);
    const older = this.#numbers;
    this.#numbers = [number];
    this.#liveBytes = this.#state.bytes;
    this.#totalBytes = this.#state.bytes;
    this.#state.synced = this.#state.lines;
    for (const each of older) await io.fileSystem.unlink(toJournalPath(paths, each)).catch(() => undefined); // replay begins at the snapshot, with or without them
  }

  async #requireWhole(path: string): Promise<void> {
    let isWhole = false;
    const scanner = new LineScanner(({ kind }) => {
      isWhole ||= kind === 'snapshot-end';
    });
    const { damage } = await scanFile(this.#options.io.fileSystem, path, scanner);
    if (damage !== 'none' || !isWhole)
      throw Object.assign(new Error(`${path} does not hold what was written`), { code: 'EIO' });
  }

  /**
   * A full disk: the ballast makes room for the records of a while. Any other failure: what the disk says about this file can no
   * longer be trusted, so all that is known goes into a new one. A failure of that is the end of it for a minute.
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
      await this.#fallSilent(cause);
    }
  }

  async #fallSilent(cause: unknown): Promise<void> {
    const { io, paths, onNotice } = this.#options;
    if (this.#state.kind !== 'silent') {
      const consequence = 'uploads go on; after a restart checksums are compared instead';
      onNotice({
        code: 'NOTICE_JOURNAL_DISABLED',
        message: `${paths.directory}: the journal cannot be written: ${messageOf(cause)}; ${consequence}`,
      });
    }
    await this.#closeFile();
    this.#state = { kind: 'silent', sinceMs: io.clock.monotonicMs() };
  }

  async #tryToRecover(): Promise<void> {
    const { io, onNotice, paths } = this.#options;
    if (this.#state.kind !== 'silent' || io.clock.monotonicMs() - this.#state.sinceMs < RECOVER_AFTER_MS)
      return;
    try {
      await this.#makeBallast();
      await this.#writeSnapshot();
      onNotice({
        code: 'NOTICE_JOURNAL_WRITTEN',
        message: `${paths.directory}: the journal is written again`,
      });
    } catch {
      // Said once already.
      await this.#closeFile();
      this.#state = { kind: 'silent', sinceMs: io.clock.monotonicMs() };
    }
  }

  async #closeFile(): Promise<void> {
    const state = this.#state;
    if (state.kind === 'writing') await state.file.close().catch(() => undefined); // its bytes are synced, or given up
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
      // There is one already, or there is no space for one: then the journal does without.
    }
  }

  #takeNumber(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  #toHeader(isSnapshot: boolean): JournalRecord {
    const { rootId, hostId } = this.#options.owner;
    return {
      kind: 'header',
      version: JOURNAL_VERSION,
      rootId,
      hostId,
      ...(isSnapshot ? { isSnapshot } : {}),
    };
  }
}

/** Groups of records, so that 100,000 of them are never lines in memory at once. */
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
