/**
 * Reads an event file on from where an earlier reading stopped: a piece at a time, whole records only, and on behind damage.
 *
 * What is found does not depend on the pieces: a reading that is interrupted and goes on gives the same events as one in one go, and as
 * `EventFileReader` with `onDamage: 'skip'`.
 */

import { CorruptRecordError } from '../../../src/base/errors.js';
import { decodeRecord, findRecordHeader } from '../../../src/format/record/record-codec.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import type { Event } from '../../../src/format/wire/messages.js';
import type { LocalFile } from '../source/local-file.js';
import { type FilePosition, isIntact, markPosition } from './file-position.js';

const PIECE_BYTES = 1024 * 1024;

export interface FollowOptions {
  /** What is known to be in the file by now. */
  readonly sizeBytes: number;
  /** Whether to go on behind bytes that are no record: they may be a page that a network file system has not fetched yet. */
  readonly acceptsDamage: (offset: number) => boolean;
  /** Takes each event; nothing of it stays true after the call. */
  readonly onEvent: (event: Event) => void;
  /** Read at a time; more for a record that is larger. Default 1 MiB: some 20 ms of work. */
  readonly pieceBytes?: number | undefined;
}

export type Followed =
  | {
      readonly status: 'read';
      readonly position: FilePosition;
      /** There may be more to read at once. */
      readonly hasMore: boolean;
      /** Damage begins here, and was not accepted. */
      readonly damageStart: number | null;
    }
  /** The file is not the one that was read, or does not hold still: nothing was taken, or not for certain. */
  | { readonly status: 'rewritten' };

const REWRITTEN: Followed = { status: 'rewritten' };

/** Reads one piece. Throws `FileError` when the file cannot be read. */
export async function followFile(
  file: LocalFile,
  from: FilePosition,
  options: FollowOptions,
): Promise<Followed> {
  if (!(await isIntact(file, options.sizeBytes, from))) return REWRITTEN;
  const window = await readWindow(file, from, options);
  if (window === null) return REWRITTEN;
  const piece = new Piece(window, from, options.acceptsDamage);
  for (let event = piece.next(); event !== null; event = piece.next()) options.onEvent(event);
  const position = await markPosition(file, piece.offset, piece.isResyncing);
  if (position === null) return REWRITTEN;
  const isAtEnd = from.offset + window.length >= options.sizeBytes;
  const hasMore = piece.damageStart === null && !isAtEnd && piece.offset > from.offset;
  return { status: 'read', position, hasMore, damageStart: piece.damageStart };
}

/** The bytes from a position on: at least the whole record that begins there, if the file has it. Null when the file has become shorter. */
async function readWindow(
  file: LocalFile,
  from: FilePosition,
  { sizeBytes, pieceBytes = PIECE_BYTES }: FollowOptions,
): Promise<Buffer | null> {
  const leftBytes = sizeBytes - from.offset;
  const window = await readExactly(file, from.offset, Math.min(leftBytes, pieceBytes));
  if (window === null || window.length === leftBytes) return window;
  const start = from.isResyncing ? findRecordHeader(window, 0) : 0;
  const neededBytes = window.length + countMissing(window, start);
  if (neededBytes === window.length || neededBytes > leftBytes || start > 0) return window;
  return readExactly(file, from.offset, neededBytes);
}

function countMissing(window: Buffer, start: number): number {
  try {
    const decoded = decodeRecord(window, start);
    return decoded.kind === 'incomplete' ? decoded.missingBytes : 0;
  } catch {
    return 0; // damaged: that is found out, and dealt with, where it is read
  }
}

async function readExactly(file: LocalFile, start: number, sizeBytes: number): Promise<Buffer | null> {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  return (await file.readInto(bytes, start)) < sizeBytes ? null : bytes;
}

/** The events of some bytes. */
class Piece {
  isResyncing: boolean;
  damageStart: number | null = null;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #acceptsDamage: (offset: number) => boolean;
  #at = 0;

  constructor(bytes: Buffer, from: FilePosition, acceptsDamage: (offset: number) => boolean) {
    this.#bytes = bytes;
    this.#start = from.offset;
    this.isResyncing = from.isResyncing;
    this.#acceptsDamage = acceptsDamage;
  }

  get offset(): number {
    return this.#start + this.#at;
  }

  /** The next event; null when none is whole, or damage is not to be passed. */
  next(): Event | null {
    for (;;) {
      if (this.isResyncing) this.#at = findRecordHeader(this.#bytes, this.#at);
      const record = this.#decodeRecord();
      if (record === 'damaged') continue;
      if (record === null) return null;
      const event = decodeOrNull(record.data);
      if (event === null) {
        // A record that is no event; behind damage it is no record either.
        this.#at = this.isResyncing ? this.#at + 1 : record.end;
        continue;
      }
      this.isResyncing = false;
      this.#at = record.end;
      return event;
    }
  }

  #decodeRecord(): { readonly data: Uint8Array; readonly end: number } | 'damaged' | null {
    try {
      const decoded = decodeRecord(this.#bytes, this.#at);
      return decoded.kind === 'incomplete' ? null : decoded;
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      if (!this.isResyncing && !this.#acceptsDamage(this.offset)) {
        this.damageStart = this.offset;
        return null;
      }
      this.isResyncing = true;
      this.#at += 1;
      return 'damaged';
    }
  }
}

function decodeOrNull(data: Uint8Array): Event | null {
  try {
    return decodeEvent(data);
  } catch {
    return null;
  }
}
