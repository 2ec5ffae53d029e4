/**
 * Finds and replays the files of a journal, `journal-<number>` in the state directory.
 *
 * The replay begins at the last snapshot and continues in the order of the numbers. A file with an incomplete last line is normal after
 * a crash; a corrupt file ends the replay.
 */

import { join } from 'node:path';
import { StateDirectoryError } from '../../base/errors.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { isAbsent } from '../../base/io/system-error.js';
import { JOURNAL_VERSION, type LineScan, LineScanner } from './journal-codec.js';
import type {
  JournalEntry,
  JournalHeader,
  JournalRecord,
  OpenIntent,
  RunConflict,
  RunOwner,
  SegmentEntry,
  UnknownRecord,
} from './journal-entry.js';
import type { StatePaths } from './state-directory.js';

const CHUNK_BYTES = 128 * 1024;
/** Bytes to read for a header, which is far shorter. */
const HEADER_BYTES = 1024;
const FILE_NAME = /^journal-(\d{6,12})$/;

/** The owner that a journal must have to be replayed. */
export interface JournalOwner {
  readonly rootKey: string;
  readonly hostId: string;
}

/** Receives the records of the journal in order: a later entry of a key replaces an earlier one. */
export interface JournalSink {
  onEntry(entry: JournalEntry): void;
  onSegment(segment: SegmentEntry): void;
  onOwner?(owner: RunOwner): void;
  onConflict?(conflict: RunConflict): void;
  /** The replay has ended. Called before anything is written, because a snapshot contains what the sink has. */
  onReplayed?(replay: JournalReplay): void;
}

export interface JournalReplay {
  /** The numbers of all existing files, ascending. */
  readonly numbers: readonly number[];
  /** Total size of the replayed files. */
  readonly sizeBytes: number;
  readonly openIntents: readonly OpenIntent[];
  /** Keys of intents whose process was killed since the last sweep. */
  readonly crashedKeys: readonly string[];
  /** Where the replay ended early: the first file that cannot be trusted. */
  readonly damagedAt: { readonly number: number; readonly found: string } | null;
}

export function toJournalPath(paths: StatePaths, number: number): string {
  return join(paths.directory, `journal-${String(number).padStart(6, '0')}`);
}

/** Replays the journal without changing it. Throws `StateDirectoryError` when the state directory cannot be read. */
export async function replayFiles(
  fileSystem: FileSystem,
  paths: StatePaths,
  owner: JournalOwner,
  sink: JournalSink,
): Promise<JournalReplay> {
  try {
    return await replay(fileSystem, paths, owner, sink);
  } catch (cause) {
    throw new StateDirectoryError(paths.directory, 'read the journal', { cause });
  }
}

async function replay(
  fileSystem: FileSystem,
  paths: StatePaths,
  owner: JournalOwner,
  sink: JournalSink,
): Promise<JournalReplay> {
  const numbers = await listNumbers(fileSystem, paths);
  const first = await findSnapshot(fileSystem, paths, numbers);
  const intents = new Map<string, OpenIntent>();
  const crashed = new Set<string>();
  let sizeBytes = 0;
  let damagedAt: JournalReplay['damagedAt'] = null;
  for (const number of numbers.filter((each) => each >= first)) {
    let isWhole = number !== first || first === 0;
    const scanner: LineScanner = new LineScanner((record) => {
      if (!isOwned(scanner.header, owner)) return;
      if (record.kind === 'snapshot-end') isWhole = true;
      else takeRecord(record, sink, intents, crashed);
    });
    const { header, damage, lineCount, goodBytes } = await scanJournalFile(
      fileSystem,
      toJournalPath(paths, number),
      scanner,
    );
    sizeBytes += goodBytes;
    if (header === null && damage !== 'corrupt') continue; // the process crashed right after it created the file
    if (!isOwned(header, owner)) damagedAt = { number, found: 'belongs to another root, host or version' };
    else if (damage === 'corrupt' || !isWhole)
      damagedAt = { number, found: `is damaged after ${lineCount} valid lines` };
    if (damagedAt !== null) break;
  }
  const openIntents = [...intents.values()];
  const replayed = { numbers, sizeBytes, openIntents, crashedKeys: [...crashed], damagedAt };
  sink.onReplayed?.(replayed);
  return replayed;
}

/** Lists the numbers of the existing files, ascending; empty when the directory does not exist. */
async function listNumbers(fileSystem: FileSystem, paths: StatePaths): Promise<number[]> {
  try {
    const names = await fileSystem.readDirectory(paths.directory);
    return names
      .flatMap((name) => FILE_NAME.exec(name.toString('latin1'))?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

/** Returns the number of the last file that begins with a snapshot; 0 when none does. */
async function findSnapshot(
  fileSystem: FileSystem,
  paths: StatePaths,
  numbers: readonly number[],
): Promise<number> {
  for (const number of [...numbers].reverse()) {
    const scanner = new LineScanner(() => undefined);
    await scanJournalFile(fileSystem, toJournalPath(paths, number), scanner, HEADER_BYTES);
    if (scanner.header?.isSnapshot === true) return number;
  }
  return 0;
}

/** Passes a file, or its first `maxBytes` bytes, to a scanner. */
export async function scanJournalFile(
  fileSystem: FileSystem,
  path: string,
  scanner: LineScanner,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<LineScan> {
  const file = await fileSystem.openForReading(path);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, maxBytes));
    for (let position = 0; position < maxBytes; ) {
      const count = await file.read(buffer, position);
      if (count === 0) break;
      scanner.push(buffer.subarray(0, count));
      position += count;
    }
    return scanner.result();
  } finally {
    await file.close();
  }
}

function takeRecord(
  record: JournalRecord | UnknownRecord,
  sink: JournalSink,
  intents: Map<string, OpenIntent>,
  crashed: Set<string>,
): void {
  switch (record.kind) {
    case 'done':
      if (record.tx !== undefined) intents.delete(record.tx);
      sink.onEntry(record.entry);
      break;
    case 'intent':
      intents.set(record.intent.tx, { intent: record.intent, uploadId: null, parts: [] });
      break;
    case 'mpu': {
      const open = intents.get(record.tx);
      if (open !== undefined) intents.set(record.tx, { ...open, uploadId: record.uploadId, parts: [] });
      break;
    }
    case 'part':
      intents.get(record.tx)?.parts.push(record.part);
      break;
    case 'drop':
      intents.delete(record.tx);
      break;
    case 'segment':
      sink.onSegment(record.segment);
      break;
    case 'owner':
      sink.onOwner?.(record.owner);
      break;
    case 'conflict':
      sink.onConflict?.(record.conflict);
      break;
    case 'crashed':
      crashed.add(record.key);
      break;
    case 'swept':
      crashed.clear();
      break;
    case 'header':
    case 'snapshot-end':
    case 'unknown':
  }
}

function isOwned(header: JournalHeader | null, { rootKey, hostId }: JournalOwner): boolean {
  return header?.version === JOURNAL_VERSION && header.rootKey === rootKey && header.hostId === hostId;
}
