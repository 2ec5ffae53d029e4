import { describe, expect, it } from 'vitest';
import { decodeEvent } from '../../../src/format/wire/decode-event.js';
import type { Event } from '../../../src/format/wire/messages.js';
import { EventFileWriter } from '../../../src/format/writer/event-file-writer.js';
import { MemorySink } from '../../../src/format/writer/memory-sink.js';
import { createRetractions, isWithoutSteps, planRetractions } from '../../../src/format/writer/retraction.js';
import { decodeRecords } from '../../support/decode-records.js';
import { FakeClock } from '../../support/fake-clock.js';

/** An event in a short form: `version 2`, `start 7`, or a step with its tags; a tag with `-` removes points. */
function describeEvent({ step, what }: Event): string {
  if (what.kind === 'fileVersion') return `version ${what.fileVersion.at(-1)}`;
  if (what.kind === 'sessionLog') return `start ${step}`;
  if (what.kind !== 'summary') return what.kind;
  const tags = what.values.map(({ tag, value }) => (value?.kind === 'obsoleteHistogram' ? `-${tag}` : tag));
  return [step, ...tags].join(' ');
}

/** Logs in a first life, resumes, logs again, and returns the events of the second file. */
async function resume(
  first: (writer: EventFileWriter) => void,
  resumeFrom: true | { fromStep: number },
  second: (writer: EventFileWriter) => void,
): Promise<string[]> {
  const sink = new MemorySink();
  const clock = new FakeClock();
  const before = new EventFileWriter('/logs', { sink, clock });
  first(before);
  await before.close();
  const after = new EventFileWriter('/logs', { sink, clock, resume: resumeFrom });
  second(after);
  await after.close();
  const bytes = [...sink.files.values()][1]!;
  return decodeRecords(bytes).records.map((record) => describeEvent(decodeEvent(record)));
}

const log =
  (tag: string, ...steps: number[]) =>
  (writer: EventFileWriter) => {
    for (const step of steps) writer.writeScalar(tag, 1, step, 1);
  };

describe('createRetractions', () => {
  it('descends from an empty summary to each step, with at most 1,000 tags in an event', () => {
    const tags = Array.from({ length: 1001 }, (_, i) => ({ tag: `t${i}`, fromStep: 5 }));

    const events = createRetractions(
      [{ tag: 'early', fromStep: 2 }, ...tags, { tag: 'late', fromStep: 9 }],
      1,
    );

    expect(events.map((event) => describeEvent(event).split(' ').length - 1)).toEqual([0, 1, 1000, 0, 1, 1]);
    expect(events.map(({ step }) => step)).toEqual([10, 9, 5, 6, 5, 2]);
  });
});

describe('planRetractions', () => {
  it('names tags that have points before and after the step, and belong to steps', () => {
    const tag = (plugin: string, lowest?: number, supersededFrom?: number) => ({
      ...{ plugin, lowest, highest: 9, last: 4, supersededFrom },
    });
    const tags = new Map([
      ['both', tag('scalars', 2, 5)],
      ['later', tag('scalars', 5, 5)],
      ['earlier', tag('scalars', 2)],
      ['none', tag('scalars', undefined, 5)],
      ['inputs', tag('hparams', 2, 5)],
    ]);

    expect(planRetractions(tags, 5)).toEqual([{ tag: 'both', fromStep: 5 }]);
  });

  it.each([
    ['hparams', true],
    ['custom_scalars', true],
    ['graphs', true],
    ['graph_run_metadata', true],
    ['my_hparams', false],
    ['graphs2', false],
    ['a graph_x', false],
    ['scalars', false],
  ])('knows whether the points of the plugin %s belong to no step: %s', (plugin, expected) => {
    expect(isWithoutSteps(plugin)).toBe(expected);
  });

  it('keeps the order of tags with the same step', () => {
    const tags = ['c', 'a', 'b'].map((tag) => ({ tag, fromStep: 5 }));

    expect(createRetractions(tags, 1).map(describeEvent)).toEqual(['6', '5 -c -a -b']);
  });

  it('leaves a tag of images an empty list of them', () => {
    const [, removal] = createRetractions([{ tag: 'image', fromStep: 5, leavesNoImages: true }], 1);

    expect(removal?.what).toMatchObject({
      values: [
        { tag: 'image', value: { kind: 'obsoleteHistogram' } },
        { tag: 'image', value: { tensor: { shape: [2], stringVal: [Buffer.from('0'), Buffer.from('0')] } } },
      ],
    });
  });
});

describe('a writer that resumes at an earlier step', () => {
  it('removes superseded points of each tag that keeps others, in version 1', async () => {
    const events = await resume(
      (writer) => {
        log('loss', 0, 1, 2, 3)(writer);
        log('rare', 0, 3)(writer);
      },
      { fromStep: 2 },
      log('loss', 2),
    );

    expect(events).toEqual([
      'version 2',
      'version 1',
      'start 2',
      '4',
      '3 -rare',
      '2 -loss',
      'version 2',
      '2 loss',
    ]);
  });

  it('leaves a tag its only points until its first value, which replaces them', async () => {
    const events = await resume(log('late', 5, 6), { fromStep: 2 }, log('late', 7, 8));

    expect(events).toEqual([
      ...['version 2', 'version 1', 'start 2', 'version 2'],
      ...['version 1', '6', '5 -late', '8', '7 late', 'version 2', '8 late'],
    ]);
  });

  it('leaves what earlier restarts have removed', async () => {
    const sink = new MemorySink();
    for (const [options, steps] of [
      [{}, [1, 5]],
      [{ resume: { fromStep: 4 } }, []],
      [{ resume: { fromStep: 0 } }, [3]],
      [{ resume: { fromStep: 2 } }, []],
    ] as const) {
      const writer = new EventFileWriter('/logs', { sink, clock: new FakeClock(), ...options });
      log('tag', ...steps)(writer);
      await writer.close();
    }

    const last = [...sink.files.values()][3]!;
    // Only step 3 is left, so it stays.
    expect(decodeRecords(last).records.map((record) => describeEvent(decodeEvent(record)))).toEqual([
      ...['version 2', 'version 1', 'start 2', 'version 2'],
    ]);
  });

  it.each([true, { fromStep: 9 }] as const)(
    'replaces points from the step of a first value on (%j)',
    async (from) => {
      const events = await resume(log('note', 0, 1), from, log('note', 0, 1));

      expect(events.slice(-7)).toEqual([
        ...['version 1', '1', '0 -note', '1', '0 note', 'version 2', '1 note'],
      ]);
    },
  );

  it('writes START without version 1 after the last step', async () => {
    expect(await resume(log('loss', 0, 1), true, log('loss', 2))).toEqual(['version 2', 'start 2', '2 loss']);
  });

  it('keeps graphs until the next one', async () => {
    const graph = (writer: EventFileWriter) =>
      writer.writeEvent({ wallTime: 1, step: 0, what: { kind: 'graphDef', graphDef: Uint8Array.of(1) } });

    const events = await resume(graph, { fromStep: 0 }, graph);

    expect(events.slice(2)).toEqual(['start 0', 'version 2', 'version 1', '1', 'graphDef', 'version 2']);
  });
});
