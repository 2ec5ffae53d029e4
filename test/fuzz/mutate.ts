/** Changes inputs at random: bytes, records of event files with right checksums, values of JSON, and lines of a journal. */

import { crc32 } from 'node:zlib';
import { encodeRecord, FRAMING_BYTES } from '../../src/format/record/record-codec.js';

/** How an input is built, so that a change keeps its checksums right. */
export type Shape = 'bytes' | 'events' | 'json' | 'journal';

const MAX_BYTES = 64 * 1024;
const HEADER_BYTES = 12;
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff];
const VALUES: readonly unknown[] = [
  ...[
    null,
    true,
    '',
    'a',
    [],
    {},
    [[]],
    0,
    -1,
    1.5,
    2 ** 31,
    2 ** 53,
    -(2 ** 63),
    1e308,
    '__proto__',
    '../x',
    '/',
  ],
  ...[
    '\u0000',
    '\ud800',
    'NaN',
    '9'.repeat(400),
    'x'.repeat(5000),
    '%2e%2e',
    's3://b/k',
    '2026-01-01T00:00:00Z',
  ],
  [...Array(50).keys()],
  { __proto__: null, constructor: { prototype: 1 }, toString: 1 },
];

/** A small generator with a seed (mulberry32), so that a history can be repeated. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Returns a whole number below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

/** Returns a changed copy of `input`, of at most 64 KiB. `other` is another input, for parts of it. */
export function mutate(input: Buffer, other: Buffer, shape: Shape, random: Random): Buffer {
  const isRaw = shape === 'bytes' || random.below(5) === 0;
  const changed = isRaw ? changeBytes(input, other, random) : BY_SHAPE[shape](input, other, random);
  return changed.subarray(0, MAX_BYTES);
}

const BY_SHAPE = {
  events: changeEvents,
  json: (input: Buffer, other: Buffer, random: Random) => changeLines(input, other, random, (text) => text),
  journal: (input: Buffer, other: Buffer, random: Random) =>
    changeLines(input, other, random, (text, line) => {
      const framed = `${Buffer.byteLength(text)} ${line} ${text}`;
      return `${crc32(framed).toString(16).padStart(8, '0')} ${framed}`;
    }),
} as const;

function changeBytes(input: Buffer, other: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(input);
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(bytes.length + 1);
    const size = 1 + random.below(random.of([1, 4, 16, 256]));
    const from = random.below(other.length + 1);
    switch (random.below(7)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random.of(INTERESTING);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + size), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(from, from + size), bytes.subarray(at)]);
        break;
      case 5:
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.alloc(size, random.of(INTERESTING)),
          bytes.subarray(at),
        ]);
        break;
      default:
        for (let i = at; i < Math.min(bytes.length, at + size); i++) bytes[i] = random.below(256);
    }
  }
  return bytes;
}

/** Splits at the lengths of the records, whether their checksums are right or not. */
function splitRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + FRAMING_BYTES <= bytes.length; ) {
    const size = bytes.readUInt32LE(at);
    if (at + FRAMING_BYTES + size > bytes.length) break;
    records.push(bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + size));
    at += FRAMING_BYTES + size;
  }
  return records;
}

function changeEvents(input: Buffer, other: Buffer, random: Random): Buffer {
  const records = splitRecords(input);
  const others = splitRecords(other);
  if (records.length === 0) return changeBytes(input, other, random);
  const at = random.below(records.length);
  const record = others.length === 0 ? records[at]! : random.of(others);
  switch (random.below(5)) {
    case 0:
      records.splice(at, 1);
      break;
    case 1:
      records.splice(at, 0, record);
      break;
    case 2:
      records.push(records.splice(at, 1)[0]!);
      break;
    default:
      records[at] = changeBytes(records[at]!, record, random);
  }
  return Buffer.concat(records.map((each) => encodeRecord(each)));
}

function changeLines(
  input: Buffer,
  other: Buffer,
  random: Random,
  toLine: (text: string, line: number) => string,
): Buffer {
  const values = parseLines(input);
  if (values.length === 0) return changeBytes(input, other, random);
  const at = random.below(values.length);
  const others = parseLines(other);
  const donor = others.length === 0 ? null : random.of(others);
  if (random.below(6) === 0) values.splice(at, random.below(2), donor);
  else values[at] = changeValue(values[at], donor, random);
  return Buffer.from(
    values.map((value, line) => toLine(JSON.stringify(value) ?? 'null', line)).join('\n') +
      (random.below(4) === 0 ? '' : '\n'),
  );
}

/** The JSON values of the lines; what precedes a value on its line is dropped. */
function parseLines(bytes: Buffer): unknown[] {
  const text = bytes.toString('utf8');
  const whole = parse(text);
  if (whole !== undefined) return [whole];
  return text.split('\n').flatMap((line) => {
    const value = parse(line.slice(Math.max(0, line.search(/[[{]/))));
    return value === undefined ? [] : [value];
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON
  }
}

function changeValue(value: unknown, donor: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || random.below(8) === 0)
    return random.below(4) === 0 ? donor : random.of(VALUES);
  const entries = Object.entries(value);
  if (entries.length === 0) return random.of(VALUES);
  const at = random.below(entries.length);
  const [key, child] = entries[at]!;
  switch (random.below(6)) {
    case 0:
      entries.splice(at, 1);
      break;
    case 1:
      entries.push([random.of(['__proto__', '', 'a', `${key}2`]), child]);
      break;
    default:
      entries[at] = [key, changeValue(child, donor, random)];
  }
  return Array.isArray(value) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
}
