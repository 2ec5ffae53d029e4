/**
 * A reference writer and polytrack write the same runs and tags: TensorBoard serves equal data with both readers.
 *
 * Wall times are ignored if the reference writer reads them from the clock. docs/tensorboard.md lists the intended differences.
 */

import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { SummaryWriter } from '../../src/index.js';
import { FIXTURES } from '../support/expected-runs.js';
import { FakeClock } from '../support/fake-clock.js';
import * as inputs from '../support/fixture-inputs.js';
import { describeWithPeers } from '../support/peers.js';
import { readFileEvents } from '../support/read-file.js';
import { createSharedTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const TENSORFLOW_FILE = 'events.out.tfevents.1700000000.fixture.4242.0.v2';

/** Copies TensorFlow's runs, and tensorboardX's run with embeddings, to directories with the plugins' names. */
function copyTheirs(): string {
  const logdir = createSharedTempDir();
  const runs = [
    'scalars',
    'images',
    'audio',
    'histograms',
    'text',
    'pr_curves',
    'hparams',
    'mesh',
    'custom_scalars',
    'graphs',
  ];
  for (const run of runs) cpSync(join(FIXTURES, 'tensorflow', run), join(logdir, run), { recursive: true });
  cpSync(join(FIXTURES, 'tensorboardx/projector'), join(logdir, 'projector'), { recursive: true });
  cpSync(join(FIXTURES, 'tensorboardx/scalars'), join(logdir, 'legacy'), { recursive: true });
  cpSync(join(FIXTURES, 'pytorch/pr_curves'), join(logdir, 'torch_pr_curves'), { recursive: true });
  return logdir;
}

async function writeOurs(): Promise<string> {
  const logdir = createSharedTempDir();
  for (const [run, write] of Object.entries(WRITE)) {
    mkdirSync(join(logdir, run), { recursive: true });
    await using writer = new SummaryWriter(join(logdir, run), {
      clock: new FakeClock(inputs.WALL + 99.5),
      onWarning: () => undefined,
    });
    await write(writer);
  }
  return logdir;
}

/** The content of each run. */
const WRITE: Record<string, (writer: SummaryWriter) => void | Promise<void>> = {
  scalars: (writer) => {
    for (const [step, value] of inputs.SCALAR_POINTS) writer.addScalar('loss', value, step);
    for (const tag of inputs.TAGS) writer.addScalar(tag, 0.1, 0, { description: 'about *it*, é' });
  },
  legacy: (writer) => {
    for (const [i, [step, value]] of inputs.SCALAR_POINTS.entries()) {
      writer.addScalar('loss', value, step, { wallTime: inputs.WALL + i / 2 });
    }
    writer.addScalar('train/loss', 0.1, 0, { wallTime: inputs.WALL });
  },
  images: async (writer) => {
    for (const channels of [1, 2, 3, 4] as const) {
      writer.addImage(`channels-${channels}`, inputs.pixels(5, 7, channels), channels - 1);
    }
    const batch = [0, 1, 2].map((seed) => inputs.pixels(5, 7, 3, seed));
    writer.addImages('batch', batch, 4, { description: 'three *pictures*' });
    const whole = inputs.pixels(5, 7, 3);
    writer.addImage('float', { ...whole, pixels: Array.from(whole.pixels, (value) => value / 255) }, 5);
    writer.addImage('jpeg', await readTheirJpeg(), 6);
  },
  audio: (writer) => {
    const up = inputs.samples(150);
    const mono = [up, up.map((sample) => -sample)].map((clip) => ({ samples: clip, sampleRateHz: 8000 }));
    writer.addAudio('mono', mono, 0, { description: 'two *clips*' });
    writer.addAudio('stereo', { samples: inputs.samples(120, 2), sampleRateHz: 44_100, channels: 2 }, 1);
  },
  histograms: (writer) => {
    const normal = inputs.normalValues();
    writer.addHistogram('normal', normal, 0);
    writer.addHistogram('ten-buckets', normal, 1, { buckets: 10 });
    writer.addHistogram('one-distinct-value', new Array<number>(12).fill(3.25), 2);
    writer.addHistogram('empty', [], 3);
    writer.addHistogram('no-buckets', normal, 4, { buckets: 0 });
    writer.addHistogram(
      'integers',
      Array.from({ length: 100 }, (_, i) => i),
      5,
      { buckets: 10 },
    );
  },
  text: (writer) => {
    const texts = { 'rank-0': inputs.MARKDOWN, 'rank-1': inputs.TEXT_LIST, 'rank-2': inputs.TEXT_TABLE };
    for (const [step, [tag, text]] of Object.entries(texts).entries()) {
      writer.addText(tag, text, step, { description: tag });
    }
  },
  pr_curves: (writer) => {
    const { LABELS, PREDICTIONS, THRESHOLDS } = inputs;
    const labels = { displayName: 'digit', description: 'of *one* digit' };
    writer.addPrCurve('digit/pr_curves', LABELS, PREDICTIONS, 3, { thresholds: THRESHOLDS, ...labels });
  },
  torch_pr_curves: (writer) => {
    writer.addPrCurve('digit', inputs.LABELS, inputs.PREDICTIONS, 0, {
      thresholds: inputs.THRESHOLDS,
      wallTime: inputs.WALL,
    });
  },
  hparams: (writer) => {
    writer.addHparamsConfig(
      {
        hparams: [
          {
            name: 'lr',
            displayName: 'learning rate',
            description: 'of *Adam*',
            domain: { min: 1e-4, max: 0.1 },
          },
          { name: 'units', domain: [16, 32] },
          { name: 'optimizer', domain: ['adam', 'sgd'] },
          { name: 'shuffle', domain: [false, true] },
          { name: 'layers', domain: { min: 1, max: 4 } },
          { name: 'warm' },
        ],
        metrics: [
          {
            tag: 'accuracy',
            displayName: 'Accuracy',
            description: 'on the *test* set',
            dataset: 'validation',
          },
          { tag: 'loss', group: 'train', dataset: 'training' },
        ],
      },
      { wallTime: inputs.WALL },
    );
  },
  'hparams/trial-1': (writer) => {
    const options = { step: 1, groupName: 'trial-1', wallTime: inputs.WALL + 1 };
    writer.addHparams({ ...inputs.HPARAMS, layers: 2 }, inputs.METRICS, options);
  },
  'hparams/trial-2': (writer) => {
    const options = { step: 1, groupName: 'trial-2', wallTime: inputs.WALL + 1 };
    writer.addHparams({ ...inputs.HPARAMS, lr: 0.05, layers: 3 }, inputs.METRICS, options);
  },
  mesh: (writer) => {
    const { VERTICES: vertices, FACES: faces, COLORS: colors, MESH_CONFIG: config } = inputs;
    writer.addMesh('vertices', { vertices }, 0);
    writer.addMesh('shape', { vertices, faces, colors, config }, 1, { description: 'a *shape*' });
  },
  custom_scalars: (writer) => {
    writer.addCustomScalars([
      {
        title: 'quality',
        charts: [
          { title: 'losses', multiline: ['loss/train', 'loss/val.*'] },
          { title: 'band', margin: [{ value: 'mean', lower: 'low', upper: 'high' }] },
        ],
      },
      { title: 'other', closed: true, charts: [{ title: 'one', multiline: ['loss/train'] }] },
    ]);
    for (const step of [0, 1]) {
      for (const [tag, value] of Object.entries(inputs.SERIES)) writer.addScalar(tag, value - step / 4, step);
    }
  },
  graphs: async (writer) => writer.addGraph(await readTheirGraph()),
  projector: (writer) => {
    const images = [0, 1, 2, 3].map((seed) => inputs.pixels(4, 4, 3, seed));
    const { EMBEDDING: vectors, EMBEDDING_LABELS: metadata } = inputs;
    writer.addEmbedding('digits', { vectors, metadata, images }, 0);
    const rows = metadata.map((label, i) => [label, String(i)]);
    writer.addEmbedding('headed', { vectors, metadata: rows, metadataHeader: ['name', 'index'] }, 7);
  },
};

async function readTheirJpeg(): Promise<Uint8Array> {
  const events = await readFileEvents(join(FIXTURES, 'tensorflow/images', TENSORFLOW_FILE));
  const what = events.at(-1)?.event.what;
  const value = what?.kind === 'summary' ? what.values[0]?.value : undefined;
  return value?.kind === 'tensor' ? value.tensor.stringVal![2]! : new Uint8Array();
}

async function readTheirGraph(): Promise<Uint8Array> {
  const events = await readFileEvents(join(FIXTURES, 'tensorflow/graphs', TENSORFLOW_FILE));
  const what = events[1]?.event.what;
  return what?.kind === 'graphDef' ? what.graphDef : new Uint8Array();
}

/** Keys whose values depend on the time of the reference writer, or on the location of blobs. */
const UNSTABLE = new Set(['wall_time', 'wallTimeSecs', 'query', 'blob_key']);

/** Returns a response without values that depend on the clock, such as the first column of `[wall time, step, …]` rows. */
function stable(answer: unknown): unknown {
  if (Array.isArray(answer)) {
    const isPoint = typeof answer[0] === 'number' && answer[0] > 1e9 && answer.length >= 3;
    return (isPoint ? answer.slice(1) : answer).map(stable);
  }
  if (typeof answer !== 'object' || answer === null) return answer;
  const kept = Object.entries(answer).filter(([key]) => !UNSTABLE.has(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, stable(value)]));
}

