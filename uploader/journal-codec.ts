/**
 * The journal's bytes. Pure.
 *
 *     crc32(8 hex) length seq {json}\n
 *
 * `crc32` is of everything from `length` to the last brace, `length` the bytes of the JSON, `seq` counts the lines from 0. The first
 * line is the header. Records of a kind that this version does not know are passed over; a line that does not check ends the replay,
 * because what follows it cannot be trusted to be in order.
 */

import { crc32 } from 'node:zlib';
import type { JournalEntry } from './journal-view.js';
import { parseRelPath } from './rel-path.js';

export const JOURNAL_VERSION = 1;

export interface JournalHeader {
  readonly kind: 'header';
  readonly version: number;
  readonly rootId: string;
}

export type JournalRecord = JournalHeader | { readonly kind: 'done'; readonly entry: JournalEntry };

export interface Replay {
  readonly header: JournalHeader | null;
  /** The last entry of each key. */
  readonly entries: Map<string, JournalEntry>;
  /** Lines that were good, the header included: the next `seq`. */
  readonly lineCount: number;
  /** Bytes up to the end of the last good line. */
  readonly goodBytes: number;
  /** `torn`: the last line is not finished, as a crash leaves it. `corrupt`: a finished line does not check. */
  readonly damage: 'none' | 'torn' | 'corrupt';
}

/** One line of the journal. */
export function encodeJournalLine(seq: number, record: JournalRecord): Buffer {
  const json = JSON.stringify(record.kind === 'done' ? toJson(record.entry) : record);
  const framed = `${Buffer.byteLength(json)} ${seq} ${json}`;
  return Buffer.from(`${hex(crc32(framed))} ${framed}\n`);
}

/** Reads a journal up to its first bad line. Never throws. */
export function replayJournal(bytes: Buffer): Replay {
  const entries = new Map<string, JournalEntry>();
  let header: JournalHeader | null = null;
  let lineCount = 0;
  let start = 0;
  let damage: Replay['damage'] = 'none';

  while (start < bytes.length) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0) {
      damage = 'torn';
      break;
    }
    const value = parseLine(bytes.subarray(start, end), lineCount);
    const record = value === null ? null : toRecord(value);
    if (record === null || (record.kind === 'header') !== (lineCount === 0)) {
      damage = 'corrupt';
      break;
    }
    if (record.kind === 'header') header = record;
    if (record.kind === 'done') entries.set(record.entry.key, record.entry);
    lineCount += 1;
    start = end + 1;
  }
  return { header, entries, lineCount, goodBytes: start, damage };
}

type Json = Readonly<Record<string, unknown>>;

function parseLine(line: Buffer, seq: number): Json | null {
  const match = /^([0-9a-f]{8}) (\d+) (\d+) /.exec(line.toString('latin1'));
  if (match === null) return null;
  const json = line.subarray(match[0].length);
  if (match[1] !== hex(crc32(line.subarray(9)))) return null;
  if (Number(match[2]) !== json.length || Number(match[3]) !== seq) return null;
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Json) : null;
  } catch {
    return null; // a checksum over what is no JSON: the writer was not ours
  }
}

/** The record of a line, `unknown` for a kind of a later version, null for one that is not well formed. */
function toRecord(json: Json): JournalRecord | { kind: 'unknown' } | null {
  if (json.kind === 'header') return toHeader(json);
  if (json.kind === 'done') return toDone(json);
  return typeof json.kind === 'string' ? { kind: 'unknown' } : null;
}

function toHeader({ version, rootId }: Json): JournalHeader | null {
  if (typeof version !== 'number' || typeof rootId !== 'string') return null;
  return { kind: 'header', version, rootId };
}

function toJson({ key, file, crc32, object, isRecent }: JournalEntry): Json {
  return {
    kind: 'done',
    key,
    size: file.sizeBytes,
    mtimeNs: String(file.mtimeNs),
    ctimeNs: String(file.ctimeNs),
    ino: String(file.ino),
    crc: hex(crc32),
    etag: object.etag,
    storedSize: object.sizeBytes,
    ...(isRecent ? { recent: true } : {}),
  };
}

function toDone(json: Json): JournalRecord | null {
  const { key, size, mtimeNs, ctimeNs, ino, crc, etag, storedSize, recent } = json;
  if (typeof key !== 'string' || typeof etag !== 'string' || typeof crc !== 'string') return null;
  if (!isSize(size) || !isSize(storedSize) || !isKey(key) || !/^[0-9a-f]{8}$/.test(crc)) return null;
  if (!isInteger(mtimeNs) || !isInteger(ctimeNs) || !isInteger(ino)) return null;
  const file = { sizeBytes: size, mtimeNs: BigInt(mtimeNs), ctimeNs: BigInt(ctimeNs), ino: BigInt(ino) };
  const object = { etag, sizeBytes: storedSize };
  const entry = { key, file, crc32: Number.parseInt(crc, 16), object, isRecent: recent === true };
  return { kind: 'done', entry };
}

/** A path read from the journal is trusted no more than one read from the disk. */
function isKey(key: string): boolean {
  const slash = key.indexOf('/');
  try {
    parseRelPath(key.slice(slash + 1));
    return slash > 0;
  } catch {
    return false; // `RelPathError`: the caller reports the line as corrupt
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isInteger(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value);
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
