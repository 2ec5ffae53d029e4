/**
 * The files of a journal, `journal-<number>` in the state directory, and what they say together.
 *
 * Replay begins at the last whole snapshot and goes on in the order of the numbers. A file that was torn at its end is what a crash
 * leaves; one that is corrupt ends the replay.
 */

import { join } from 'node:path';
import type { FileSystem } from '../../base/io/file-system.js';
import { isAbsent } from '../../base/io/system-error.js';
import { JOURNAL_VERSION, type LineScan, LineScanner } from './journal-codec.js';
import type {
  JournalEntry,
  JournalHeader,
  JournalRecord,
  OpenIntent,
  SegmentEntry,
  UnknownRecord,
} from './journal-entry.js';
import type { StatePaths } from './state-directory.js';

const CHUNK_BYTES = 1024 * 1024;
/** A header is far shorter. */
const HEADER_BYTES = 1024;
const FILE_NAME = /^journal-(\d{6,12})$/;

/** Whose journal it has to be. */
export interface JournalOwner {
  readonly rootId: string;
  readonly hostId: string;
}

/** Takes what the journal remembers, in order: a later entry of a key replaces an earlier one. */
export interface JournalSink {
  onEntry(entry: JournalEntry): void;
  onSegment(segment: SegmentEntry): void;
  /** All of it was taken. Before anything is written: a snapshot holds what the sink remembers. */
  onReplayed?(replay: JournalReplay): void;
}

export interface JournalReplay {
  /** The numbers of all files that are there, ascending. */
  readonly numbers: readonly number[];
  /** Bytes of the files that were replayed. */
  readonly sizeBytes: number;
  readonly openIntents: readonly OpenIntent[];
  /** Keys of intents that earlier processes were killed over, since the last sweep. */
  readonly crashedKeys: readonly string[];
  /** Where the replay ended early: the first file that must not be believed any further. */
  readonly damagedAt: { readonly number: number; readonly found: string } | null;
}

export function toJournalPath(paths: StatePaths, number: number): string {
  return join(paths.directory, `journal-${String(number).padStart(6, '0')}`);
}

/** Replays the journal without touching it. Rejects when the state directory cannot be read. */
export async function replayFiles(
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
    const { header, damage, lineCount, goodBytes } = await scanFile(
      fileSystem,
      toJournalPath(paths, number),
      scanner,
    );
    sizeBytes += goodBytes;
    if (header === null && damage !== 'corrupt') continue; // made, and then the crash
    if (!isOwned(header, owner)) damagedAt = { number, found: 'of another root, host or version' };
    else if (damage === 'corrupt' || !isWhole)
      damagedAt = { number, found: `damaged after ${lineCount} good lines` };
    if (damagedAt !== null) break;
  }
  const openIntents = [...intents.values()];
  const replay = { numbers, sizeBytes, openIntents, crashedKeys: [...crashed], damagedAt };
  sink.onReplayed?.(replay);
  return replay;
}

/** The numbers of the files that are there, ascending; none when there is no directory. */
export async function listNumbers(fileSystem: FileSystem, paths: StatePaths): Promise<number[]> {
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

/** The last file that begins with a snapshot; 0 when none does. */
async function findSnapshot(
  fileSystem: FileSystem,
  paths: StatePaths,
  numbers: readonly number[],
): Promise<number> {
  for (const number of [...numbers].reverse()) {
    const scanner = new LineScanner(() => undefined);
    await scanFile(fileSystem, toJournalPath(paths, number), scanner, HEADER_BYTES);
    if (scanner.header?.isSnapshot === true) return number;
  }
  return 0;
}

/** Reads a file, or its beginning, through a scanner. */
export async function scanFile(
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

function isOwned(header: JournalHeader | null, { rootId, hostId }: JournalOwner): boolean {
  return header?.version === JOURNAL_VERSION && header.rootId === rootId && header.hostId === hostId;
}
