/**
 * The journal: what the store has acknowledged, so that the next pass need not ask again.
 *
 * It never runs ahead of an acknowledgement and may fall behind one; losing it, whole or in part, costs comparing checksums. So a disk
 * that refuses the journal never stops a pass: the journal falls silent, once, with a notice.
 */

import { messageOf } from '../src/errors.js';
import { StateDirectoryError } from './errors.js';
import type { FileSystem, WritableFile } from './io/file-system.js';
import { isAbsent } from './io/system-error.js';
import { readWholeFile, replaceFile } from './io/whole-file.js';
import { encodeJournalLine, JOURNAL_VERSION, type JournalRecord, replayJournal } from './journal-codec.js';
import type { JournalEntry, JournalView } from './journal-view.js';
import type { StatePaths } from './state-directory.js';
import type { StoreNotice } from './store/store.js';

const FILE_MODE = 0o600;
const MAX_JOURNAL_BYTES = 2 ** 31 - 1;
/** Lines are synced in groups: a crash costs at most this many comparisons. */
const LINES_PER_SYNC = 64;
/** A journal with more lines than this, most of them superseded, is written anew when it is opened. */
const COMPACT_ABOVE_LINES = 1024;
const COMPACT_RATIO = 4;

export interface OpenedJournal {
  readonly view: JournalView;
  /** Records an acknowledged commit. Never rejects. */
  append(entry: JournalEntry): Promise<void>;
  /** Resolves once everything appended is on the disk, or the journal has fallen silent. */
  close(): Promise<void>;
}

/**
 * The journal's content without touching it: nothing when it is absent, of another root, or of another version. Throws
 * `StateDirectoryError`.
 */
export async function readJournal(fileSystem: FileSystem, paths: StatePaths): Promise<JournalView> {
  try {
    const replay = replayJournal(await readBytes(fileSystem, paths));
    return isOurs(replay.header, paths) ? replay.entries : new Map();
  } catch (cause) {
    throw new StateDirectoryError(paths.directory, 'read the journal', { cause });
  }
}

/**
 * Replays the journal and opens it for appending. A damaged one is set aside as `journal.quarantine`, its good part kept.
 * Needs the lock. Throws `StateDirectoryError`.
 */
export async function openJournal(
  fileSystem: FileSystem,
  paths: StatePaths,
  onNotice: (notice: StoreNotice) => void,
): Promise<OpenedJournal> {
  try {
    const bytes = await readBytes(fileSystem, paths);
    const replay = replayJournal(bytes);
    const isKept = isOurs(replay.header, paths);
    const entries = isKept ? replay.entries : new Map<string, JournalEntry>();
    if (replay.damage === 'corrupt' || (bytes.length > 0 && !isKept)) {
      await fileSystem.rename(paths.journal, paths.quarantine);
      const found = isKept ? `damaged after ${replay.lineCount} good lines` : 'of another root or version';
      onNotice({
        code: 'NOTICE_JOURNAL_QUARANTINED',
        message: `${paths.journal} is ${found}; it is kept as ${paths.quarantine}`,
      });
    }
    const isWasteful =
      replay.lineCount > COMPACT_ABOVE_LINES && replay.lineCount > COMPACT_RATIO * entries.size;
    const isAsIs = replay.damage === 'none' && isKept && !isWasteful;
    const lineCount = isAsIs ? replay.lineCount : await rewrite(fileSystem, paths, entries);
    const file = await fileSystem.openForWriting(paths.journal, 'append', FILE_MODE);
    return new AppendingJournal(file, paths, { entries, lineCount, onNotice });
  } catch (cause) {
    throw new StateDirectoryError(paths.directory, 'open the journal', { cause });
  }
}

class AppendingJournal implements OpenedJournal {
  readonly view: Map<string, JournalEntry>;
  readonly #paths: StatePaths;
  readonly #onNotice: (notice: StoreNotice) => void;
  #file: WritableFile | null;
  #nextSeq: number;
  #unsyncedLines = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(
    file: WritableFile,
    paths: StatePaths,
    state: { entries: Map<string, JournalEntry>; lineCount: number; onNotice: (notice: StoreNotice) => void },
  ) {
    this.#file = file;
    this.#paths = paths;
    this.view = state.entries;
    this.#nextSeq = state.lineCount;
    this.#onNotice = state.onNotice;
  }

  append(entry: JournalEntry): Promise<void> {
    this.view.set(entry.key, entry);
    return this.#enqueue(async (file) => {
      await file.append(encodeJournalLine(this.#nextSeq, { kind: 'done', entry }));
      this.#nextSeq += 1;
      this.#unsyncedLines += 1;
      if (this.#unsyncedLines >= LINES_PER_SYNC) await this.#sync(file);
    });
  }

  async close(): Promise<void> {
    await this.#enqueue((file) => this.#sync(file));
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  async #sync(file: WritableFile): Promise<void> {
    await file.sync();
    this.#unsyncedLines = 0;
  }

  /** One write at a time, so that lines never interleave. After a failure none: a line behind a torn one would never be read. */
  #enqueue(write: (file: WritableFile) => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      const file = this.#file;
      if (file === null) return;
      try {
        await write(file);
      } catch (error) {
        this.#file = null;
        this.#onNotice({
          code: 'NOTICE_JOURNAL_SILENT',
          message: `${this.#paths.journal}: ${messageOf(error)}; the next sync compares checksums instead`,
        });
        await file.close().catch(() => undefined); // the disk has refused already, and that was said
      }
    });
    return this.#queue;
  }
}

/** Writes the live entries as a new journal in place of the old one. Resolves to its number of lines. */
async function rewrite(fileSystem: FileSystem, paths: StatePaths, entries: JournalView): Promise<number> {
  const header: JournalRecord = { kind: 'header', version: JOURNAL_VERSION, rootId: paths.rootId };
  const records = [header, ...[...entries.values()].map((entry) => ({ kind: 'done', entry }) as const)];
  const bytes = Buffer.concat(records.map((record, seq) => encodeJournalLine(seq, record)));
  const { directory, journal: path, temporaryJournal: temporaryPath } = paths;
  await replaceFile(fileSystem, { directory, path, temporaryPath }, bytes, FILE_MODE);
  return records.length;
}

async function readBytes(fileSystem: FileSystem, paths: StatePaths): Promise<Buffer> {
  try {
    return await readWholeFile(fileSystem, paths.journal, MAX_JOURNAL_BYTES);
  } catch (error) {
    if (isAbsent(error)) return Buffer.alloc(0);
    throw error;
  }
}

function isOurs(header: { version: number; rootId: string } | null, paths: StatePaths): boolean {
  return header !== null && header.version === JOURNAL_VERSION && header.rootId === paths.rootId;
}
