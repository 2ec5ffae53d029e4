import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Diagnostics } from '../../../src/base/diagnostics.js';
import type { CodedError } from '../../../src/base/errors.js';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import type { Event } from '../../../src/format/wire/messages.js';
import type { EventFileWriterOptions } from '../../../src/format/writer/event-file-options.js';
import { EventFileWriter } from '../../../src/format/writer/event-file-writer.js';
import { decodeRecords } from '../../support/decode-records.js';
import { diskError, FailingSink } from '../../support/failing-sink.js';
import { FakeClock } from '../../support/fake-clock.js';

function open(options: EventFileWriterOptions = {}) {
  const sink = new FailingSink();
  const clock = new FakeClock();
  const errors: CodedError[] = [];
  const diagnostics = new Diagnostics({ onError: (error) => errors.push(error) });
  const writer = new EventFileWriter('/logs', { sink, clock, diagnostics, ...options });
  onTestFinished(async () => {
    await writer.close().catch(() => 'the test has seen its errors');
  });
  return { writer, sink, clock, errors };
}

/** The events of a file; fails when the file ends in a partial record. */
function eventsOf(bytes: Uint8Array): Event[] {
  const { records, end } = decodeRecords(bytes);
  expect(end).toBe(bytes.length);
  return records.map(decodeEvent);
}

function stepsOf(sink: FailingSink): (number | bigint)[] {
  return [...sink.files.values()].flatMap((bytes) =>
    eventsOf(bytes)
      .filter((event) => event.what.kind === 'summary')
      .map((event) => event.step),
  );
}

