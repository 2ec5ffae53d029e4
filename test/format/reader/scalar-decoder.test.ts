/** Scalars in columns equal those read event by event, for any file content and any damage. */

import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.js';
import { EventFileReader, type EventFileReaderOptions } from '../../../src/format/index.js';
import { ReadingMemory } from '../../../src/format/reader/reading-memory.js';
import { type ScalarBatch, ScalarDecoder, toScalarEvent } from '../../../src/format/reader/scalar-decoder.js';
import { numberFrom } from '../../../src/format/reader/tensor-values.js';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import {
  DataType,
  type Event,
  type SummaryMetadata,
  type SummaryValue,
} from '../../../src/format/wire/messages.js';
import { anyEvent } from '../../support/any-event.js';
import { FIXTURES } from '../../support/expected-runs.js';
import { createTempDir } from '../../support/temp-dir.js';

const METADATA: SummaryMetadata = { pluginName: 'scalars', dataClass: 1, description: 'as given' };

/** Tags with few different letters, so that they repeat; their lengths are close to those where the length field grows by one byte. */
const tag = fc.oneof(
  fc.constantFrom(
    'loss',
    'acc',
    'a/b',
    'é',
    'x'.repeat(100),
    'y'.repeat(127),
    'z'.repeat(128),
    'w'.repeat(300),
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }),
);
const step = fc.oneof(
  fc.nat(300),
  fc.nat(2 ** 30),
  fc.integer(),
  fc.constantFrom(0, 127, 128, 2 ** 28, 2 ** 49 - 1, 2 ** 49, 2 ** 53, 2n ** 62n, -1),
);
const wallTime = fc.oneof(
  fc.constantFrom(0, 1_700_000_000.5, 1_700_000_001),
  fc.constantFrom(-0, Number.NaN),
  fc.double(),
);
const float = fc.float().map((value) => Math.fround(value));

/** A scalar in the forms of polytrack, tensorboardX, PyTorch and TensorFlow, and in some similar forms that are not scalars. */
const scalarValue: fc.Arbitrary<SummaryValue> = fc
  .record({ tag, float, double: fc.double(), form: fc.nat(7), hasMetadata: fc.boolean() })
  .map(({ tag, float, double, form, hasMetadata }) => {
    const metadata = hasMetadata ? { metadata: METADATA } : {};
    const base = { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(float) };
    const tensors = [
      base,
      { ...base, floatVal: Float32Array.of(double), doubleVal: Float64Array.of(double) },
      { ...base, doubleVal: Float64Array.of(double) },
      { ...base, shape: [1] },
      { dtype: DataType.FLOAT, shape: [], tensorContent: Uint8Array.of(0, 0, 128, form + 60) },
      { dtype: DataType.DOUBLE, shape: [], doubleVal: Float64Array.of(double) },
      { ...base, floatVal: Float32Array.of(float, float) },
    ];
    const tensor = tensors[form];
    if (tensor === undefined) return { tag, value: { kind: 'simpleValue', simpleValue: float }, ...metadata };
    return { tag, value: { kind: 'tensor', tensor }, ...metadata };
  });
const scalarEvent: fc.Arbitrary<Event> = fc
  .record({ step, wallTime, values: fc.array(scalarValue, { minLength: 1, maxLength: 2 }) })
  .map(({ values, ...moment }) => ({ ...moment, what: { kind: 'summary', values } }));

function toFile(events: readonly Event[]): Buffer {
  return Buffer.concat(events.map((event) => encodeRecord(joinPieces(encodeEvent(event)))));
}

/** An event with the number of its scalar in a form-independent way. */
function toPlain(event: Event): unknown {
  const { what } = event;
  if (what.kind !== 'summary') return event;
  const values = what.values.map((one) => {
    const { value } = one;
    if (value?.kind === 'simpleValue') return { ...one, value: value.simpleValue };
    if (value?.kind !== 'tensor') return one;
    const { dtype, shape, floatVal, tensorContent } = value.tensor;
    const isScalar =
      dtype === DataType.FLOAT &&
      shape.length === 0 &&
      (floatVal?.length === 1 || tensorContent?.length === 4);
    return isScalar ? { ...one, value: numberFrom(one.tag, value.tensor) } : one;
  });
  return { ...event, what: { kind: 'summary', values } };
}

async function readAll(
  file: string,
  how: 'read' | 'readBatches',
  options: EventFileReaderOptions = {},
  memory?: ReadingMemory,
) {
  await using reader = new EventFileReader(file, options);
  if (memory !== undefined) reader.useMemory(memory);
  const events: unknown[] = [];
  let inColumns = 0;
  let error: string | undefined;
  try {
    if (how === 'read') for await (const { event } of reader.read()) events.push(toPlain(event));
    else
      for await (const batch of reader.readBatches()) {
        if (batch.kind === 'event') events.push(toPlain(batch.event));
        else {
          inColumns += batch.scalars.count;
          events.push(...toEvents(batch.scalars).map(toPlain));
        }
      }
  } catch (thrown) {
    error = thrown instanceof CodedError ? `${thrown.code} ${thrown.message}` : String(thrown);
  }
  const { offset, tailBytes, damage } = reader;
  return { inColumns, found: { events, error, offset, tailBytes, damage } };
}

function toEvents(scalars: ScalarBatch): Event[] {
  return Array.from({ length: scalars.count }, (_, row) => toScalarEvent(scalars, row));
}

const filePath = () => join(createTempDir(), 'events.out.tfevents.1.host');

