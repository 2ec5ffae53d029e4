import { describe, expect, it } from 'vitest';
import { editSummary } from '../../../src/format/compaction/edit-summary.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import type { SummaryValue } from '../../../src/format/wire/messages.js';
import { scalarValue, toEvent } from '../../support/summary-events.js';

function encode(...values: SummaryValue[]): Uint8Array {
  const event = toEvent(7, 1.5, values[0]!);
  return joinPieces(encodeEvent({ ...event, what: { kind: 'summary', values } }));
}

describe('editSummary', () => {
  it('keeps all bytes of an event whose values stay', () => {
    const bytes = encode(scalarValue('a', 1), scalarValue('b', 2));

    expect(editSummary(bytes, () => 'keep')).toEqual(bytes);
  });

  it('removes values', () => {
    const bytes = encode(scalarValue('a', 1), scalarValue('b', 2), scalarValue('c', 3));

    const edited = editSummary(bytes, (value) => (value === 1 ? 'drop' : 'keep'));

    expect(edited).toEqual(encode(scalarValue('a', 1), scalarValue('c', 3)));
  });

  it('gives a value other metadata', () => {
    const metadata = {
      pluginName: 'scalars',
      dataClass: 1,
      displayName: 'name',
      description: 'text',
    } as const;
    const { metadata: _, ...bare } = scalarValue('b', 2);

    for (const value of [bare, scalarValue('b', 2)]) {
      const edited = decodeEvent(
        editSummary(encode(scalarValue('a', 1), value), (i) => (i === 1 ? metadata : 'keep')),
      );
      expect(edited).toMatchObject({ step: 7, wallTime: 1.5 });
      expect(edited.what).toMatchObject({
        values: [scalarValue('a', 1), { ...scalarValue('b', 2), metadata }],
      });
    }
  });

  it('keeps fields that this version does not know', () => {
    // Field 100 of the event, of the summary and of the value, each a varint.
    const unknown = [0xa0, 0x06, 0x2a];
    const value = [0x0a, 1, 0x61, 0x15, 0, 0, 0x80, 0x3f, ...unknown];
    const summary = [0x0a, value.length, ...value, ...unknown, 0x0a, 3, 0x0a, 1, 0x62];
    const event = Uint8Array.from([0x10, 7, 0x2a, summary.length, ...summary, ...unknown]);

    const edited = editSummary(event, (i) => (i === 1 ? 'drop' : 'keep'));

    const kept = [0x0a, value.length, ...value, ...unknown];
    expect(edited).toEqual(Uint8Array.from([0x10, 7, 0x2a, kept.length, ...kept, ...unknown]));
  });

  it('throws for bytes that are no message', () => {
    expect(() => editSummary(Uint8Array.of(0x2a, 5, 1), () => 'keep')).toThrow(RangeError);
  });
});