describe('EventFileWriter', () => {
  it.each([-3600, -0.5, 0, 3600])(
    'F70: writes once per interval in a loop that blocks the event loop, when the wall clock jumps by %d s',
    (jump) => {
      const clock = new FakeClock();
      let offset = 0;
      const jumping = {
        wallTime: () => clock.seconds + offset,
        monotonicMs: () => clock.monotonicMs(),
        sleep: (ms: number) => clock.sleep(ms),
      };
      const { writer, sink } = open({ clock: jumping });
      for (let step = 0; step < 1000; step++) {
        clock.seconds += 0.01;
        if (step === 100) offset = jump;
        writer.writeScalar('loss', step, step, undefined);
      }

      // 10 s of logging with an interval of 2 s.
      expect(stepsOf(sink).length).toBeGreaterThanOrEqual(800);
      expect(sink.writes).toBeLessThanOrEqual(6);
    },
  );

  it('creates a file at once with file_version and SessionLog START', () => {
    const { sink } = open({ resume: { fromStep: 7 } });

    const [path, bytes] = [...sink.files][0]!;

    expect(basename(path)).toMatch(/^events\.out\.tfevents\.1700000000\.[\w-]+\.\d+\.\d{6}$/);
    expect(eventsOf(bytes)).toEqual([
      {
        wallTime: 1_700_000_000,
        step: 0,
        what: { kind: 'fileVersion', fileVersion: 'brain.Event:2', writer: 'polytrack' },
      },
      { wallTime: 1_700_000_000, step: 7, what: { kind: 'sessionLog', status: 1 } },
    ]);
  });

  it('keeps events in memory until flush, then writes them all', async () => {
    const { writer, sink } = open();

    for (let step = 0; step < 100; step++) writer.writeScalar('loss', step, step, 1);

    expect(stepsOf(sink)).toHaveLength(0);
    await writer.flush();
    expect(stepsOf(sink)).toHaveLength(100);
  });

  it('writes automatically after the flush interval', async () => {
    const { writer, sink } = open({ flushIntervalMs: 20 });

    writer.writeScalar('loss', 1, 0, 1);

    await expect.poll(() => stepsOf(sink)).toHaveLength(1);
  });

  it('writes an event that is no value after the flush interval too, and rotates by its size', async () => {
    const { writer, sink } = open({ flushIntervalMs: 20, maxFileBytes: 1000 });
    const graphDef = new Uint8Array(1000);

    writer.writeEvent({ wallTime: 1, step: 0, what: { kind: 'graphDef', graphDef } });

    await expect
      .poll(() => [...sink.files.values()].map((bytes) => eventsOf(bytes).map(({ what }) => what.kind)))
      .toEqual([['fileVersion', 'sessionLog', 'graphDef'], ['fileVersion']]);
  });

  it('writes in the next turn of the event loop once a mebibyte waits', async () => {
    const { writer, sink } = open({ flushIntervalMs: 3_600_000 });
    const graphDef = new Uint8Array(300 * 1024);
    const log = () => writer.writeEvent({ wallTime: 1, step: 0, what: { kind: 'graphDef', graphDef } });
    const before = sink.writes;
    for (let i = 0; i < 3; i += 1) log();
    await sleep(0);
    await sleep(0);
    expect(sink.writes).toBe(before);

    log();
    expect(sink.writes).toBe(before);
    await expect.poll(() => sink.writes).toBeGreaterThan(before);

    expect([...sink.files.values()].flatMap(eventsOf)).toHaveLength(6);
  });

  it('takes the next name when another program has taken the one of its file', () => {
    const sink = new FailingSink();
    const create = sink.create.bind(sink);
    const tried: string[] = [];
    sink.create = (directory, name) => {
      tried.push(name);
      if (tried.length < 3) throw diskError('EEXIST');
      return create(directory, name);
    };
    const writer = new EventFileWriter('/logs', { sink, clock: new FakeClock() });
    onTestFinished(() => writer.close());

    expect([...sink.files.keys()].map((path) => basename(path))).toEqual([tried[2]]);
    expect(new Set(tried).size).toBe(3);
    expect(basename(writer.currentFile!)).toBe(tried[2]);
  });

  it.each([
    [false, 0],
    [true, 1],
  ])('syncs a file once when it is closed, with fsync: %s', async (fsync, expected) => {
    const { writer, sink } = open({ fsync });
    writer.writeScalar('loss', 1, 0, 1);

    await writer.close();

    expect(sink.syncs).toBe(expected);
  });

  it.each(['', 5, undefined])('rejects %j as its directory', (directory) => {
    expect(() => new EventFileWriter(directory as string)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        message: expect.stringMatching(/^directory is .*, expected the path of a directory$/),
      }),
    );
  });

  it.each(['5', 1.5, Number.NaN, null, undefined])('rejects to resume from the step %j', (fromStep) => {
    const resume = { fromStep } as { fromStep: number };

    expect(() => new EventFileWriter('/logs', { resume, sink: new FailingSink() })).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_INVALID',
        message: expect.stringMatching(/^resume\.fromStep is .*, expected a whole number$/),
        hint: 'Pass true, or { fromStep: 100 }.',
      }),
    );
  });

  it.each([-5, 0, 2n ** 60n])('resumes from the step %d', async (fromStep) => {
    const { writer, sink } = open({ resume: { fromStep } });
    await writer.close();

    const [event] = eventsOf([...sink.files.values()][0]!).filter(({ what }) => what.kind === 'sessionLog');
    expect(event?.step).toBe(fromStep);
  });

  it('passes on the cause of a write that failed', async () => {
    const { writer, sink } = open();
    Object.assign(sink, { failure: diskError('EIO'), spaceBytes: 0 });
    writer.writeScalar('loss', 1, 0, 1);

    await expect(writer.flush()).rejects.toMatchObject({ cause: sink.failure });
    Object.assign(sink, { failure: undefined, spaceBytes: Number.POSITIVE_INFINITY });
  });

  it('writes the first file before all others, whatever their order, and before those without seconds', () => {
    const sink = new FailingSink();
    const names = [
      'events.out.tfevents.1000000050.a',
      'events.out.tfevents.1000000007.b',
      'x.tfevents',
      'events.out.tfevents.1000000300.c',
    ];
    for (const name of names) sink.create('/logs', name).close(false);
    const writer = new EventFileWriter('/logs', { sink, clock: new FakeClock(), resume: true });
    onTestFinished(() => writer.close());

    writer.writeFirst([{ wallTime: 1, step: 3, what: { kind: 'summary', values: [] } }]);

    const created = [...sink.files.keys()].map((path) => basename(path)).at(-1);
    expect(created).toMatch(/^events\.out\.tfevents\.1000000006\./);
    expect(eventsOf([...sink.files.values()].at(-1)!).map(({ what }) => what.kind)).toEqual([
      'fileVersion',
      'summary',
    ]);
  });

  it('writes within the call when the event loop is blocked', () => {
    const { writer, sink, clock } = open({ flushIntervalMs: 2000 });

    writer.writeScalar('loss', 1, 0, undefined);
    clock.seconds += 3;
    writer.writeScalar('loss', 1, 1, undefined);

    expect(stepsOf(sink)).toEqual([0, 1]);
  });

  it('bounds the memory when the event loop is blocked', () => {
    const { writer, sink } = open();

    for (let step = 0; step < 200_000; step++) writer.writeScalar('loss', 1, step, 1);

    expect(stepsOf(sink).length).toBeGreaterThan(100_000);
  });

  it('begins a new file at the size limit, without a second START, with a name that sorts later', async () => {
    const { writer, sink, clock } = open({ maxFileBytes: 1000 });

    for (let step = 0; step < 100; step++) writer.writeScalar('loss', 1, step, 1);
    clock.seconds -= 10;
    await writer.close();

    const paths = [...sink.files.keys()];
    expect(paths.length).toBeGreaterThan(3);
    expect([...paths].sort()).toEqual(paths);
    expect(stepsOf(sink)).toEqual(Array.from({ length: 100 }, (_, step) => step));
    const logs = [...sink.files.values()].map((bytes) => eventsOf(bytes).map((event) => event.what.kind));
    expect(logs.map((kinds) => kinds.filter((kind) => kind === 'sessionLog').length)).toEqual([
      1,
      ...logs.slice(1).map(() => 0),
    ]);
    expect(logs.every((kinds) => kinds[0] === 'fileVersion')).toBe(true);
    expect(Math.max(...[...sink.files.values()].map((bytes) => bytes.length))).toBeLessThan(1200);
  });

  it('reports a failing disk, keeps the events and writes them after recovery', async () => {
    const { writer, sink, errors } = open();
    sink.failure = diskError('ENOSPC');
    sink.spaceBytes = 100;
    for (let step = 0; step < 50; step++) writer.writeScalar('loss', 1, step, 1);

    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE', cause: { code: 'ENOSPC' } });
    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    expect(errors.map((error) => error.code)).toEqual(['ERR_RUN_WRITE']);

    sink.spaceBytes = Number.POSITIVE_INFINITY;
    await writer.flush();
    expect(stepsOf(sink)).toHaveLength(50);
    expect(sink.files.size).toBe(1);
  });

  it('does not throw when the directory cannot be created, and creates it later', async () => {
    const sink = new FailingSink();
    sink.failure = diskError('EACCES');
    const { writer, errors } = open({ sink });
    writer.writeScalar('loss', 1, 0, 1);

    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    expect(errors).toHaveLength(1);

    sink.failure = undefined;
    await writer.flush();
    expect(stepsOf(sink)).toEqual([0]);
  });

  it('retries a failed write at the next interval without new events', async () => {
    const { writer, sink } = open({ flushIntervalMs: 10 });
    sink.failure = diskError('EIO');
    sink.spaceBytes = 0;
    writer.writeScalar('loss', 1, 0, 1);
    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });

    sink.spaceBytes = Number.POSITIVE_INFINITY;

    await expect.poll(() => stepsOf(sink)).toEqual([0]);
  });

  it('drops and counts events when the disk fails until the queue is full', async () => {
    const { writer, sink, errors } = open({ maxQueueBytes: 1000 });
    sink.failure = diskError('ENOSPC');
    sink.spaceBytes = 0;
    for (let step = 0; step < 100; step++) writer.writeScalar('loss', 1, step, 1);

    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    sink.spaceBytes = Number.POSITIVE_INFINITY;
    await expect(writer.flush()).rejects.toMatchObject({
      code: 'ERR_EVENTS_DROPPED',
      droppedEvents: writer.droppedEvents,
    });

    expect(writer.droppedEvents).toBeGreaterThan(50);
    expect(stepsOf(sink)).toHaveLength(100 - writer.droppedEvents);
    expect(errors.map((error) => error.code)).toEqual(['ERR_RUN_WRITE', 'ERR_EVENTS_DROPPED']);
    await writer.flush();
  });

  it('syncs to the disk only with fsync', async () => {
    const plain = open();
    const durable = open({ fsync: true });

    await plain.writer.flush();
    await durable.writer.flush();

    expect(plain.sink.syncs).toBe(0);
    expect(durable.sink.syncs).toBe(1);
  });

  it('rejects events after close, and closes once', async () => {
    const { writer, sink } = open();
    writer.writeScalar('loss', 1, 0, 1);

    const first = writer.close();

    expect(writer.close()).toBe(first);
    await first;
    expect(() => writer.writeScalar('loss', 1, 1, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_CLOSED' }),
    );
    expect(() => writer.writeScalars([{ tag: 'loss', state: undefined }], [1], 1, 1)).toThrow(
      expect.objectContaining({ code: 'ERR_CLOSED' }),
    );
    expect(stepsOf(sink)).toEqual([0]);
  });

  it('closes at the end of an `await using` block', async () => {
    const sink = new FailingSink();
    {
      await using writer = new EventFileWriter('/logs', { sink });
      writer.writeScalar('loss', 1, 0, 1);
    }

    expect(stepsOf(sink)).toEqual([0]);
  });

  it('does nothing while no event is logged', async () => {
    const { sink } = open({ flushIntervalMs: 5 });
    const before = sink.writes;

    await sleep(40);

    expect(sink.writes).toBe(before);
  });

  it.each([
    ['flushIntervalMs', { flushIntervalMs: 0 }],
    ['maxFileBytes', { maxFileBytes: Number.NaN }],
    ['fileNameSuffix', { fileNameSuffix: '/../x' }],
  ])('rejects an invalid %s', (name, options) => {
    expect(() => new EventFileWriter('/logs', { sink: new FailingSink(), ...options })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID', message: expect.stringContaining(name) }),
    );
  });
});
