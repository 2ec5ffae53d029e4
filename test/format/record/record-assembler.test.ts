import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordAssembler } from '../../../src/format/record/record-assembler.js';
import { decodeRecord, encodeRecord } from '../../../src/format/record/record-codec.js';

/** The data of all whole records, decoded from pieces; `joins` counts how often pieces were joined. */
function assemble(pieces: readonly Uint8Array[]) {
  const assembler = new RecordAssembler();
  const records: string[] = [];
  let joins = 0;
  for (const piece of pieces) {
    const buffer = Buffer.from(piece);
    const bytes = assembler.add(buffer);
    buffer.fill(0); // the caller may reuse it
    if (bytes === undefined) continue;
    joins += 1;
    for (let at = 0; ; ) {
      const decoded = decodeRecord(bytes, at);
      if (decoded.kind === 'incomplete') {
        assembler.keep(bytes.subarray(at), decoded.missingBytes);
        break;
      }
      records.push(Buffer.from(decoded.data).toString());
      at = decoded.end;
    }
  }
  return { records, joins };
}

function cut(bytes: Buffer, sizes: Iterable<number>): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
}

describe('RecordAssembler', () => {
  it('returns the same records for any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.nat(40)), (texts, sizes) => {
        const file = Buffer.concat(texts.map((text) => encodeRecord(Buffer.from(text))));

        expect(assemble(cut(file, sizes)).records).toEqual(texts.map((text) => Buffer.from(text).toString()));
      }),
    );
  });

  it('F84: joins the pieces of a large record once, not with every piece', () => {
    const file = Buffer.from(encodeRecord(new Uint8Array(100_000)));

    const { records, joins } = assemble(cut(file, new Array(1000).fill(100)));

    expect(records).toHaveLength(1);
    expect(joins).toBeLessThan(5);
  });
});
