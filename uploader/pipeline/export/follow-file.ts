/**
 * Resumes reading an event file at a saved position: one piece at a time, whole records only, and past damaged bytes.
 *
 * The result does not depend on the pieces: a resumed read gives the same events as an uninterrupted one, and the same as
 * `EventFileReader` with `onDamage: 'skip'`.
 */

import { CorruptRecordError } from '../../../src/base/errors.js';
import type { ScalarBatch, ScalarDecoder } from '../../../src/format/reader/scalar-decoder.js';
import { decodeRecord, findRecordHeader } from '../../../src/format/record/record-codec.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import type { Event } from '../../../src/format/wire/messages.js';
import type { LocalFile } from '../source/local-file.js';
import { type FilePosition, isIntact, markPosition, readExactly } from './file-position.js';

const PIECE_BYTES = 1024 * 1024;

interface FollowOptions {
  /** Size of the file, as last seen. */
  readonly sizeBytes: number;
  /** Returns whether to skip bytes that are not a record; a network file system may not have fetched the page yet. */
  readonly acceptsDamage: (offset: number) => boolean;
  /** Receives each event, which is valid only during the call, and the offset of its record. */
  readonly onEvent: (event: Event, offset: number) => void;
  /** Finds scalars that follow each other. They go to `onScalars` in columns, which is many times as fast. */
  readonly scalars?: ScalarDecoder | undefined;
  /** Receives the columns, which are valid only during the call, and the offset of the first record. */
  readonly onScalars?: (batch: ScalarBatch, offset: number) => void;
  /** Bytes to read at a time; more for a larger record. Default 1 MiB, about 20 ms of work. */
  readonly pieceBytes?: number | undefined;
}

export type Followed =
  | {
      readonly status: 'read';
      readonly position: FilePosition;
      /** More may be readable immediately. */
      readonly hasMore: boolean;
      /** Offset of damage that was not accepted; null without such damage. */
      readonly damageStart: number | null;
    }
  /** The file was replaced or changed while it was read; events that were passed on may be wrong. */
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
  const piece = new Piece(window, from, options);
  for (let found = piece.next(); found !== null; found = piece.next())
    if (found === 'scalars') options.onScalars?.(options.scalars!.batch, piece.eventOffset);
    else options.onEvent(found, piece.eventOffset);
  const position = await markPosition(file, piece.offset, piece.isResyncing);
  if (position === null) return REWRITTEN;
  const isAtEnd = from.offset + window.length >= options.sizeBytes;
  const hasMore = piece.damageStart === null && !isAtEnd && piece.offset > from.offset;
  return { status: 'read', position, hasMore, damageStart: piece.damageStart };
}

/** Reads from a position: at least the whole record that begins there, if the file has it. Null when the file has become shorter. */
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
    return 0; // damaged: handled where the record is read
  }
}

/** Decodes the events of one piece. */
class Piece {
  isResyncing: boolean;
  damageStart: number | null = null;
  /** The offset of the record of the last event, or of the first of the last scalars. */
  eventOffset = 0;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #start: number;
  readonly #options: Pick<FollowOptions, 'acceptsDamage' | 'scalars'>;
  #at = 0;

  constructor(bytes: Buffer, from: FilePosition, options: FollowOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#start = from.offset;
    this.isResyncing = from.isResyncing;
    this.#options = options;
  }

  get offset(): number {
    return this.#start + this.#at;
  }

  /** Returns the next event, or `scalars` if the decoder has the next ones; null when the rest has no whole event, or begins with damage that must not be skipped. */
  next(): Event | 'scalars' | null {
    for (;;) {
      if (!this.isResyncing && this.#readScalars()) return 'scalars';
      if (this.isResyncing) this.#at = findRecordHeader(this.#bytes, this.#at);
      const record = this.#decodeRecord();
      if (record === 'damaged') continue;
      if (record === null) return null;
      const event = decodeOrNull(record.data);
      if (event === null) {
        // The record is not an event. While resyncing after damage, it is not a record either.
        this.#at = this.isResyncing ? this.#at + 1 : record.end;
        continue;
      }
      this.isResyncing = false;
      this.eventOffset = this.offset;
      this.#at = record.end;
      this.#options.scalars?.learn(event, record.data);
      return event;
    }
  }

  #readScalars(): boolean {
    const end = this.#options.scalars?.readScalars(this.#bytes, this.#view, this.#at) ?? this.#at;
    if (end === this.#at) return false;
    this.eventOffset = this.offset;
    this.#at = end;
    return true;
  }

  #decodeRecord(): { readonly data: Uint8Array; readonly end: number } | 'damaged' | null {
    try {
      const decoded = decodeRecord(this.#bytes, this.#at);
      return decoded.kind === 'incomplete' ? null : decoded;
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      if (!this.isResyncing && !this.#options.acceptsDamage(this.offset)) {
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
