/** Several numbers in one call give the same bytes as single calls, or fewer records with the same values. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Diagnostics } from '../../src/base/diagnostics.js';
import { EventLog, type EventLogOptions } from '../../src/event-log/event-log.js';
import { TagIndex } from '../../src/format/reader/plugin-value.js';
import { decodeEvent } from '../../src/format/wire/decode-event.js';
import { encodeEvent, joinPieces } from '../../src/format/wire/encode-event.js';
import type { Event } from '../../src/format/wire/messages.js';
import { MemorySink } from '../../src/format/writer/memory-sink.js';
import { decodeRecords } from '../support/decode-records.js';
import { FakeClock } from '../support/fake-clock.js';

const WALL_TIME = 1_700_000_000.25;

async function bytesOf(write: (log: EventLog) => void, options: EventLogOptions = {}): Promise<string[]> {
  const sink = new MemorySink();
  const diagnostics = new Diagnostics({ onWarning: () => undefined });
  const log = new EventLog('logs', { clock: new FakeClock(), ...options, sink, diagnostics });
  write(log);
  await log.close();
  return [...sink.files.values()].map((bytes) => Buffer.from(bytes).toString('hex'));
}

async function eventsOf(write: (log: EventLog) => void): Promise<Event[]> {
  const files = await bytesOf(write);
  return files
    .flatMap((hex) => decodeRecords(Buffer.from(hex, 'hex')).records)
    .map(decodeEvent)
    .filter(({ what }) => what.kind === 'summary');
}

describe('EventLog.scalarSeries', () => {
  it('writes the same bytes as single calls', async () => {
    const step = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
    const row = fc.tuple(step, fc.oneof(fc.double(), fc.float(), fc.integer()));
    const property = fc.asyncProperty(fc.array(row, { maxLength: 30 }), async (rows) => {
      const options = { wallTime: WALL_TIME, description: 'in **bold**' };

      const inOne = await bytesOf((log) => {
        const steps = rows.map(([step]) => step);
        log.scalarSeries(
          'loss',
          steps,
          Float64Array.from(rows, ([, value]) => value),
          options,
        );
      });

      const oneByOne = await bytesOf((log) => {
        for (const [step, value] of rows) log.scalar('loss', value, { ...options, step });
      });
      expect(inOne).toEqual(oneByOne);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it('starts new files where single calls do, and calls filter for each step', async () => {
    const steps = Array.from({ length: 400 }, (_, i) => i);
    const values = steps.map((step) => step / 3);
    for (const options of [
      { maxFileBytes: 4096 },
      { filter: ({ step }: { step: number | bigint }) => Number(step) % 7 === 0 },
    ]) {
      const inOne = await bytesOf(
        (log) => log.scalarSeries('loss', steps, values, { wallTime: WALL_TIME }),
        options,
      );

      const oneByOne = await bytesOf((log) => {
        for (const step of steps) log.scalar('loss', values[step]!, { step, wallTime: WALL_TIME });
      }, options);
      expect(inOne).toEqual(oneByOne);
    }
  });

  it.each([
    ['equal lengths', [0, 1], [0.5], /2 steps and 1 values/],
    ['whole steps', [0, 0.5], [1, 2], /step is 0\.5/],
    ['a step for each value', [0, undefined], [1, 2], /step 1 is missing/],
    ['numbers', [0, 1], [1, '2'], /expected a number/],
    ['arrays', 0, [1], /steps is 0/],
  ])('requires %s, and writes nothing otherwise', async (_, steps, values, message) => {
    const events = await eventsOf((log) => {
      const given = [steps, values] as unknown as [number[], number[]];
      expect(() => log.scalarSeries('loss', ...given, {})).toThrow(message);
    });

    expect(events).toEqual([]);
  });
});

describe('EventLog.scalars', () => {
  it('writes the values of one step as one event, with the bytes of the general encoder', async () => {
    const value = fc.oneof(fc.double(), fc.float());
    const metrics = fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), value);
    const call = fc.tuple(metrics, fc.option(fc.integer({ min: 0 }), { nil: undefined }));
    const property = fc.asyncProperty(fc.array(call, { maxLength: 6 }), async (calls) => {
      const named = calls.map(([metrics, step]) => {
        const entries = Object.entries(metrics).filter(([name]) => name.trim() !== '');
        return [Object.fromEntries(entries), step] as const;
      });
      const index = new TagIndex();

      const files = await bytesOf((log) => {
        for (const [metrics, step] of named) log.scalars(metrics, { step, wallTime: WALL_TIME });
      });

      const { records } = decodeRecords(Buffer.from(files[0]!, 'hex'));
      const events = records.map(decodeEvent);
      expect(events.map((event) => Buffer.from(joinPieces(encodeEvent(event))).toString('hex'))).toEqual(
        records.map((data) => Buffer.from(data).toString('hex')),
      );
      const decoded = events.flatMap(({ what }) => (what.kind === 'summary' ? what.values : []));
      expect(decoded.map((one) => [one.tag, index.decode(one)])).toEqual(
        named.flatMap(([metrics]) =>
          Object.entries(metrics).map(([tag, value]) => [tag, { kind: 'scalar', value }]),
        ),
      );
      for (const [metrics, step] of named) {
        if (step === undefined || Object.keys(metrics).length === 0) continue;
        expect(events.some((event) => event.step === step)).toBe(true);
      }
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it('gives all metrics of a call the first step that is new for each of them', async () => {
    const events = await eventsOf((log) => {
      log.scalar('a', 1, {});
      log.scalars({ a: 2, b: 3, c: 4 }, {});
      log.scalars({ a: 5, b: 6 }, { step: 10 });
      log.scalars({ c: 7, b: 8 }, {});
    });

    const shown = events.map(({ step, what }) => [
      step,
      what.kind === 'summary' ? what.values.map(({ tag }) => tag).join() : '',
    ]);
    expect(shown).toEqual([
      [0, 'a'],
      [1, 'a,b,c'],
      [10, 'a,b'],
      [11, 'c,b'],
    ]);
  });
});
