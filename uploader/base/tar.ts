/**
 * Writes tar archives, and reads the checksums of their files. Of other entries, such as directories and links, it reads nothing.
 *
 * Format: POSIX.1-2017, `pax`, "pax Interchange Format" and "ustar Interchange Format". Also reads GNU tar's long names (`@LongLink`) and numbers in
 * base 256 (GNU tar manual, "Basic Tar Format").
 */

import { crc32 } from 'node:zlib';

export interface TarChecksum {
  readonly name: string;
  readonly sizeBytes: number;
  readonly crc32: number;
}

const BLOCK_BYTES = 512;
const MAX_NAME_BYTES = 100;
/** Of a header that belongs to another one: it holds a name and a few numbers. */
const MAX_EXTENSION_BYTES = 1024 * 1024;

/** The two blocks of zeros that end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

/** Encodes one file. `name` has slashes between directories, `mtime` is in seconds. */
export function encodeTarFile(name: string, bytes: Uint8Array, mtime: number): Buffer {
  // The encoding of other names in the ustar header is not defined.
  const isPlain = name.length <= MAX_NAME_BYTES && /^[\x20-\x7e]*$/.test(name);
  const extension = isPlain ? [] : toBlocks('PaxHeader', 'x', encodePaxRecord('path', name), mtime);
  const shortName = isPlain ? name : name.replace(/[^\x20-\x7e]/g, '_').slice(-MAX_NAME_BYTES);
  return Buffer.concat([...extension, ...toBlocks(shortName, '0', bytes, mtime)]);
}

/** Yields the size and CRC-32 of each file, in the order of the archive. Throws if the archive is damaged or incomplete. */
export async function* checksumTar(archive: AsyncIterable<Uint8Array>): AsyncGenerator<TarChecksum> {
  const input = new Input(archive);
  let extended = new Map<string, string>();
  for (;;) {
    const header = await input.take(BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) return;
    const type = String.fromCharCode(header[156]!);
    const sizeBytes = Number(extended.get('size') ?? decodeSize(checked(header)));
    const padding = -sizeBytes & (BLOCK_BYTES - 1);
    if (type === 'x' || type === 'L') {
      if (sizeBytes > MAX_EXTENSION_BYTES) throw new RangeError(`a tar header has ${sizeBytes} bytes`);
      const content = await input.take(sizeBytes);
      if (type === 'x') extended = decodePax(content);
      else extended.set('path', decodeText(content));
      await input.take(padding);
      continue;
    }
    let crc = 0;
    for await (const piece of input.pieces(sizeBytes)) crc = crc32(piece, crc);
    await input.take(padding);
    // NUL is the type of files in archives from before POSIX.
    if (type === '0' || type === '\0')
      yield { name: extended.get('path') ?? decodeName(header), sizeBytes, crc32: crc };
    if (type !== 'g') extended = new Map();
  }
}

function toBlocks(name: string, type: string, content: Uint8Array, mtime: number): Uint8Array[] {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(toOctal(content.length), 124, 'latin1');
  header.write(toOctal(Math.floor(mtime)), 136, 'latin1');
  header.write(type, 156, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return [header, content, Buffer.alloc(-content.length & (BLOCK_BYTES - 1))];
}

function toOctal(value: number): string {
  return `${value.toString(8).padStart(11, '0')}\0`;
}

/** `<length> <key>=<value>\n`, where the length includes its own digits. */
function encodePaxRecord(key: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.from(`${length} ${key}=${value}\n`);
}

function decodePax(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let start = 0; start < content.length; ) {
    const space = content.indexOf(' ', start);
    const length = space < 0 ? 0 : Number(content.toString('latin1', start, space));
    if (!(length > 0)) throw new RangeError('a pax record of a tar archive has no length');
    const record = content.toString('utf8', space + 1, start + length - 1);
    const equals = record.indexOf('=');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    start += length;
  }
  return records;
}

/** The header, whose checksum is right. */
function checked(header: Buffer): Buffer {
  if (Number.parseInt(decodeText(header.subarray(148, 156)), 8) === sumOf(header)) return header;
  throw new RangeError('a tar header has a wrong checksum');
}

/** The sum of all bytes, with spaces instead of the checksum. */
function sumOf(header: Buffer): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

function decodeSize(header: Buffer): number {
  const field = header.subarray(124, 136);
  const sizeBytes =
    field[0]! >= 0x80 ? Number(field.readBigUInt64BE(4)) : Number.parseInt(decodeText(field), 8);
  if (!Number.isSafeInteger(sizeBytes)) throw new RangeError('a tar header has no size');
  return sizeBytes;
}

function decodeName(header: Buffer): string {
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? decodeText(header.subarray(345, 500)) : '';
  const name = decodeText(header.subarray(0, MAX_NAME_BYTES));
  return prefix === '' ? name : `${prefix}/${name}`;
}

function decodeText(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

/** Takes bytes from a stream in the portions that the reader needs. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(sizeBytes: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.pieces(sizeBytes)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async *pieces(sizeBytes: number): AsyncGenerator<Uint8Array> {
    for (let missing = sizeBytes; missing > 0; ) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw new RangeError('the tar archive is incomplete');
        this.#rest = next.value;
      }
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
