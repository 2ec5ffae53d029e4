/** The Polyaxon files of a live run are the same however its events are cut and whenever they are written, and the same as after a rebuild. */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Diagnostics } from '../../../src/base/diagnostics.js';
import type { CodedError } from '../../../src/base/errors.js';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { type Event, SessionStatus } from '../../../src/format/wire/messages.js';
import { diskSink } from '../../../src/format/writer/disk-sink.js';
import { PolyaxonFiles } from '../../../src/polyaxon/export/in-process-exporter.js';
import { FakeClock } from '../../support/fake-clock.js';
import { readFixtureFile } from '../../support/polyaxon-fixture.js';
import { imagesValue, scalarValue, textValue, toEvent } from '../../support/summary-events.js';
import { createTempDir } from '../../support/temp-dir.js';

const PNG = readFixtureFile('assets/image/alpha_0.png');
const FILE = 'events.out.tfevents.1700000000.host.1.000000';

function open(runDirectory: string, clock = new FakeClock()) {
  const directory = join(runDirectory, 'outputs/tensorboard');
  mkdirSync(directory, { recursive: true });
  const errors: CodedError[] = [];
  const warnings: string[] = [];
  const diagnostics = new Diagnostics({
    onError: (error) => errors.push(error),
    onWarning: ({ message }) => warnings.push(message),
  });
  const files = new PolyaxonFiles({
    ...{ runDirectory, directory, logDirectory: '', target: 'events', sink: diskSink },
    ...{ diagnostics, clock, flushIntervalMs: 2_000, onInputs: () => undefined },
  });
  return { files, directory, errors, warnings };
}

/** The Polyaxon files, by path. */
function read(runDirectory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const top of ['events', 'assets'])
    for (const name of existsSync(join(runDirectory, top))
      ? readdirSync(join(runDirectory, top), { recursive: true, encoding: 'utf8' })
      : []) {
      const path = join(runDirectory, top, name);
      if (statSync(path).isFile()) found[`${top}/${name}`] = readFileSync(path, 'latin1');
    }
  return found;
}

/** What a new process would write of the event files. */
function rebuilt(runDirectory: string) {
  const copy = open(runDirectory);
  copy.files.rebuild();
  return { files: read(runDirectory), artifacts: copy.files.artifacts(), values: copy.files.lastValues() };
}

const toBytes = (event: Event) => encodeRecord(joinPieces(encodeEvent(event)));
const start = (step: number): Event => ({
  wallTime: 1,
  step,
  what: { kind: 'sessionLog', status: SessionStatus.START },
});
const loss = (step: number, value = step) => toEvent(step, 1, scalarValue('loss', value));

const event: fc.Arbitrary<Event> = fc
  .record({
    step: fc.integer({ min: 0, max: 6 }),
    kind: fc.constantFrom('scalar', 'scalar', 'text', 'image', 'start'),
    value: fc.double(),
  })
  .map(({ step, kind, value }) => {
    if (kind === 'start') return start(step);
    if (kind === 'text') return toEvent(step, 1, textValue('note', [`step ${step}`]));
    return toEvent(step, 1, kind === 'image' ? imagesValue('photo', PNG) : scalarValue('loss', value));
  });

