import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorruptRecordError } from '../../../src/base/errors.js';
import { crc32c, maskCrc } from '../../../src/format/record/crc32c.js';
import {
  decodeRecord,
  encodeRecord,
  FRAMING_BYTES,
  findRecordHeader,
  maskedLengthCrc,
} from '../../../src/format/record/record-codec.js';
import { RecordQueue } from '../../../src/format/record/record-queue.js';
import { decodeRecords } from '../../support/decode-records.js';

const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const FILE_VERSION = '0f000000000000006d532b091a0d627261696e2e4576656e743a32fc985129';

describe('encodeRecord', () => {
  it('frames the first record of an event file as TensorBoard does', () => {
    const data = fromHex(FILE_VERSION).subarray(12, -4);

    expect(Buffer.from(encodeRecord(data)).toString('hex')).toBe(FILE_VERSION);
  });

  it.each([0, 1, 1023, 1024, 1025, 70_000])('round-trips %i bytes of data', (length) => {
    const data = Uint8Array.from({ length }, (_, i) => i * 7);

    expect(decodeRecord(encodeRecord(data))).toEqual({ kind: 'record', data, end: length + FRAMING_BYTES });
  });
});

describe('decodeRecord', () => {
  const record = encodeRecord(fromHex('0102030405'));

  it('returns the number of missing bytes of a record that is truncated anywhere', () => {
    for (let cut = 0; cut < record.length; cut++) {
      const decoded = decodeRecord(record.subarray(0, cut));

      expect(decoded.kind).toBe('incomplete');
      if (decoded.kind === 'incomplete') {
        expect(decoded.missingBytes).toBeGreaterThan(0);
        expect(cut + decoded.missingBytes).toBeLessThanOrEqual(record.length);
      }
    }
  });

  it('rejects a record with any single bit flipped, and reports its position', () => {
    for (let bit = 0; bit < record.length * 8; bit++) {
      const damaged = record.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);

      expect(() => decodeRecord(damaged, 0, 4096)).toThrow(
        expect.objectContaining({
          code: 'ERR_RECORD_CORRUPT',
          offset: 4096,
          part: bit < 96 ? 'length' : 'data',
        }),
      );
    }
  });

  it('rejects a length above the limit although its CRC matches, instead of waiting for 2 GiB', () => {
    for (const size of [2 ** 31, 2 ** 32 + 5, 2 ** 53]) {
      expect(() => decodeRecord(toHeader(size))).toThrow(expect.objectContaining({ part: 'length' }));
    }
    expect(decodeRecord(toHeader(2 ** 31 - 1)).kind).toBe('incomplete');
  });

  it('rejects zeroed pages instead of waiting for more bytes', () => {
    expect(() => decodeRecord(new Uint8Array(4096))).toThrow(CorruptRecordError);
  });
});

describe('maskedLengthCrc', () => {
  it.each([0, 1, 255, 4096, 2 ** 31 - 1, 2 ** 32 + 5, 2 ** 40])(
    'is the CRC of the length %d as 8 bytes',
    (size) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(size));

      expect(maskedLengthCrc(size)).toBe(maskCrc(crc32c(length)));
      expect(maskedLengthCrc(size)).toBe(maskCrc(crc32c(length)));
    },
  );
});

