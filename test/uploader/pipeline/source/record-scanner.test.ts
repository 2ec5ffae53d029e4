import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../../src/format/record/record-codec.js';
import { RecordScanner } from '../../../../uploader/pipeline/source/record-scanner.js';

const records = ['', 'a', 'an event', 'x'.repeat(5000)].map((text) =>
  Buffer.from(encodeRecord(Buffer.from(text))),
);
const file = Buffer.concat(records);
/** The ends of whole records, from the front. */
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
  it('F6: finds the end of the last whole record of a file cut at every byte', () => {
    for (let cut = 0; cut <= file.length; cut += 1) {
      const { wholeEnd, damageStart } = scan(file.subarray(0, cut));

      expect(wholeEnd).toBe(Math.max(...ends.filter((end) => end <= cut)));
      expect(damageStart).toBeNull();
    }
  });

  it('finds the same whatever the pieces in which the bytes come', () => {
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

  it('F7: stops at any bit that is flipped, and never counts what is behind it', () => {
    const short = Buffer.concat(records.slice(0, 3));
    for (let bit = 0; bit < short.length * 8; bit += 1) {
      const damaged = Buffer.from(short);
      damaged[bit >> 3]! ^= 1 << (bit & 7);

      expect(scan(damaged).wholeEnd).toBeLessThanOrEqual(bit >> 3);
    }
  });

  it('F8: accepts damage when told to: whole records behind it count, and where it began is known', () => {
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

  it('begins in the middle of a file', () => {
    const scanner = new RecordScanner(ends[2]!, { acceptsDamage: false });
    scanner.push(file.subarray(ends[2]!));

    expect(scanner.wholeEnd).toBe(file.length);
  });
});
