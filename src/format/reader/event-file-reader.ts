/**
 * Reads one event file from the start, and continues when the file has grown.
 *
 * Always checks CRCs. Half a record at the end is not an error: the next `read` continues there. Memory is bounded by
 * one chunk or by the largest record.
 */

import { describe } from '../../base/describe.js';
import {
  CorruptRecordError,
  EventFileChangedError,
  InvalidArgumentError,
  InvalidEventError,
} from '../../base/errors.js';
import { checkOptions, type OptionTable } from '../../base/options.js';
import { type DecodedRecord, decodeRecord, FRAMING_BYTES, findRecordHeader } from '../record/record-codec.js';
import { decodeEvent } from '../wire/decode-event.js';
import type { Event } from '../wire/messages.js';
import { type EventFileBytes, openLocalEventFile } from './event-file-bytes.js';
import type { ReadingMemory } from './reading-memory.js';
import { type ScalarBatch, ScalarDecoder } from './scalar-decoder.js';

/** An event, and the position of its record in the file. */
export interface ReadEvent {
  readonly event: Event;
  /** The serialized event; valid until the next event is read. */
  readonly data: Uint8Array;
  /** The position of the record's first byte. */
  readonly offset: number;
  /** The size of the record, framing included. */
  readonly sizeBytes: number;
}

/** Consecutive scalars of the file, in columns, or an event of any other kind. */
export type ReadBatch =
  | ({ readonly kind: 'event' } & ReadEvent)
  | {
      readonly kind: 'scalars';
      readonly scalars: ScalarBatch;
      /** The position of the first record's first byte. */
      readonly offset: number;
      /** The size of all the records, framing included. */
      readonly sizeBytes: number;
    };

/** Bytes that are not a record, or a record that is not an event. */
export interface DamagedRange {
  readonly offset: number;
  readonly sizeBytes: number;
  /** What is damaged: the length (CRC mismatch), the data (CRC mismatch), or the event (the data are not an `Event`). */
  readonly part: 'length' | 'data' | 'event';
}

export interface EventFileReaderOptions {
  /** The offset to start at, such as the final `offset` of an earlier reader. Default 0. */
  readonly offset?: number | undefined;
  /**
   * `throw`: stop at damage, as TensorBoard does. `skip`: search for the next complete record, and list the skipped
   * bytes in `damage`. Default `throw`.
   */
  readonly onDamage?: 'throw' | 'skip' | undefined;
  /** Opens the file, for files that are not on the local disk. Default: the local file `path`. */
  readonly open?: ((path: string) => Promise<EventFileBytes>) | undefined;
}
const READER_OPTIONS: OptionTable<EventFileReaderOptions> = {
  offset: 'any',
  onDamage: 'any',
  open: 'function',
};

type Incomplete = Extract<DecodedRecord, { kind: 'incomplete' }>;

const CHUNK_BYTES = 1024 * 1024;
const NO_BYTES = new Uint8Array();

export class EventFileReader {
  readonly path: string;
  readonly #skips: boolean;
  readonly #open: (path: string) => Promise<EventFileBytes>;
  readonly #damage: DamagedRange[] = [];
  /** The start of damage whose end has not been found yet. */
  #damageStart: { readonly offset: number; readonly part: DamagedRange['part'] } | undefined;
  #file: EventFileBytes | undefined;
  #sizeBytes = 0;
  /** The offset to read next. */
  #at: number;
  /** The bytes of the file from `#windowStart`, stored at the start of `#memory`. */
  #window: Uint8Array = NO_BYTES;
  #windowStart: number;
  #memory: Uint8Array = NO_BYTES;
  #shared: ReadingMemory | undefined;
  /** Whether a returned event may refer to the window. If so, its memory is not reused. */
  #isShared = false;
  #decoder: ScalarDecoder | undefined;

  /** Opens nothing yet. Throws `ERR_OPTION_INVALID`. */
  constructor(path: string, options: EventFileReaderOptions = {}) {
    checkOptions('new EventFileReader', options, READER_OPTIONS);
    const { offset = 0, onDamage = 'throw', open = openLocalEventFile } = options;
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw invalidOption('offset', offset, 'a position in bytes');
    if (onDamage !== 'throw' && onDamage !== 'skip')
      throw invalidOption('onDamage', onDamage, 'throw or skip');
    this.path = path;
    this.#at = offset;
    this.#windowStart = offset;
    this.#skips = onDamage === 'skip';
    this.#open = open;
  }

  /** The offset after the last record that was read. A reader with this start offset continues where this one ended. */
  get offset(): number {
    return this.#damageStart?.offset ?? this.#at;
  }

