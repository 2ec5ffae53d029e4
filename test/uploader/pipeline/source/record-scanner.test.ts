import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../../src/format/record/record-codec.js';
import { RecordScanner } from '../../../../uploader/pipeline/source/record-scanner.js';

const records = ['', 'a', 'an event', 'x'.repeat(5000)].map((text) =>
  Buffer.from(encodeRecord(Buffer.from(text))),
);
const file = Buffer.concat(records);
/** Returns the end offsets of all whole records. */
const ends = [0];
for (const record of records) ends.push(ends.at(-1)! + record.length);

function scan(
  bytes: Buffer,
  options: { acceptsDamage?: boolean; pieces?: readonly number[] } = {},
): RecordScanner {
  const scanner = new RecordScanner(0, { acceptsDamage: options.acceptsDamage ?? false });
  let start = 0;
  for (const piece of [...(options.pieces ?? []), bytes.length]) {
    scanner.push(bytes.subarray(start, start + piece));
    start = Math.min(bytes.length, start + piece);
  }
  return scanner;
}

describe('RecordScanner', () => {
  it('F6: finds the end of the last whole record of a file truncated at any byte', () => {
    for (let cut = 0; cut <= file.length; cut += 1) {
      const { wholeEnd, damageStart } = scan(file.subarray(0, cut));

      expect(wholeEnd).toBe(Math.max(...ends.filter((end) => end <= cut)));
      expect(damageStart).toBeNull();
    }
  });

  it('returns the same result for any division into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 20 }),
        fc.nat(file.length),
        (pieces, cut) => {
          expect(scan(file.subarray(0, cut), { pieces }).wholeEnd).toBe(scan(file.subarray(0, cut)).wholeEnd);
        },
      ),
    );
  });

  it('F7: stops at any flipped bit and counts no records after it', () => {
    const short = Buffer.concat(records.slice(0, 3));
    for (let bit = 0; bit < short.length * 8; bit += 1) {
      const damaged = Buffer.from(short);
      damaged[bit >> 3]! ^= 1 << (bit & 7);

      expect(scan(damaged).wholeEnd).toBeLessThanOrEqual(bit >> 3);
    }
  });

  it('F8: counts whole records after the damage when damage is accepted, and returns where it began', () => {
    const good = records[2]!;
    const three = Buffer.concat([good, good, good]);
    for (let bit = good.length * 8; bit < good.length * 16; bit += 1) {
      const damaged = Buffer.from(three);
      damaged[bit >> 3]! ^= 1 << (bit & 7);

      const scanner = scan(damaged, { acceptsDamage: true, pieces: [7, 1, 30] });

      expect(scanner.wholeEnd).toBe(three.length);
      expect(scanner.damageStart).toBe(good.length);
    }
  });

  it('F83: returns the same result for any pieces of a file with damage and zeros', () => {
    const piece = fc.oneof(
      fc.nat(60).map((count) => Buffer.alloc(count)),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(encodeRecord(bytes))),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.integer({ min: 1, max: 30 })), (parts, pieces) => {
        const bytes = Buffer.concat(parts);
        const [whole, byByte] = [
          new Array(bytes.length).fill(bytes.length),
          new Array(bytes.length).fill(1),
        ].map((each) => scan(bytes, { acceptsDamage: true, pieces: each }));
        const scanner = scan(bytes, { acceptsDamage: true, pieces });

        for (const other of [whole!, byByte!])
          expect([scanner.wholeEnd, scanner.damageStart]).toEqual([other.wholeEnd, other.damageStart]);
      }),
      { numRuns: 300 },
    );
  });

  it('can begin in the middle of a file', () => {
    const scanner = new RecordScanner(ends[2]!, { acceptsDamage: false });
    scanner.push(file.subarray(ends[2]!));

    expect(scanner.wholeEnd).toBe(file.length);
  });
});
