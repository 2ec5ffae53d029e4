/**
 * Encodes 8-bit pixels as PNG: one IHDR, one IDAT, one IEND.
 *
 * A separate encoder, so that compression can run on zlib's threads without blocking the event loop. Filter and level were chosen
 * by measurement: see docs/performance.md.
 * Source: PNG (Portable Network Graphics) Specification, 3rd edition, W3C.
 */

import { availableParallelism } from 'node:os';
import { constants, crc32, deflate, deflateSync, type ZlibOptions } from 'node:zlib';
import { joinPieces } from '../format/wire/encode-event.js';
import type { Encoding } from './encoding.js';

export interface RawImage {
  /** Shape: H×W×C, row-major; values 0–255. */
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 2 | 3 | 4;
}

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const COLOR_TYPES = { 1: 0, 2: 4, 3: 2, 4: 6 } as const;
const BIT_DEPTH = 8;
const FILTER_SUB = 1;
const FILTER_UP = 2;
/** Leaves one of libuv's four threads for files, and one processor for the program. */
const MAX_RUNNING = Math.max(1, Math.min(3, availableParallelism() - 1));
const HIGH_BITS = 0x80808080;
const LOW_BITS = 0x7f7f7f7f;
const LEVEL = 4;
/** For images that the program waits for. Photographs take half the time and about the same space, plots up to twice the space. */
const QUICK: ZlibOptions = { level: 1, strategy: constants.Z_RLE };
const QUICK_ABOVE_BYTES = 64 * 1024;
/**
 * The size of the pieces in which Node returns compressed bytes. Each piece is a round trip to zlib's threads; the default, 16 KiB,
 * costs a third of the speed.
 */
const MAX_PIECE_BYTES = 256 * 1024;
const MIN_PIECE_BYTES = 4096;

/** Encodes an image as PNG. */
export function encodePng(image: RawImage): Uint8Array {
  const filtered = filterRows(image);
  return assemble(image, deflateSync(filtered, toOptions(filtered)));
}

/** Encodes an image as PNG, with compression on zlib's threads. Reads the pixels before it returns. */
export function createPngEncoding(image: RawImage): Encoding<Uint8Array> {
  const filtered = filterRows(image);
  const options = toOptions(filtered);
  const quickOptions = filtered.length > QUICK_ABOVE_BYTES ? { ...options, ...QUICK } : options;
  return {
    sizeBytes: filtered.length,
    now: () => assemble(image, deflateSync(filtered, quickOptions)),
    later: () => compress(filtered, options).then((compressed) => assemble(image, compressed)),
  };
}

function toOptions({ length }: Uint8Array): ZlibOptions {
  return { level: LEVEL, chunkSize: Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, length)) };
}

/**
 * Each row as its difference to the row above, after the filter's number; the first row as the difference to the pixel on the left.
 * Works on four bytes at a time. A borrow would carry into the next byte through the highest bit, so that bit is set first and
 * restored afterwards.
 */
function filterRows({ pixels, height, width, channels }: RawImage): Uint8Array {
  const rowBytes = width * channels;
  const out = Buffer.allocUnsafeSlow(height * (rowBytes + 1)); // every byte is written below
  const from = new DataView(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  const to = new DataView(out.buffer, out.byteOffset);
  let at = 0;
  for (let start = 0; start < pixels.length; start += rowBytes) {
    const end = start + rowBytes;
    const isFirst = start === 0;
    const back = isFirst ? channels : rowBytes;
    out[at++] = isFirst ? FILTER_SUB : FILTER_UP;
    let i = start;
    while (isFirst && i < channels) out[at++] = pixels[i++]!;
    for (; i <= end - 4; i += 4, at += 4) {
      const pixel = from.getInt32(i, true);
      const other = from.getInt32(i - back, true);
      const low = (pixel | HIGH_BITS) - (other & LOW_BITS);
      to.setInt32(at, low ^ ((pixel ^ ~other) & HIGH_BITS), true);
    }
    for (; i < end; i++) out[at++] = pixels[i]! - pixels[i - back]!;
  }
  return out;
}

/** Compressions that wait to run: each takes half a megabyte, and zlib has few threads. */
const waiting: (() => void)[] = [];
let running = 0;

/** Compresses on zlib's threads once a slot is free. */
function compress(bytes: Uint8Array, options: ZlibOptions): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      running--;
      waiting.shift()?.();
    };
    const start = (): void => {
      running++;
      try {
        deflate(bytes, options, (error, compressed) => {
          end();
          if (error === null) resolve(compressed);
          else reject(error);
        });
      } catch (error) {
        // No memory for another compression.
        end();
        reject(error);
      }
    };
    if (running < MAX_RUNNING) start();
    else waiting.push(start);
  });
}

function assemble({ height, width, channels }: RawImage, compressed: Uint8Array): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = BIT_DEPTH;
  header[9] = COLOR_TYPES[channels];
  return joinPieces([
    SIGNATURE,
    ...chunk('IHDR', header),
    ...chunk('IDAT', compressed),
    ...chunk('IEND', NO_BYTES),
  ]);
}

const NO_BYTES = new Uint8Array();

/** The length, type, data and CRC of a chunk; big-endian. */
function chunk(type: string, data: Uint8Array): Uint8Array[] {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, data.length);
  for (let i = 0; i < 4; i++) head[4 + i] = type.charCodeAt(i);
  const foot = new Uint8Array(4);
  new DataView(foot.buffer).setUint32(0, crc32(data, crc32(head.subarray(4))));
  return [head, data, foot];
}