  /** The number of bytes after `offset` at the last `read`: half a record, or damage that reaches the end of the file. */
  get tailBytes(): number {
    return Math.max(0, this.#sizeBytes - this.offset);
  }

  /** The skipped ranges in file order, including damage that reaches the end of the file. */
  get damage(): readonly DamagedRange[] {
    if (this.#damageStart === undefined) return this.#damage;
    return [...this.#damage, { ...this.#damageStart, sizeBytes: this.tailBytes }];
  }

  /**
   * Yields all complete events since the last call, then ends.
   *
   * Throws `CorruptRecordError` or `InvalidEventError` at damage, unless damage is skipped. Throws
   * `EventFileChangedError` when the file was replaced or truncated. Passes on errors of the file system.
   */
  read(): AsyncGenerator<ReadEvent, void, void> {
    return this.#readAll(() => this.#readEvent());
  }

  /**
   * Like `read`, but returns scalars in columns, which is many times as fast. The next batch reuses the columns.
   * Scalars with a negative step, or a step beyond 2^49, are returned as events.
   */
  readBatches(): AsyncGenerator<ReadBatch, void, void> {
    this.#decoder ??= this.#shared?.decoder ?? new ScalarDecoder();
    const decoder = this.#decoder;
    return this.#readAll(() => this.#readBatch(decoder));
  }

  /** @internal Before reading: uses the memory of earlier readers. Events are then valid only until the next one is read. */
  useMemory(memory: ReadingMemory): this {
    this.#shared = memory;
    return this;
  }

  /** @internal A copy of the `count` bytes before `offset`; undefined if they are no longer in memory. */
  copyBefore(count: number): Uint8Array | undefined {
    const end = this.offset - this.#windowStart;
    return end < count ? undefined : this.#window.slice(end - count, end);
  }

  /** Closes the file. The next `read` reopens it and continues. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#readAll<T extends object>(
    readNext: () => T | Incomplete | 'damaged',
  ): AsyncGenerator<T, void, void> {
    this.#file ??= await this.#open(this.path);
    await this.#checkFile(this.#file);
    for (;;) {
      const decoded = readNext();
      if (decoded === 'damaged') continue;
      if ('missingBytes' in decoded) {
        if (await this.#readMore(this.#file, decoded.missingBytes)) continue;
        return;
      }
      yield decoded;
    }
  }

  /** Reads the batch at the current offset and advances the offset. */
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

  /** Reads the event at the current offset and advances the offset. */
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

  /** Decodes the record at the current offset; `damaged` means that none starts there and the offset has moved forward. */
  #decodeNext(): DecodedRecord | { readonly kind: 'damaged' } {
    const start = this.#at - this.#windowStart;
    if (this.#damageStart !== undefined) {
      // Search byte by byte, without creating an error for each position.
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

  /** The event of a record; undefined when the record is not an event and damage is skipped. */
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

  /** Reads more bytes; false when the file does not have `missingBytes` more. */
  async #readMore(file: EventFileBytes, missingBytes: number): Promise<boolean> {
    const kept = this.#window.subarray(this.#at - this.#windowStart);
    const position = this.#at + kept.length;
    const rest = this.#sizeBytes - position;
    if (rest < missingBytes) return false;
    const sizeBytes = kept.length + Math.min(rest, Math.max(missingBytes, CHUNK_BYTES));
    if (this.#shared !== undefined) this.#memory = this.#shared.reserve(Math.max(sizeBytes, CHUNK_BYTES));
    else if (this.#isShared || this.#memory.length < sizeBytes) {
      this.#memory = new Uint8Array(Math.max(sizeBytes, Math.min(rest, CHUNK_BYTES)));
      this.#isShared = false;
    }
    const window = this.#memory.subarray(0, sizeBytes);
    window.set(kept);
    let filled = kept.length;
    while (filled < window.length) {
      const bytesRead = await file.read(window.subarray(filled), this.#at + filled);
      if (bytesRead === 0)
        throw new EventFileChangedError(this.path, 'the file was truncated during reading');
      filled += bytesRead;
    }
    this.#window = window;
    this.#windowStart = this.#at;
    return true;
  }

  async #checkFile(file: EventFileBytes): Promise<void> {
    const sizeBytes = await file.findSize();
    if (sizeBytes < this.#windowStart + this.#window.length) {
      throw new EventFileChangedError(this.path, `the file has ${sizeBytes} bytes, but had more before`);
    }
    this.#sizeBytes = sizeBytes;
  }
}

function invalidOption(name: string, value: unknown, expected: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `${name} is ${describe(value)}, expected ${expected}`,
    `Omit ${name}, or pass ${expected}.`,
  );
}