describe('EventFileReader.readBatches', () => {
  it('returns the same as read for scalars in every form among events of every kind', async () => {
    const file = filePath();
    const event = fc.oneof({ weight: 8, arbitrary: scalarEvent }, { weight: 1, arbitrary: anyEvent });
    const memory = new ReadingMemory();
    let inColumns = 0;
    let inColumnsShared = 0;
    const property = fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      writeFileSync(file, toFile([...events, ...events]));

      const batches = await readAll(file, 'readBatches');

      expect(batches.found).toEqual((await readAll(file, 'read')).found);
      inColumns += batches.inColumns;
      // A decoder that knows the tags of all files before.
      const shared = await readAll(file, 'readBatches', {}, memory);
      expect(shared.found).toEqual(batches.found);
      inColumnsShared += shared.inColumns;
    });
    await fc.assert(property, { numRuns: 400 });
    expect(inColumns).toBeGreaterThan(200);
    expect(inColumnsShared).toBeGreaterThan(inColumns);
  });

  it('returns the same events and damage as read for files with wrong bytes', async () => {
    const file = filePath();
    const edit = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    const property = fc.asyncProperty(
      fc.array(scalarEvent, { minLength: 1, maxLength: 20 }),
      fc.array(edit, { minLength: 1, maxLength: 3 }),
      fc.constantFrom<'throw' | 'skip'>('throw', 'skip'),
      async (events, edits, onDamage) => {
        const bytes = toFile([...events, ...events]);
        for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
        writeFileSync(file, bytes);

        const batches = await readAll(file, 'readBatches', { onDamage });

        expect(batches.found).toEqual((await readAll(file, 'read', { onDamage })).found);
      },
    );
    await fc.assert(property, { numRuns: 500 });
  });

  it.each(['tensorboardx', 'pytorch', 'tensorflow'])(
    'returns the same as read for the files of %s',
    async (writer) => {
      const entries = readdirSync(join(FIXTURES, writer), { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && entry.name.includes('tfevents'));
      let inColumns = 0;
      for (const { parentPath, name } of files) {
        const batches = await readAll(join(parentPath, name), 'readBatches');
        expect(batches.found).toEqual((await readAll(join(parentPath, name), 'read')).found);
        inColumns += batches.inColumns;
      }

      expect(inColumns).toBeGreaterThan(0);
    },
  );

  it('continues where it stopped when the file grows by chunks larger than its window', async () => {
    const file = filePath();
    const value = (i: number): SummaryValue => ({
      tag: `metric ${i % 7}`,
      value: { kind: 'tensor', tensor: { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(i) } },
    });
    const bytes = toFile(
      Array.from({ length: 40_000 }, (_, i) => ({
        wallTime: 1 + Math.floor(i / 7),
        step: i,
        what: { kind: 'summary', values: [value(i)] },
      })),
    );
    writeFileSync(file, bytes.subarray(0, 100));
    await using reader = new EventFileReader(file);
    const found: number[] = [];
    for (const end of [100, 1_000_000, 1_000_007, bytes.length]) {
      appendFileSync(
        file,
        bytes.subarray(found.length === 0 && end === 100 ? 100 : reader.offset + reader.tailBytes, end),
      );
      for await (const batch of reader.readBatches()) {
        const events = batch.kind === 'event' ? [batch.event] : toEvents(batch.scalars);
        found.push(...events.map((event) => Number(event.step)));
      }
    }

    expect(found).toEqual(Array.from({ length: 40_000 }, (_, i) => i));
    expect(reader.tailBytes).toBe(0);
  });
});

describe('ScalarDecoder', () => {
  it('F84: learns nothing from texts, and copies no memory around them', () => {
    const event: Event = {
      wallTime: 1,
      step: 2,
      what: { kind: 'summary', values: [toTextValue('a text')] },
    };
    const encoded = joinPieces(encodeEvent(event));
    // A copy of this memory for each text would take minutes.
    const memory = new Uint8Array(64 * 1024 * 1024);
    memory.set(encoded);
    const data = memory.subarray(0, encoded.length);
    const decoded = decodeEvent(data);
    const decoder = new ScalarDecoder();

    for (let count = 0; count < 20_000; count++) decoder.learn(decoded, data);

    expect(decoder.batch.sources).toEqual([]);
  });

  it('F84: keeps no reference to the memory of the record that it has learned from', () => {
    const value = { tag: 'loss', metadata: { ...METADATA, content: Uint8Array.of(1, 2, 3) } };
    const content = {
      kind: 'tensor' as const,
      tensor: { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(1) },
    };
    const event: Event = {
      wallTime: 1,
      step: 2,
      what: { kind: 'summary', values: [{ ...value, value: content }] },
    };
    const data = joinPieces(encodeEvent(event));
    const decoder = new ScalarDecoder();

    decoder.learn(decodeEvent(data), data);
    data.fill(0);

    expect(decoder.batch.sources[0]?.first.metadata?.content).toEqual(Uint8Array.of(1, 2, 3));
  });
});

function toTextValue(text: string): SummaryValue {
  const tensor = { dtype: DataType.STRING, shape: [], stringVal: [Buffer.from(text)] };
  return { tag: 'note', metadata: { pluginName: 'text', dataClass: 2 }, value: { kind: 'tensor', tensor } };
}

describe('ScalarDecoder', () => {
  it.each(['simpleValue', 'tensor'])('does not change the record of a %s that it learns', (kind) => {
    const content = {
      kind: 'tensor',
      tensor: { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(2.5) },
    };
    const value = kind === 'tensor' ? content : { kind: 'simpleValue', simpleValue: 2.5 };
    const values = [{ tag: 'loss', value }] as SummaryValue[];
    const data = Buffer.from(
      joinPieces(encodeEvent({ wallTime: 1, step: 1, what: { kind: 'summary', values } })),
    );
    const before = data.toString('hex');

    new ScalarDecoder().learn(decodeEvent(data), data);

    expect(data.toString('hex')).toBe(before);
  });
});
