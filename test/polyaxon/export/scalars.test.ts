/** Scalars in columns are exported to the same bytes as single scalars. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScalarDecoder } from '../../../src/format/reader/scalar-decoder.js';
import { decodeRecord, encodeRecord } from '../../../src/format/record/record-codec.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { DataType, type Event, type SummaryValue } from '../../../src/format/wire/messages.js';
import { Exporter } from '../../../src/polyaxon/export/exporter.js';

/** Values with and without a plugin, and names that are equal in Polyaxon; some are not metrics. */
const value: fc.Arbitrary<SummaryValue> = fc
  .record({
    tag: fc.constantFrom('loss', 'Loss', 'acc', 'lo ss', 'text'),
    number: fc.oneof(fc.double(), fc.float(), fc.integer()),
    plugin: fc.constantFrom(undefined, 'scalars', 'text', 'mine'),
    isSimple: fc.boolean(),
  })
  .map(({ tag, number, plugin, isSimple }) => {
    const tensor = {
      dtype: DataType.FLOAT,
      shape: [],
      floatVal: Float32Array.of(number),
      ...(Object.is(Math.fround(number), number) ? {} : { doubleVal: Float64Array.of(number) }),
    };
    return {
      tag,
      ...(plugin === undefined ? {} : { metadata: { pluginName: plugin, dataClass: 1 as const } }),
      value: isSimple
        ? { kind: 'simpleValue', simpleValue: Math.fround(number) }
        : { kind: 'tensor', tensor },
    };
  });
const event: fc.Arbitrary<Event> = fc
  .record({ step: fc.integer({ min: -2, max: 500 }), wallTime: fc.oneof(fc.nat(), fc.double()), value })
  .map(({ value, ...eventTime }) => ({ ...eventTime, what: { kind: 'summary', values: [value] } }));

describe('Exporter.pushScalars', () => {
  it('writes the same bytes as push, and ends in the same state', () => {
    let inColumns = 0;
    const property = fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const records = [...events, ...events].map((one) => encodeRecord(joinPieces(encodeEvent(one))));
      const bytes = Uint8Array.from(Buffer.concat(records));
      const view = new DataView(bytes.buffer);
      const decoder = new ScalarDecoder();
      const [byColumns, byEvents] = [new Exporter(), new Exporter()];
      for (let at = 0; at < bytes.length; ) {
        const end = decoder.readScalars(bytes, view, at);
        if (end > at) {
          inColumns += decoder.batch.count;
          byColumns.pushScalars(decoder.batch, 'worker');
          at = end;
          continue;
        }
        const record = decodeRecord(bytes, at);
        if (record.kind === 'incomplete') throw new Error('the last record is cut');
        const decoded = decodeEvent(record.data);
        decoder.learn(decoded, record.data);
        byColumns.push(decoded, 'worker');
        at = record.end;
      }
      for (let at = 0; at < bytes.length; ) {
        const record = decodeRecord(bytes, at);
        if (record.kind === 'incomplete') throw new Error('the last record is cut');
        byEvents.push(decodeEvent(record.data), 'worker');
        at = record.end;
      }

      expect(byColumns.take()).toEqual(byEvents.take());
      expect(byColumns.state).toEqual(byEvents.state);
      expect(byColumns.counts).toEqual(byEvents.counts);
    });
    fc.assert(property, { numRuns: 500 });
    expect(inColumns).toBeGreaterThan(1000);
  });
});
