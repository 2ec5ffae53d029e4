import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValue } from '../../../src/format/reader/plugin-value.js';
import { RecordQueue } from '../../../src/format/record/record-queue.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { DataType, type Event } from '../../../src/format/wire/messages.js';
import { EventEncoder } from '../../../src/format/writer/event-encoder.js';
import { createMetadata } from '../../../src/summary/plugin-data.js';
import { createTextValue } from '../../../src/summary/text.js';
import { decodeRecords } from '../../support/decode-records.js';

function eventsOf(queue: RecordQueue): Event[] {
  return decodeRecords(queue.waiting).records.map(decodeEvent);
}

function scalarEvent(
  tag: string,
  value: number,
  step: number | bigint,
  wallTime: number,
  isFirst: boolean,
): Event {
  const isRounded = !Object.is(Math.fround(value), value);
  const tensor = {
    dtype: DataType.FLOAT,
    shape: [],
    floatVal: Float32Array.of(value),
    ...(isRounded ? { doubleVal: Float64Array.of(value) } : {}),
  };
  const metadata = isFirst ? { metadata: createMetadata('scalars') } : {};
  return {
    wallTime,
    step,
    what: { kind: 'summary', values: [{ tag, value: { kind: 'tensor', tensor }, ...metadata }] },
  };
}

