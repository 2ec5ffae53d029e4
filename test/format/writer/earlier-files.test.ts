import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../../src/format/wire/encode-event.js';
import { scanEvent } from '../../../src/format/wire/scan-event.js';
import { diskSink } from '../../../src/format/writer/disk-sink.js';
import { readEarlierFiles, secondsAfter } from '../../../src/format/writer/earlier-files.js';
import { anyEvent } from '../../support/any-event.js';
import { createTempDir } from '../../support/temp-dir.js';

const fixtures = fileURLToPath(new URL('../../../fixtures', import.meta.url));

describe('scanEvent', () => {
  it('finds the step, tags, plugins and SessionLog START of any event', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { step, what } = event;

        expect(scanEvent(joinPieces(encodeEvent(event)))).toEqual({
          step,
          tags: what.kind === 'summary' ? what.values.map((value) => value.tag) : [],
          plugins:
            what.kind === 'summary'
              ? what.values.map(({ metadata }) => metadata?.pluginName || undefined)
              : [],
          isSessionStart: what.kind === 'sessionLog' && what.status === 1,
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

describe('readEarlierFiles', () => {
  it('finds where third-party writers stopped, and that they wrote no START', () => {
    const directory = `${fixtures}/tensorboardx/scalars`;
    expect(readdirSync(directory).length).toBeGreaterThan(0);

    const earlier = readEarlierFiles(directory, diskSink, undefined);

    expect(earlier.hasSessionStart).toBe(false);
    expect(earlier.lastSteps.size).toBeGreaterThan(1);
    expect(earlier.largestStep).toBe(2n ** 63n - 1n);
  });

  it('finds the plugin of a tag, including steps that are written again', () => {
    const earlier = readEarlierFiles(`${fixtures}/tensorflow/images`, diskSink, -1);

    expect(earlier.lastSteps.size).toBe(0);
    expect(new Set(earlier.plugins.values())).toEqual(new Set(['images']));
  });
});

describe('diskSink', () => {
  it('F83: reads a file of more than 2 GiB in pieces, as far as the caller wants', () => {
    const directory = createTempDir();
    const path = join(directory, 'events.out.tfevents.1700000000.host');
    writeFileSync(path, toRecord(7, 'loss'));
    truncateSync(path, 2 ** 31 + 2 ** 20);

    const earlier = readEarlierFiles(directory, diskSink, undefined);

    expect([...earlier.lastSteps]).toEqual([['loss', 7]]);
  });

  it('F83: returns the records of a file larger than a piece', () => {
    const directory = createTempDir();
    const records = Array.from({ length: 1000 }, (_, step) =>
      toRecord(step, `${step % 3} ${'x'.repeat(5000)}`),
    );
    writeFileSync(join(directory, 'events.out.tfevents.1700000000.host'), Buffer.concat(records));

    const earlier = readEarlierFiles(directory, diskSink, undefined);

    expect([...earlier.lastSteps.values()]).toEqual([999, 997, 998]);
  });
});

function toRecord(step: number, tag: string): Uint8Array {
  return encodeRecord(
    joinPieces(encodeEvent({ wallTime: 1, step, what: { kind: 'summary', values: [{ tag }] } })),
  );
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
