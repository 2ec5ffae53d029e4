import { decodeRecord } from '../../src/format/record/record-codec.js';

/** Decodes all complete records of `bytes`; `end` is the offset after the last one. Throws like `decodeRecord`. */
export function decodeRecords(bytes: Uint8Array): { records: Uint8Array[]; end: number } {
  const records: Uint8Array[] = [];
  let end = 0;
  for (;;) {
    const decoded = decodeRecord(bytes, end);
    if (decoded.kind === 'incomplete') return { records, end };
    records.push(decoded.data);
    end = decoded.end;
  }
}