describe('EventEncoder', () => {
  it('writes the same bytes for scalars as the general encoder', () => {
    const step = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    const call = fc.record({
      tag: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
      value: fc.oneof(fc.double(), fc.float()),
      step,
      wallTime: fc.double({ min: 0, max: 1e11, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 8 }), (calls) => {
        const queue = new RecordQueue();
        const encoder = new EventEncoder(queue);
        const seen = new Set<string>();
        const expected = calls.map(({ tag, value, step, wallTime }) => {
          encoder.scalar(tag, value, step, wallTime);
          const isFirst = !seen.has(tag);
          seen.add(tag);
          return joinPieces(encodeEvent(scalarEvent(tag, value, step, wallTime, isFirst)));
        });

        const { records } = decodeRecords(queue.waiting);

        expect(records.map((data) => Buffer.from(data).toString('hex'))).toEqual(
          expected.map((data) => Buffer.from(data).toString('hex')),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('round-trips doubles that float32 cannot represent, whichever form comes first in a file', () => {
    const queue = new RecordQueue();
    const encoder = new EventEncoder(queue);
    const values = [0.1, 0.25, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e300, 5e-324, 16_777_217];

    for (const isReversed of [false, true]) {
      encoder.startFile(1, 'w', { sessionStarts: [] });
      for (const value of isReversed ? values.toReversed() : values) encoder.scalar('a', value, undefined, 1);
    }

    const stored = eventsOf(queue).flatMap(({ what }) => (what.kind === 'summary' ? what.values : []));
    const decoded = stored.map((value) => decodeValue(value, createMetadata('scalars')));
    expect(decoded.map((value) => (value.kind === 'scalar' ? value.value : value.kind))).toEqual([
      ...values,
      ...values.toReversed(),
    ]);
    expect(stored.flatMap(({ metadata }, i) => (metadata === undefined ? [] : [i]))).toEqual([
      0,
      values.length,
    ]);
  });

  it('keeps metadata whose bytes form a signalling NaN at any position', () => {
    const signalling = [1, 0, 0, 0, 0, 0, 0xf0, 0x7f];
    for (let shift = 0; shift < 8; shift++) {
      const queue = new RecordQueue();
      const content = Uint8Array.of(...signalling.slice(shift), ...signalling, ...signalling);
      const metadata = { ...createMetadata('scalars'), content };

      new EventEncoder(queue).scalar('loss', 0.1, 1, 2, metadata);

      const event = scalarEvent('loss', 0.1, 1, 2, true);
      if (event.what.kind === 'summary') Object.assign(event.what.values[0]!, { metadata });
      expect(decodeRecords(queue.waiting).records).toEqual([joinPieces(encodeEvent(event))]);
    }
  });

  it('keeps templates whose bytes form a NaN, as the lengths of very long tags do', () => {
    const queue = new RecordQueue();
    const encoder = new EventEncoder(queue);
    const expected: Event[] = [];
    // A length of 16,368 to 16,383 ends in the bytes f0 to ff and 7f. At each place in a word of 8 bytes, it is in the exponent of a double.
    for (let length = 16_300; length < 16_400; length++)
      for (const [step, value] of [0.5, 0.25, 0.1].entries()) {
        const tag = 'n'.repeat(length);
        encoder.scalar(tag, value, step, 2);
        expected.push(scalarEvent(tag, value, step, 2, step === 0));
      }

    const { records } = decodeRecords(queue.waiting);
    expect(records.map((each) => Buffer.from(each).toString('latin1'))).toEqual(
      expected.map((event) => Buffer.from(joinPieces(encodeEvent(event))).toString('latin1')),
    );
  });

  it('reserves space for the longest steps wherever the queue grows', () => {
    const queue = new RecordQueue();
    const encoder = new EventEncoder(queue);

    for (let i = 0; i < 5000; i++) encoder.scalar('n'.repeat(1 + (i % 9)), 0.1, -i - 1, 2);

    expect(eventsOf(queue).map(({ step }) => step)).toEqual(Array.from({ length: 5000 }, (_, i) => -i - 1));
  });

  it('writes the same bytes for very many tags as the general encoder', () => {
    const queue = new RecordQueue();
    const encoder = new EventEncoder(queue);
    const expected: Event[] = [];

    for (let step = 0; step < 3; step++) {
      for (let i = 0; i < 3000; i++) {
        const value = i % 3 === step ? 0.5 : 0.1 + i;
        encoder.scalar(`layer ${i}`, value, step, 2);
        expected.push(scalarEvent(`layer ${i}`, value, step, 2, step === 0));
      }
    }

    const { records } = decodeRecords(queue.waiting);
    expect(records).toEqual(expected.map((event) => joinPieces(encodeEvent(event))));
    expect([...encoder.scalarRanges()].slice(1, 3)).toEqual([
      { tag: 'layer 1', last: 1.1, lowest: 0.5, highest: 1.1 },
      { tag: 'layer 2', last: 0.5, lowest: 0.5, highest: 2.1 },
    ]);
  });

  it('continues after the last given step for values without a step', () => {
    const queue = new RecordQueue();
    const encoder = new EventEncoder(queue);

    encoder.scalar('a', 1, undefined, 1);
    encoder.scalar('a', 1, undefined, 1);
    encoder.scalar('b', 1, undefined, 1);
    encoder.scalar('a', 1, 100, 1);
    encoder.scalar('a', 1, undefined, 1);
    encoder.scalar('a', 1, 2 ** 53, 1);
    encoder.scalar('a', 1, undefined, 1);

    expect(eventsOf(queue).map((event) => event.step)).toEqual([
      0,
      1,
      0,
      100,
      101,
      2n ** 53n,
      2n ** 53n + 1n,
    ]);
  });

  it('writes the metadata of a tag once in every file', () => {
    const queue = new RecordQueue();
    const encoder = new EventEncoder(queue);
    const write = (): void => {
      encoder.scalar('loss', 1, undefined, 1);
      encoder.summary([createTextValue('note', 'x')], encoder.nextStep('note'), 1);
    };

    encoder.startFile(1, 'w', { sessionStarts: [0] });
    write();
    write();
    encoder.startFile(2, 'w', { sessionStarts: [] });
    write();
    write();

    const described = eventsOf(queue).flatMap(({ what }) =>
      what.kind === 'summary'
        ? what.values.map((value) => `${value.tag} ${value.metadata?.pluginName ?? '-'}`)
        : [what.kind],
    );
    expect(described).toEqual([
      'fileVersion',
      'sessionLog',
      'loss scalars',
      'note text',
      'loss -',
      'note -',
      'fileVersion',
      'loss scalars',
      'note text',
      'loss -',
      'note -',
    ]);
  });

  it('takes any step after a value that may be replaced, and reports an earlier one only after that', () => {
    const notices: string[] = [];
    const encoder = new EventEncoder(new RecordQueue(), ({ kind }) => notices.push(kind));
    encoder.scalar('loss', 1, 5, 0);
    encoder.makeProvisional('loss');
    encoder.makeProvisional('loss');
    expect(encoder.nextStep('loss')).toBe(5);

    encoder.scalar('loss', 2, 3, 0);
    expect(notices).toEqual([]);

    encoder.scalar('loss', 3, 2, 0);
    expect(notices).toEqual(['stepNotIncreasing']);
  });
});