describe('findRecordHeader', () => {
  it('finds what a search with decodeRecord at every byte finds', () => {
    const piece = fc.oneof(
      fc.nat(40).map((count) => new Uint8Array(count)),
      fc.uint8Array({ maxLength: 20 }),
      fc.uint8Array({ maxLength: 5 }).map(encodeRecord),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.nat(30), (pieces, start) => {
        const bytes = Buffer.concat(pieces);
        let expected = start;
        while (expected + 12 <= bytes.length && startsWithDamage(bytes, expected)) expected += 1;

        expect(findRecordHeader(bytes, start)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('finds a header that is the last 12 bytes, and none in other bytes of that length', () => {
    const header = toHeader(5);
    const other = new Uint8Array(12).fill(7);

    expect(findRecordHeader(header, 0)).toBe(0);
    expect(findRecordHeader(other, 0)).toBe(1);
    expect(findRecordHeader(Buffer.concat([other, header]), 0)).toBe(12);
    expect(findRecordHeader(toHeader(2 ** 31), 0)).toBe(1);
  });

  it('F83: reads zeros four at a time, and computes no CRC for them', () => {
    const zeros = new Uint8Array(64 * 1024);

    const reads = countReads(() => findRecordHeader(zeros, 0));

    expect(reads).toBeLessThan(zeros.length / 3);
  });
});

/** The header of a record of `dataBytes` bytes, with a CRC that matches. */
function toHeader(dataBytes: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, dataBytes, true);
  view.setUint32(8, maskedLengthCrc(dataBytes), true);
  return bytes;
}

function startsWithDamage(bytes: Uint8Array, at: number): boolean {
  try {
    decodeRecord(bytes, at);
    return false;
  } catch (error) {
    return (error as CorruptRecordError).part === 'length';
  }
}

/** Counts the 32-bit reads of `work`. */
function countReads(work: () => unknown): number {
  const { getUint32 } = DataView.prototype;
  let reads = 0;
  DataView.prototype.getUint32 = function (...args) {
    reads += 1;
    return getUint32.apply(this, args);
  };
  try {
    work();
    return reads;
  } finally {
    DataView.prototype.getUint32 = getUint32;
  }
}

describe('decodeRecords', () => {
  it('returns fewer records, but never a wrong one, wherever the bytes are truncated', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), fc.nat(), (datas, at) => {
        const bytes = Buffer.concat(datas.map(encodeRecord));
        const { records, end } = decodeRecords(bytes.subarray(0, at % (bytes.length + 1)));

        expect(records.map((data) => [...data])).toEqual(
          datas.slice(0, records.length).map((data) => [...data]),
        );
        expect(end).toBe(
          datas.slice(0, records.length).reduce((sum, data) => sum + data.length + FRAMING_BYTES, 0),
        );
      }),
    );
  });
});

describe('RecordQueue', () => {
  it('keeps sealed records in order while others are consumed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ data: fc.uint8Array({ maxLength: 100_000 }), consume: fc.nat(200_000) }), {
          maxLength: 12,
        }),
        (steps) => {
          const queue = new RecordQueue();
          let expected = Buffer.alloc(0);
          for (const { data, consume } of steps) {
            const at = queue.reserve(data.length + 10);
            queue.bytes.set(data, at);
            queue.seal(at + data.length);
            expected = Buffer.concat([expected, encodeRecord(data)]);
            expect(Buffer.compare(queue.waiting, expected)).toBe(0);
            const count = Math.min(consume, queue.sizeBytes);
            queue.consume(count);
            expected = expected.subarray(count);
            expect(queue.sizeBytes).toBe(expected.length);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has space for a record of any size that is reserved, also if it ends with the buffer', () => {
    const initial = new RecordQueue().bytes.length;
    for (let size = initial - 3 * FRAMING_BYTES; size <= initial + 1; size++) {
      const queue = new RecordQueue();
      const at = queue.reserve(size);
      queue.bytes.fill(7, at, at + size);
      queue.seal(at + size);

      expect(Buffer.compare(queue.waiting, encodeRecord(new Uint8Array(size).fill(7)))).toBe(0);
    }
  });

  it('releases a buffer that grew for one large record', () => {
    const queue = new RecordQueue();
    queue.seal(queue.reserve(20_000_000) + 20_000_000);
    expect(queue.bytes.length).toBeGreaterThan(20_000_000);

    queue.consume(queue.sizeBytes);

    expect(queue.bytes.length).toBeLessThan(1_000_000);
  });
});
