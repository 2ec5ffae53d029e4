/** What a `SummaryWriter` finds in its directory, and does not change: kinds of tags, curves, layouts, sessions. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DecodedValue, TagIndex } from '../../src/format/index.js';
import { SummaryWriter } from '../../src/index.js';
import { readValues } from '../support/read-run.js';
import { createTempDir } from '../support/temp-dir.js';

/** The last value of each tag, decoded, and the steps of all. */
function readTags(directory: string): Map<string, { steps: (number | bigint)[]; last: DecodedValue }> {
  const index = new TagIndex();
  const tags = new Map<string, { steps: (number | bigint)[]; last: DecodedValue }>();
  for (const value of readValues(directory)) {
    if (value.value?.kind === 'obsoleteHistogram') continue;
    const last = index.decode(value);
    tags.set(value.tag, { steps: [...(tags.get(value.tag)?.steps ?? []), value.step], last });
  }
  return tags;
}

const open = (directory: string, resume?: true | { fromStep: number }) =>
  new SummaryWriter(directory, { onWarning: () => {}, ...(resume === undefined ? {} : { resume }) });

const PIXEL = { pixels: new Uint8Array(3), height: 1, width: 1 };
const MESH = { vertices: [[0, 0, 0]] };
const DENSE = { class_name: 'Dense', config: { name: 'd', batch_input_shape: [null, 2], units: 1 } };
const MODEL = { class_name: 'Sequential', config: { name: 'm', layers: [DENSE] } };

/** Each kind, its suffix, and how it is logged. */
const KINDS: Readonly<Record<string, (writer: SummaryWriter, tag: string) => void>> = {
  metric: (writer, tag) => writer.addScalar(tag, 1),
  image: (writer, tag) => writer.addImage(tag, PIXEL),
  audio: (writer, tag) => writer.addAudio(tag, { samples: new Float32Array(8), sampleRateHz: 8000 }),
  histogram: (writer, tag) => writer.addHistogram(tag, [1]),
  text: (writer, tag) => writer.addText(tag, 'a'),
  pr: (writer, tag) => writer.addPrCurve(tag, [0, 1], [0, 1]),
};

describe('a tag of another kind', () => {
  it.each([undefined, true, { fromStep: 0 }] as const)(
    'gets its kind as a suffix (resume: %j)',
    async (resume) => {
      const directory = createTempDir();
      const names = Object.keys(KINDS);
      let writer = open(directory);
      for (const first of names) KINDS[first]!(writer, first);
      if (resume !== undefined) {
        await writer.close();
        writer = open(directory, resume);
      }
      for (const first of names) for (const second of names) KINDS[second]!(writer, first);
      await writer.close();

      const expected = names.flatMap((first) =>
        names.map((second) => (second === first ? first : `${first} (${second})`)),
      );
      expect(new Set(readTags(directory).keys())).toEqual(new Set(expected));
    },
  );

  it.each([undefined, true] as const)(
    'avoids the parts of a mesh, and a mesh avoids others (resume: %j)',
    async (resume) => {
      const directory = createTempDir();
      let writer = open(directory);
      writer.addMesh('ball', MESH);
      writer.addScalar('cube_VERTEX', 1);
      if (resume) {
        await writer.close();
        writer = open(directory, resume);
      }
      writer.addScalar('ball_VERTEX', 1);
      writer.addMesh('cube', MESH);
      writer.addMesh('ball', MESH);
      await writer.close();

      expect(Object.fromEntries([...readTags(directory)].map(([tag, { steps }]) => [tag, steps]))).toEqual({
        ball_VERTEX: [0, 1],
        cube_VERTEX: [0],
        'ball_VERTEX (metric)': [0],
        'cube (mesh)_VERTEX': [0],
      });
    },
  );

  it('avoids tags with a fixed meaning', async () => {
    const directory = createTempDir();
    const writer = open(directory);
    writer.addScalar('keras', 1);
    writer.addScalar('custom_scalars__config__', 1);
    writer.addScalar('_hparams_/experiment', 1);
    writer.addLayersModel(MODEL);
    await writer.close();

    expect([...readTags(directory).keys()]).toEqual([
      'keras',
      'custom_scalars__config__ (metric)',
      '_hparams_/experiment (metric)',
      'keras (graph)',
    ]);
  });

  it('is the tag that a chart of addScalars shows', async () => {
    const directory = createTempDir();
    const writer = open(directory);
    writer.addText('loss/a', 'text');
    writer.addScalars('loss', { a: 1, b: 2 });
    await writer.close();

    expect(readTags(directory).get('custom_scalars__config__')?.last).toMatchObject({
      categories: [{ charts: [{ multiline: ['^loss/a \\(metric\\)$', '^loss/b$'] }] }],
    });
  });
});

