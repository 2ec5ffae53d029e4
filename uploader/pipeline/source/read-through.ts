/** Reads a range of a file once and computes everything needed from it: checksums, marks for later checks, ends of records. */

import { crc32 } from 'node:zlib';
import type { BufferPool } from './buffer-pool.js';
import type { LocalFile } from './local-file.js';
import type { RecordScanner } from './record-scanner.js';

const MIB = 1024 * 1024;
export const HEAD_BYTES = 4096;
/** The last extent is between one and two times this long. */
const EXTENT_BYTES = 4 * MIB;

/** Checksums of a growing file, kept while the uploader runs: a cheap way to detect that the file only grew. */
export interface GrowthState {
  /** CRC-32 of the first `HEAD_BYTES` bytes, or of the whole file if it is shorter. */
  readonly headCrc32: number;
  readonly headBytes: number;
  /** Start of the last extent, and the CRC-32 of the bytes before it. With the extent read again, it must give the CRC-32 of all. */
  readonly extentStart: number;
  readonly extentStartCrc32: number;
  /** For an event file, the end of the last whole record that was read. */
  readonly recordEnd: number;
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  /** CRC-32 of the bytes before `from`. */
  readonly crc32: number;
}

export interface ReadThrough {
  /** CRC-32 of the first `to` bytes. */
  readonly crc32OfAll: number;
  /** CRC-32 of the first `end` bytes. */
  readonly crc32: number;
  /** `to`, or for an event file the end of the last whole record before `to`. */
  readonly end: number;
  /** Offset of damaged bytes; null when none are, or records were not checked. */
  readonly damageStart: number | null;
  readonly growth: GrowthState;
  /** CRC-32 of the first `mark` bytes. */
  readonly crc32AtMark: number | null;
}

interface ReadThroughOptions {
  readonly pool: BufferPool;
  readonly signal?: AbortSignal | undefined;
  /** The record scanner for event files; begins at or after the start of the range. */
  readonly records?: { readonly scanner: RecordScanner; readonly from: number } | undefined;
  /** The growth state of the bytes before the range. */
  readonly growth?: GrowthState | undefined;
  /** An offset at which to return the CRC-32. */
  readonly mark?: number | undefined;
}

/** Reads a range of a file; null when the file has become shorter. */
export function readThrough(
  file: LocalFile,
  stretch: Stretch,
  options: ReadThroughOptions,
): Promise<ReadThrough | null> {
  return options.pool.use(async (buffer) => {
    const reading = new Reading(stretch, options);
    for (let position = stretch.from; position < stretch.to; ) {
      options.signal?.throwIfAborted();
      const wanted = buffer.subarray(0, Math.min(buffer.length, stretch.to - position));
      if ((await file.readInto(wanted, position)) < wanted.length) return null;
      reading.take(wanted, position);
      position += wanted.length;
    }
    return reading.result();
  });
}

class Reading {
  readonly #options: ReadThroughOptions;
  #crc: number;
  #end: number;
  #endCrc: number;
  #headCrc: number;
  #headBytes: number;
  /** CRC-32 at the last two multiples of `EXTENT_BYTES` that were passed. */
  #marks: { readonly start: number; readonly crc: number }[];
  #crcAtMark: number | null = null;

  constructor(stretch: Stretch, options: ReadThroughOptions) {
    this.#options = options;
    this.#crc = stretch.crc32;
    this.#end = options.records?.scanner.wholeEnd ?? stretch.to;
    this.#endCrc = stretch.crc32;
    this.#headCrc = options.growth?.headCrc32 ?? 0;
    this.#headBytes = options.growth?.headBytes ?? 0;
    const { extentStart = 0, extentStartCrc32 = 0 } = options.growth ?? {};
    this.#marks = [{ start: extentStart, crc: extentStartCrc32 }];
    this.#passMarks(stretch.from);
  }

  take(bytes: Buffer, position: number): void {
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, this.#stopBefore(position + at) - position);
      this.#takePiece(bytes.subarray(at, end), position + at);
      at = end;
    }
  }

  result(): ReadThrough {
    const { scanner } = this.#options.records ?? {};
    const crc = scanner === undefined ? this.#crc : this.#endCrc;
    const [older] = this.#marks.filter(({ start }) => start <= this.#end);
    return {
      crc32OfAll: this.#crc,
      crc32: crc,
      end: this.#end,
      damageStart: scanner?.damageStart ?? null,
      growth: {
        headCrc32: this.#headCrc,
        headBytes: this.#headBytes,
        extentStart: older?.start ?? 0,
        extentStartCrc32: older?.crc ?? 0,
        recordEnd: scanner?.wholeEnd ?? 0,
      },
      crc32AtMark: this.#crcAtMark,
    };
  }

  /** Returns the next offset at which a piece must end, because a checksum is needed there. */
  #stopBefore(position: number): number {
    const { mark, records } = this.#options;
    let stop = (Math.floor(position / EXTENT_BYTES) + 1) * EXTENT_BYTES;
    for (const other of [mark, records?.from, HEAD_BYTES])
      if (other !== undefined && other > position && other < stop) stop = other;
    return stop;
  }

  #takePiece(bytes: Buffer, position: number): void {
    const before = this.#crc;
    this.#crc = crc32(bytes, before);
    this.#takeRecords(bytes, position, before);
    if (position < HEAD_BYTES) {
      const head = bytes.subarray(0, Math.max(0, HEAD_BYTES - position));
      this.#headCrc = crc32(head, this.#headCrc);
      this.#headBytes = position + head.length;
    }
    this.#passMarks(position + bytes.length);
  }

  #takeRecords(bytes: Buffer, position: number, crcBefore: number): void {
    const { records } = this.#options;
    if (records === undefined || position < records.from) return;
    const { scanner } = records;
    scanner.push(bytes);
    if (scanner.wholeEnd <= position) return;
    this.#end = scanner.wholeEnd;
    this.#endCrc = crc32(bytes.subarray(0, scanner.wholeEnd - position), crcBefore);
  }

  #passMarks(position: number): void {
    if (position === this.#options.mark) this.#crcAtMark = this.#crc;
    const last = this.#marks.at(-1)!;
    if (position % EXTENT_BYTES !== 0 || position <= last.start) return;
    this.#marks = [last, { start: position, crc: this.#crc }];
  }
}
