/**
 * Encodes and decodes the lines of the journal. Pure.
 *
 *     crc32(8 hex) length seq {json}\n
 *
 * `crc32` covers everything from `length` to the last brace; `length` is the size of the JSON in bytes; `seq` counts the lines of a file
 * from 0. The first line is the header. Records of an unknown kind are skipped. An invalid line ends the replay, because the order of the
 * lines after it cannot be trusted.
 */

import { crc32 } from 'node:zlib';
import type { JournalHeader, JournalRecord, UnknownRecord } from './journal-entry.js';
import { fromJson, type Json, toHex, toJournalJson } from './journal-json.js';

export const JOURNAL_VERSION = 2;

/** Far longer than any line: without a line break in so many bytes, the file is damaged. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const NO_BYTES = Buffer.alloc(0);

export interface LineScan {
  readonly header: JournalHeader | null;
  /** Number of valid lines, including the header; also the next `seq`. */
  readonly lineCount: number;
  /** Bytes up to the end of the last valid line. */
  readonly goodBytes: number;
  /** `torn`: the last line is incomplete, as after a crash. `corrupt`: a complete line is invalid. */
  readonly damage: 'none' | 'torn' | 'corrupt';
}

export function encodeJournalLine(seq: number, record: JournalRecord): Buffer {
  const json = JSON.stringify(toJournalJson(record));
  const framed = `${Buffer.byteLength(json)} ${seq} ${json}`;
  return Buffer.from(`${toHex(crc32(framed))} ${framed}\n`);
}

/** Decodes a journal file piece by piece and passes on the records after the header, up to the first invalid line. Never throws. */
export class LineScanner {
  readonly #onRecord: (record: JournalRecord | UnknownRecord) => void;
  #header: JournalHeader | null = null;
  #lineCount = 0;
  #goodBytes = 0;
  #isCorrupt = false;
  /** The beginning of a line that is not complete yet. */
  #rest: Buffer = NO_BYTES;

  constructor(onRecord: (record: JournalRecord | UnknownRecord) => void) {
    this.#onRecord = onRecord;
  }

  /** Set before the first record is passed on. */
  get header(): JournalHeader | null {
    return this.#header;
  }

  push(piece: Buffer): void {
    if (this.#isCorrupt) return;
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0 && !this.#isCorrupt; end = bytes.indexOf(0x0a, start)) {
      this.#take(bytes.subarray(start, end));
      start = end + 1;
    }
    if (bytes.length - start > MAX_LINE_BYTES) this.#isCorrupt = true;
    this.#rest = this.#isCorrupt ? NO_BYTES : Buffer.from(bytes.subarray(start)); // a copy, because the caller reuses the buffer
  }

  result(): LineScan {
    const damage = this.#isCorrupt ? 'corrupt' : this.#rest.length > 0 ? 'torn' : 'none';
    return { header: this.#header, lineCount: this.#lineCount, goodBytes: this.#goodBytes, damage };
  }

  #take(line: Buffer): void {
    const value = parseLine(line, this.#lineCount);
    const record = value === null ? null : fromJson(value);
    if (record === null || (record.kind === 'header') !== (this.#lineCount === 0)) {
      this.#isCorrupt = true;
      return;
    }
    this.#lineCount += 1;
    this.#goodBytes += line.length + 1;
    if (record.kind === 'header') this.#header = record;
    else this.#onRecord(record);
  }
}

function parseLine(line: Buffer, seq: number): Json | null {
  const match = /^([0-9a-f]{8}) (\d+) (\d+) /.exec(line.toString('latin1', 0, 64));
  if (match === null) return null;
  const json = line.subarray(match[0].length);
  if (match[1] !== toHex(crc32(line.subarray(9)))) return null;
  if (Number(match[2]) !== json.length || Number(match[3]) !== seq) return null;
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Json) : null;
  } catch {
    return null; // a valid checksum but not JSON: another program wrote the line
  }
}