describe('the metrics of addHparams', () => {
  it('do not change a curve, whether it was logged before or in an earlier process', async () => {
    const directory = createTempDir();
    let writer = open(directory);
    for (const step of [0, 1, 2]) writer.addScalar('old', step / 10, step);
    await writer.close();
    writer = open(directory, true);
    for (const step of [0, 1, 2]) writer.addScalar('new', step / 10, step);
    for (const step of [0, 1]) writer.addScalar('same', step / 10, step);
    writer.addHparams({ lr: 1 }, { old: 5, new: 6, same: 0.1, single: 7 });
    await writer.close();

    const scalars = [...readTags(directory)].filter(([, { last }]) => last.kind === 'scalar');
    expect(
      scalars.map(([tag, { steps, last }]) => [tag, steps, last.kind === 'scalar' && last.value]),
    ).toEqual([
      ['old', [0, 1, 2], 0.2],
      ['new', [0, 1, 2], 0.2],
      ['same', [0, 1], 0.1],
      ['old (hparams)', [0], 5],
      ['new (hparams)', [0], 6],
      ['single', [0], 7],
    ]);
  });

  it('reject a value before anything is written', async () => {
    const directory = createTempDir();
    const writer = open(directory);

    expect(() => writer.addHparams({ lr: 1 }, { good: 1, bad: '1' as never })).toThrow('bad is "1"');
    await writer.close();

    expect(readValues(directory)).toEqual([]);
  });
});

describe('a resumed SummaryWriter', () => {
  it('extends the layout of custom scalars', async () => {
    const directory = createTempDir();
    const first = open(directory);
    first.addCustomScalars([
      {
        title: 'bands',
        closed: true,
        charts: [{ title: 'b', margin: [{ value: 'v', lower: 'l', upper: 'u' }] }],
      },
    ]);
    first.addScalars('loss', { train: 1 }, 0);
    await first.close();
    const second = open(directory, { fromStep: 0 });
    second.addScalars('loss', { test: 1 }, 0);
    second.addScalars('accuracy', { test: 1 }, 0);
    await second.close();

    expect(readTags(directory).get('custom_scalars__config__')?.last).toEqual({
      kind: 'customScalars',
      categories: [
        {
          title: 'bands',
          closed: true,
          charts: [{ title: 'b', multiline: [], margin: [{ value: 'v', lower: 'l', upper: 'u' }] }],
        },
        {
          title: 'scalars',
          closed: false,
          charts: [
            { title: 'loss', multiline: ['^loss/train$', '^loss/test$'], margin: [] },
            { title: 'accuracy', multiline: ['^accuracy/test$'], margin: [] },
          ],
        },
      ],
    });
  });

  it('ends the session of a process that crashed, once', async () => {
    const directory = join(createTempDir(), 'trial');
    const crashed = open(directory);
    crashed.addHparams({ lr: 1 });
    await crashed.flush();
    for (let i = 0; i < 2; i++) await open(directory, true).close({ outcome: 'failure' });

    expect(readTags(directory).get('_hparams_/session_end_info')).toMatchObject({
      steps: [0],
      last: { data: { kind: 'sessionEnd', status: 'failure' } },
    });
    await crashed.close();
  });
});
