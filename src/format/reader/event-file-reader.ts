/**
 * Reads one event file, from the front, as often as it grows.
 *
 * CRCs are always checked. Half a record at the end is no error: the next `read` goes on there. Memory is bounded by a chunk, or
 * by the largest record.
 */

import { type FileHandle, open, stat } from 'node:fs/promises';
import { CorruptRecordError, EventFileChangedError, InvalidEventError } from '../../base/errors.js';
import { type DecodedRecord, decodeRecord, FRAMING_BYTES, findRecordHeader } from '../record/record-codec.js';
import { decodeEvent } from '../wire/decode-event.js';
import type { Event } from '../wire/messages.js';
import { type ScalarBatch, ScalarDecoder } from './scalar-decoder.js';

/** An event, and where its record stands in the file. */
export interface ReadEvent {
  readonly event: Event;
  /** The event as it was serialized; valid until the next one is asked for. */
  readonly data: Uint8Array;
  /** Of the record's first byte. */
  readonly offset: number;
  /** Of the record, framing included. */
  readonly sizeBytes: number;
}

/** Scalars that follow each other in the file, in columns, or an event of any other kind. */
export type ReadBatch =
  | ({ readonly kind: 'event' } & ReadEvent)
  | {
      readonly kind: 'scalars';
      readonly scalars: ScalarBatch;
      /** Of the first record's first byte. */
      readonly offset: number;
      /** Of all the records, framing included. */
      readonly sizeBytes: number;
    };

/** Bytes that are no record, or a record that is no event. */
export interface DamagedRange {
  readonly offset: number;
  readonly sizeBytes: number;
  /** What does not match: the CRC of a length, the CRC of the data, or the data, which are no `Event`. */
  readonly part: 'length' | 'data' | 'event';
}

export interface EventFileReaderOptions {
  /** Where to begin: an offset that an earlier reader has ended at. Default 0. */
  readonly offset?: number | undefined;
  /**
   * `throw`: damage ends the reading, as it does in TensorBoard. `skip`: the next whole record is searched for, and what was
   * skipped is listed in `damage`. Default `throw`.
   */
  readonly onDamage?: 'throw' | 'skip' | undefined;
}

type Incomplete = Extract<DecodedRecord, { kind: 'incomplete' }>;

const CHUNK_BYTES = 1024 * 1024;
const NO_BYTES = new Uint8Array();

export class EventFileReader {
  readonly path: string;
  readonly #skips: boolean;
  readonly #damage: DamagedRange[] = [];
  /** Where damage begins whose end has not been found yet. */
  #damageStart: { readonly offset: number; readonly part: DamagedRange['part'] } | undefined;
  #file: FileHandle | undefined;
  #sizeBytes = 0;
  /** The offset that is looked at next. */
  #at: number;
  /** Bytes of the file from `#windowStart` on, in the first bytes of `#memory`. */
  #window: Uint8Array = NO_BYTES;
  #windowStart: number;
  #memory: Uint8Array = NO_BYTES;
  /** Whether an event that was given out may look into the window: then its memory is not used again. */
  #isShared = false;
  #decoder: ScalarDecoder | undefined;

  constructor(path: string, { offset = 0, onDamage = 'throw' }: EventFileReaderOptions = {}) {
    this.path = path;
    this.#at = offset;
    this.#windowStart = offset;
    this.#skips = onDamage === 'skip';
  }

  /** The offset after the last record that was read. A reader that begins here goes on where this one ended. */
  get offset(): number {
    return this.#damageStart?.offset ?? this.#at;
  }