describe('PolyaxonFiles', () => {
  it('has the same files however the bytes are cut, whenever rows are written, and after a rebuild', () => {
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
        fc.array(fc.constantFrom('wait', 'write', 'later', 'new file'), { minLength: 1 }),
        (events, cuts, actions) => {
          const run = createTempDir();
          const clock = new FakeClock();
          const { files, directory, errors } = open(run, clock);
          const bytes = Buffer.concat(events.map(toBytes));
          let number = 0;
          let file = files.sink.create(directory, FILE);
          let position = 0;
          for (let at = 0, index = 0; at < bytes.length; index += 1) {
            const end = Math.min(at + cuts[index % cuts.length]!, bytes.length);
            position += file.write(bytes.subarray(at, end), position);
            at = end;
            const action = actions[index % actions.length];
            if (action === 'write') files.write();
            if (action === 'later') clock.seconds += 3;
            // A file ends with a whole record.
            const isWhole = events.some(
              (_, count) => Buffer.concat(events.slice(0, count).map(toBytes)).length === at,
            );
            if (action !== 'new file' || !isWhole) continue;
            file.close(false);
            number += 1;
            file = files.sink.create(directory, FILE.replace('000000', `00000${number % 10}-${number}`));
            position = 0;
          }
          file.close(false);
          files.settle();
          expect(errors).toEqual([]);
          const live = { files: read(run), artifacts: files.artifacts(), values: files.lastValues() };

          expect(live).toEqual(rebuilt(run));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('leaves out the rows that the caller is going to supersede, and has those that follow', () => {
    const run = createTempDir();
    const first = open(run);
    const earlier = first.files.sink.create(first.directory, FILE);
    const before = Buffer.concat([start(0), loss(1), loss(5), loss(7)].map(toBytes));
    earlier.write(before, 0);
    first.files.settle();
    const { files, directory } = open(run);

    files.rebuild(5);
    const rows = () =>
      read(run)
        ['events/metric/loss.plx']!.split('\n')
        .slice(1)
        .map((row) => row.split('|')[0]);
    expect(rows()).toEqual(['1']);
    expect(files.supersededValues()).toEqual({ loss: 7 });
    const later = files.sink.create(directory, FILE.replace('000000', '000001'));
    const after = Buffer.concat([start(5), loss(5, 50), loss(6, 60)].map(toBytes));
    later.write(after, 0);
    files.settle();

    expect(rows()).toEqual(['1', '5', '6']);
    expect(files.lastValues()).toEqual({ loss: 60 });
    files.rebuild();
    expect(rows()).toEqual(['1', '5', '6']);
  });

  it('writes after the flush interval, or ten times the duration of the last write', () => {
    const run = createTempDir();
    const clock = new FakeClock();
    let writeMs = 0;
    let calls = 0;
    const slow = Object.assign(new FakeClock(), {
      // The second call is the end of a write.
      monotonicMs: () => clock.monotonicMs() + (calls++ % 2 === 1 ? writeMs : 0),
    });
    const { files, directory } = open(run, slow);
    const file = files.sink.create(directory, FILE);
    let position = 0;
    const write = (each: Event) => {
      calls = 1;
      writeMs = 0;
      position += file.write(toBytes(each), position);
    };
    const rows = () => (read(run)['events/metric/loss.plx'] ?? '').split('\n').length - 1;
    write(loss(0));
    expect(rows()).toBe(1);
    write(loss(1));
    expect(rows()).toBe(1);
    calls = 0;
    writeMs = 500;
    files.write();
    expect(rows()).toBe(2);

    clock.seconds += 5.4;
    write(loss(2));
    expect(rows()).toBe(2);
    clock.seconds += 0.2;
    write(loss(3));
    expect(rows()).toBe(4);
  });

  it('regenerates all files after a write that failed, and reports each failure', () => {
    const run = createTempDir();
    const { files, directory, errors } = open(run);
    const file = files.sink.create(directory, FILE);
    expect(file.path).toBe(join(directory, FILE));
    let position = file.write(toBytes(loss(0)), 0);
    files.settle();
    renameSync(join(run, 'events'), join(run, 'away'));
    writeFileSync(join(run, 'events'), 'a file');
    position += file.write(toBytes(loss(1)), position);

    expect(() => files.settle()).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_WRITE', cause: expect.any(Error) }),
    );
    expect(errors.length).toBeGreaterThan(0);
    position += file.write(toBytes(loss(2)), position);
    renameSync(join(run, 'events'), join(run, 'a file'));
    files.settle();

    expect(read(run)['events/metric/loss.plx']!.split('\n')).toHaveLength(4);
    expect(read(run)).toEqual(rebuilt(run).files);
  });

  it('takes what precedes a damaged record of an earlier process, and says so', () => {
    const run = createTempDir();
    const { files, directory, warnings } = open(run);
    const damaged = Buffer.from(toBytes(loss(2)));
    damaged[damaged.length - 1]! ^= 1;
    writeFileSync(join(directory, FILE), Buffer.concat([toBytes(loss(1)), damaged, toBytes(loss(3))]));

    files.rebuild();

    expect(files.lastValues()).toEqual({ loss: 1 });
    expect(warnings).toEqual([
      expect.stringMatching(/^events\.out.*; later events are missing in the Polyaxon event files$/),
    ]);
  });
});