/** Rounds numbers to 12 digits, because the libraries' logarithms differ in the last digits. */
function rounded(answer: unknown): unknown {
  if (typeof answer === 'number') return Number(answer.toPrecision(12));
  return Array.isArray(answer) ? answer.map(rounded) : answer;
}

interface Boards {
  readonly theirs: TensorBoard;
  readonly ours: TensorBoard;
}

/** Sends a request to both, and expects the same response. */
async function compare(
  { theirs, ours }: Boards,
  route: string,
  query: Record<string, string | number>,
  normalize = stable,
): Promise<void> {
  const expected = normalize(await theirs.get(route, query));
  expect(normalize(await ours.get(route, query)), `${route} ${JSON.stringify(query)}`).toEqual(expected);
  expect(
    JSON.stringify(expected, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
      .length,
  ).toBeGreaterThan(2);
}

async function compareBlobs(
  { theirs, ours }: Boards,
  route: string,
  find: (board: TensorBoard) => Promise<string[]>,
  decode: (bytes: Uint8Array) => unknown,
): Promise<void> {
  const [expected, found] = await Promise.all(
    [theirs, ours].map(async (board) =>
      Promise.all((await find(board)).map(async (query) => decode(await board.getBytes(route, query)))),
    ),
  );
  expect(found).toEqual(expected);
  expect(expected?.length).toBeGreaterThan(0);
}

function decodeImage(bytes: Uint8Array): unknown {
  if (bytes[0] === 0xff) return Buffer.from(bytes).toString('base64');
  const { width, height, data } = PNG.sync.read(Buffer.from(bytes));
  return { width, height, data: data.toString('base64') };
}

describeWithPeers(['tensorboard'], 'TensorBoard with data of both writers', () => {
  describe.each([true, false])('with load_fast %s', (fast) => {
    let directories: { theirs: string; ours: string };
    beforeAll(async () => {
      directories = { theirs: copyTheirs(), ours: await writeOurs() };
    });

    it('serves the same fields for every plugin', async () => {
      const [theirs, ours] = (await Promise.all(
        [directories.theirs, directories.ours].map(async (logdir) => {
          const board = await TensorBoard.start({ logdir, fast });
          await board.waitFor('runs', {}, (runs) =>
            (runs as string[]).length === Object.keys(WRITE).length ? true : undefined,
          );
          await board.waitFor('plugin/text/tags', {}, (tags) =>
            (tags as Record<string, string[]>).text?.length ? true : undefined,
          );
          await board.waitFor('plugin/pr_curves/tags', {}, (tags) =>
            'torch_pr_curves' in (tags as object) ? true : undefined,
          );
          return board;
        }),
      )) as [TensorBoard, TensorBoard];
      const boards = { theirs, ours };

      for (const tag of ['loss', ...inputs.TAGS])
        await compare(boards, 'plugin/scalars/scalars', { run: 'scalars', tag });
      await compare(boards, 'plugin/scalars/tags', {}, (tags) => (tags as { scalars: unknown }).scalars);
      for (const tag of ['loss', 'train/loss']) {
        // The wall times are given by the caller, so compare them too.
        await compare(boards, 'plugin/scalars/scalars', { run: 'legacy', tag }, (points) => points);
      }

      await compare(boards, 'plugin/images/tags', {}, (tags) => (tags as { images: unknown }).images);
      for (const [tag, count] of Object.entries({
        'channels-1': 1,
        'channels-2': 1,
        'channels-3': 1,
        'channels-4': 1,
        batch: 3,
        float: 1,
        jpeg: 1,
      })) {
        for (let sample = 0; sample < count; sample++) {
          const query = { run: 'images', tag, sample };
          await compare(boards, 'plugin/images/images', query);
          const find = async (board: TensorBoard) =>
            ((await board.get('plugin/images/images', query)) as { query: string }[]).map(
              (image) => image.query,
            );
          await compareBlobs(boards, 'plugin/images/individualImage', find, decodeImage);
        }
      }

      for (const [tag, count] of Object.entries({ mono: 2, stereo: 1 })) {
        for (let sample = 0; sample < count; sample++) {
          const find = async (board: TensorBoard) =>
            (
              (await board.get('plugin/audio/audio', { run: 'audio', tag, sample })) as { query: string }[]
            ).map((clip) => clip.query);
          await compareBlobs(boards, 'plugin/audio/individualAudio', find, (bytes) =>
            Buffer.from(bytes).toString('base64'),
          );
        }
      }

      for (const tag of ['normal', 'ten-buckets', 'one-distinct-value', 'empty', 'no-buckets', 'integers']) {
        const numbers = (answer: unknown) => rounded(stable(answer));
        await compare(boards, 'plugin/histograms/histograms', { run: 'histograms', tag }, numbers);
        await compare(boards, 'plugin/distributions/distributions', { run: 'histograms', tag }, numbers);
      }

      for (const tag of ['rank-0', 'rank-1', 'rank-2'])
        await compare(boards, 'plugin/text/text', { run: 'text', tag });

      await compare(boards, 'plugin/pr_curves/tags', {});
      await compare(boards, 'plugin/pr_curves/pr_curves', { run: 'pr_curves', tag: 'digit/pr_curves' });
      await compare(boards, 'plugin/pr_curves/pr_curves', { run: 'torch_pr_curves', tag: 'digit' });

      await compare(boards, 'plugin/mesh/tags', {});
      for (const [tag, step, parts] of [
        ['vertices', 0, ['VERTEX']],
        ['shape', 1, ['VERTEX', 'FACE', 'COLOR']],
      ] as const) {
        await compare(boards, 'plugin/mesh/meshes', { run: 'mesh', tag, sample: 0 }, (meshes) =>
          (stable(meshes) as { config: string; content_type: number }[])
            .map((mesh) => ({ ...mesh, config: JSON.parse(mesh.config) as unknown }))
            // The fast reader returns the parts in any order.
            .sort((a, b) => a.content_type - b.content_type),
        );
        for (const part of parts) {
          const query = `run=mesh&tag=${tag}&content_type=${part}&sample=0&step=${step}`;
          await compareBlobs(
            boards,
            'plugin/mesh/data',
            async () => [query],
            (bytes) => Buffer.from(bytes).toString('hex'),
          );
        }
      }

      const [experiments, groups] = [
        await Promise.all([theirs, ours].map((board) => board.post('plugin/hparams/experiment', {}))),
        await Promise.all(
          [theirs, ours].map((board) => board.post('plugin/hparams/session_groups', ALL_SESSIONS)),
        ),
      ];
      expect(stable(experiments[1])).toEqual(stable(experiments[0]));
      expect(experiments[0]).toMatchObject({ hparamInfos: { length: 6 } });
      expect(stable(groups[1])).toEqual(stable(groups[0]));
      expect(groups[0]).toMatchObject({ totalSize: 2 });

      await compare(boards, 'plugin/custom_scalars/layout', {});
      for (const tag of ['loss/train', 'mean', 'low', 'high']) {
        await compare(boards, 'plugin/custom_scalars/scalars', { run: 'custom_scalars', tag });
      }

      const graphOf = async (board: TensorBoard) =>
        Buffer.from(await board.getBytes('plugin/graphs/graph', { run: 'graphs' })).toString();
      expect(await graphOf(ours)).toBe(await graphOf(theirs));
      expect(await graphOf(theirs)).toContain('dense/matmul');

      await compareEmbeddings(boards);
      expect(ours.output()).not.toMatch(/warn|error|exception|traceback/i);
    });
  });
});

const ALL_SESSIONS = {
  allowedStatuses: ['STATUS_UNKNOWN', 'STATUS_SUCCESS', 'STATUS_FAILURE', 'STATUS_RUNNING'],
  colParams: [],
  startIndex: 0,
  sliceSize: 100,
};

async function compareEmbeddings(boards: Boards): Promise<void> {
  await compare(boards, 'plugin/projector/info', { run: 'projector' });
  for (const name of ['digits:00000', 'headed:00007']) {
    const query = async () => [`run=projector&name=${encodeURIComponent(name)}`];
    await compareBlobs(boards, 'plugin/projector/tensor', query, (bytes) =>
      Buffer.from(bytes).toString('hex'),
    );
    await compareBlobs(boards, 'plugin/projector/metadata', query, (bytes) => Buffer.from(bytes).toString());
  }
  const sprite = async () => ['run=projector&name=digits%3A00000'];
  await compareBlobs(boards, 'plugin/projector/sprite_image', sprite, decodeImage);
}