  /** Bytes of the file behind `offset` at the last `read`: half a record, or damage that goes on to the end. */
  get tailBytes(): number {
    return Math.max(0, this.#sizeBytes - this.offset);
  }

  /** What was skipped, in file order; damage that goes on to the end of the file included. */
  get damage(): readonly DamagedRange[] {
    if (this.#damageStart === undefined) return this.#damage;
    return [...this.#damage, { ...this.#damageStart, sizeBytes: this.tailBytes }];
  }

  /**
   * Gives all whole events since the last call, then ends.
   *
   * Throws `CorruptRecordError` and `InvalidEventError` at damage, unless it is skipped, `EventFileChangedError` when the file was
   * replaced or cut, and what the file system says.
   */
  async *read(): AsyncGenerator<ReadEvent, void, void> {
    this.#file ??= await open(this.path, 'r');
    await this.#checkFile(this.#file);
    for (;;) {
      const decoded = this.#readEvent();
      if (decoded === 'damaged') continue;
      if ('missingBytes' in decoded) {
        if (await this.#readMore(this.#file, decoded.missingBytes)) continue;
        return;
      }
      yield decoded;
    }
  }

  /**
   * As `read`, with scalars in columns: many times as fast. The columns are used again for the next batch. Scalars of steps that are negative or
   * beyond 2^49 come as events.
   */
  async *readBatches(): AsyncGenerator<ReadBatch, void, void> {
    this.#file ??= await open(this.path, 'r');
    await this.#checkFile(this.#file);
    this.#decoder ??= new ScalarDecoder();
    for (;;) {
      const decoded = this.#readBatch(this.#decoder);
      if (decoded === 'damaged') continue;
      if ('missingBytes' in decoded) {
        if (await this.#readMore(this.#file, decoded.missingBytes)) continue;
        return;
      }
      yield decoded;
    }
  }

  /** Closes the file. The next `read` opens it anew, and goes on. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The batch at the offset, behind which it moves. */
  #readBatch(decoder: ScalarDecoder): ReadBatch | Incomplete | 'damaged' {
    const { buffer, byteOffset, byteLength } = this.#window;
    const start = this.#at - this.#windowStart;
    if (this.#damageStart === undefined) {
      const offset = this.#at;
      const end = decoder.readScalars(this.#window, new DataView(buffer, byteOffset, byteLength), start);
      this.#at += end - start;
      if (end > start) return { kind: 'scalars', scalars: decoder.batch, offset, sizeBytes: end - start };
    }
    const decoded = this.#readEvent();
    if (decoded === 'damaged' || 'missingBytes' in decoded) return decoded;
    decoder.learn(decoded.event, decoded.data);
    return { kind: 'event', ...decoded };
  }

  /** The event at the offset, behind which it moves. */
  #readEvent(): ReadEvent | Incomplete | 'damaged' {
    const decoded = this.#decodeNext();
    if (decoded.kind === 'damaged') return 'damaged';
    if (decoded.kind === 'incomplete') return decoded;
    const { data } = decoded;
    const record = { data, offset: this.#at, sizeBytes: data.length + FRAMING_BYTES };
    const event = this.#decodeEvent(record);
    if (event === undefined) return 'damaged';
    this.#at += record.sizeBytes;
    this.#isShared = true;
    return { event, ...record };
  }

  /** What stands at the offset; `damaged`: nothing does, and the offset has moved on. */
  #decodeNext(): DecodedRecord | { readonly kind: 'damaged' } {
    const start = this.#at - this.#windowStart;
    if (this.#damageStart !== undefined) {
      // Byte by byte, without an error for each.
      const found = findRecordHeader(this.#window, start);
      if (found > start) {
        this.#at += found - start;
        return { kind: 'damaged' };
      }
    }
    try {
      return decodeRecord(this.#window, start, this.#at);
    } catch (error) {
      if (!(error instanceof CorruptRecordError) || !this.#skips) throw error;
      this.#damageStart ??= { offset: this.#at, part: error.part };
      this.#at++;
      return { kind: 'damaged' };
    }
  }

  /** The event of a record; undefined when it is none and is skipped. */
  #decodeEvent({ data, offset, sizeBytes }: Omit<ReadEvent, 'event'>): Event | undefined {
    let event: Event;
    try {
      event = decodeEvent(data);
    } catch (cause) {
      if (!this.#skips) throw new InvalidEventError(this.path, offset, { cause });
      if (this.#damageStart !== undefined) this.#at++;
      else {
        this.#damage.push({ offset, sizeBytes, part: 'event' });
        this.#at += sizeBytes;
      }
      return undefined;
    }
    if (this.#damageStart !== undefined) {
      this.#damage.push({ ...this.#damageStart, sizeBytes: offset - this.#damageStart.offset });
      this.#damageStart = undefined;
    }
    return event;
  }

  /** Reads on; false when the file does not have so many more bytes. */
  async #readMore(file: FileHandle, missingBytes: number): Promise<boolean> {
    const kept = this.#window.subarray(this.#at - this.#windowStart);
    const position = this.#at + kept.length;
    const rest = this.#sizeBytes - position;
    if (rest < missingBytes) return false;
    const sizeBytes = kept.length + Math.min(rest, Math.max(missingBytes, CHUNK_BYTES));
    if (this.#isShared || this.#memory.length < sizeBytes) {
      this.#memory = new Uint8Array(Math.max(sizeBytes, Math.min(rest, CHUNK_BYTES)));
      this.#isShared = false;
    }
    const window = this.#memory.subarray(0, sizeBytes);
    window.set(kept);
    let filled = kept.length;
    while (filled < window.length) {
      const { bytesRead } = await file.read(window, filled, window.length - filled, this.#at + filled);
      if (bytesRead === 0) throw new EventFileChangedError(this.path, 'the file was cut while it was read');
      filled += bytesRead;
    }
    this.#window = window;
    this.#windowStart = this.#at;
    return true;
  }

  async #checkFile(file: FileHandle): Promise<void> {
    const [opened, named] = await Promise.all([file.stat(), stat(this.path)]);
    if (opened.ino !== named.ino || opened.dev !== named.dev) {
      throw new EventFileChangedError(this.path, 'another file has taken its place');
    }
    if (opened.size < this.#windowStart + this.#window.length) {
      throw new EventFileChangedError(this.path, `it had more than ${opened.size} bytes before`);
    }
    this.#sizeBytes = opened.size;
  }
}
