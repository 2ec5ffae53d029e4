import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { legacyMetadata } from '../../../src/format/reader/plugin-value.js';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import type { EventContent } from '../../../src/format/wire/messages.js';
import { removesRows } from '../../../src/format/wire/retraction-value.js';
import { type ScannedValue, scanEvent } from '../../../src/format/wire/scan-event.js';
import { diskSink } from '../../../src/format/writer/disk-sink.js';
import {
  type EarlierFiles,
  listEarlierFiles,
  readEarlierFiles,
  scanEarlierFile,
  secondsAfter,
} from '../../../src/format/writer/earlier-files.js';
import type { EventSink } from '../../../src/format/writer/event-sink.js';
import { anyEvent } from '../../support/any-event.js';
import { createTempDir } from '../../support/temp-dir.js';

const fixtures = fileURLToPath(new URL('../../../fixtures', import.meta.url));

function toScannedValues(what: EventContent): ScannedValue[] | undefined {
  switch (what.kind) {
    case 'summary':
      return what.values.map((value) => {
        const { kind } = value.value ?? {};
        return {
          tag: value.tag,
          plugin: value.metadata?.pluginName || legacyMetadata(value)?.pluginName,
          hasData: kind !== undefined && kind !== 'obsoleteHistogram',
          isRetraction: removesRows(value),
        };
      });
    case 'graphDef':
      return [{ tag: '__run_graph__', plugin: 'graphs', hasData: true, isRetraction: false }];
    case 'taggedRunMetadata':
      return [{ tag: what.tag, plugin: 'graph_tagged_run_metadata', hasData: true, isRetraction: false }];
    default:
      return undefined;
  }
}

describe('scanEvent', () => {
  it('finds the step, values, file version and SessionLog START of any event', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { step, what } = event;

        expect(scanEvent(joinPieces(encodeEvent(event)))).toEqual({
          step,
          fileVersion: what.kind === 'fileVersion' ? what.fileVersion : undefined,
          isSessionStart: what.kind === 'sessionLog' && what.status === 1,
          values: toScannedValues(what),
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('rejects bytes that are not a message', () => {
    expect(() => scanEvent(Uint8Array.of(0x2a, 5, 1))).toThrow(RangeError);
    expect(() => scanEvent(Uint8Array.of(0x10, 255))).toThrow(RangeError);
  });
});

describe('listEarlierFiles', () => {
  it('returns the event files of a directory in the order of their names', () => {
    const sink = {
      list: () => ['b.tfevents.2', 'notes.txt', 'a.tfevents.1', 'c.tfevents.3'],
    } as unknown as EventSink;

    expect(listEarlierFiles('/logs', sink)).toEqual(['a.tfevents.1', 'b.tfevents.2', 'c.tfevents.3']);
  });
});

describe('readEarlierFiles', () => {
  it('finds where third-party writers stopped, and that they wrote no START', () => {
    const directory = `${fixtures}/tensorboardx/scalars`;
    expect(readdirSync(directory).length).toBeGreaterThan(0);

    const earlier = readEarlierFiles(directory, diskSink, undefined);

    expect(earlier.hasSessionStart).toBe(false);
    expect(earlier.tags.get('loss')).toMatchObject({ plugin: 'scalars', lowest: -3 });
    expect(earlier.largestStep).toBe(2n ** 63n - 1n);
  });

  it('finds the plugin of a tag, including steps that are written again', () => {
    const earlier = readEarlierFiles(`${fixtures}/tensorflow/images`, diskSink, -1);

    const tags = [...earlier.tags.values()];
    expect(new Set(tags.map(({ plugin }) => plugin))).toEqual(new Set(['images']));
    expect(tags.every(({ last }) => last === undefined)).toBe(true);
  });
});

describe('diskSink', () => {
  it('lists no files of a directory that does not exist or is below a file, and passes on other errors', () => {
    const directory = createTempDir();
    writeFileSync(join(directory, 'file'), '');

    expect(diskSink.list(directory)).toEqual(['file']);
    expect(diskSink.list(join(directory, 'missing'))).toEqual([]);
    expect(diskSink.list(join(directory, 'file/below'))).toEqual([]);
    expect(() => diskSink.list(join(directory, 'n'.repeat(300)))).toThrow('ENAMETOOLONG');
  });

  it('F83: reads a file of more than 2 GiB in pieces, as far as the caller wants', () => {
    const directory = createTempDir();
    const path = join(directory, 'events.out.tfevents.1700000000.host');
    writeFileSync(path, toRecord(7, 'loss'));
    truncateSync(path, 2 ** 31 + 2 ** 20);

    const earlier = readEarlierFiles(directory, diskSink, undefined);

    expect(lastSteps(earlier)).toEqual([['loss', 7]]);
  });

  it('F83: returns the records of a file larger than a piece', () => {
    const directory = createTempDir();
    const records = Array.from({ length: 1000 }, (_, step) =>
      toRecord(step, `${step % 3} ${'x'.repeat(5000)}`),
    );
    writeFileSync(join(directory, 'events.out.tfevents.1700000000.host'), Buffer.concat(records));

    const earlier = readEarlierFiles(directory, diskSink, undefined);

    expect(lastSteps(earlier).map(([, step]) => step)).toEqual([999, 997, 998]);
  });

  it('returns where each record of a file larger than a piece begins', () => {
    const directory = createTempDir();
    const records = Array.from({ length: 500 }, (_, step) => toRecord(step, 'x'.repeat(5000 + step)));
    const name = 'events.out.tfevents.1700000000.host';
    writeFileSync(join(directory, name), Buffer.concat(records));

    const offsets = [...scanEarlierFile(directory, name, diskSink)].map(({ offset }) => offset);

    const expected = [0];
    for (const { length } of records) expected.push(expected.at(-1)! + length);
    expect(offsets).toEqual(expected.slice(0, -1));
  });
});

function toRecord(step: number, tag: string): Uint8Array {
  return encodeRecord(
    joinPieces(
      encodeEvent({
        wallTime: 1,
        step,
        what: { kind: 'summary', values: [{ tag, value: { kind: 'simpleValue', simpleValue: 1 } }] },
      }),
    ),
  );
}

function lastSteps({ tags }: EarlierFiles) {
  return [...tags].map(([tag, { last }]) => [tag, last]);
}

describe('secondsAfter', () => {
  it('is later than every name of any writer', () => {
    const names = [
      'events.out.tfevents.1700000009.host',
      'events.out.tfevents.1700000010.host.1.0.v2',
      'x.tfevents',
    ];

    expect(secondsAfter(names)).toBe(1_700_000_011);
    expect(secondsAfter(['x.tfevents'])).toBeUndefined();
  });
});
