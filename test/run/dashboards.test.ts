/** `Run` logs what `SummaryWriter` logs: the same events, and the same files of embeddings. */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EventContent } from '../../src/format/wire/messages.js';
import { GraphBuilder, type Run, SummaryWriter } from '../../src/index.js';
import { FIXTURES } from '../support/expected-runs.js';
import { FakeClock } from '../support/fake-clock.js';
import { COUNTS, MESH, RAW } from '../support/logged-kinds.js';
import { readEvents, readLineage } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const ONNX = join(FIXTURES, 'onnx/perceptron.onnx');
const LAYERS = readFileSync(join(FIXTURES, 'tfjs/sequential.json'), 'utf8');
const EMBEDDING = {
  vectors: { values: Float32Array.of(1, 2, 3, 4, 5, 6), dimensions: 2 },
  metadata: ['a', 'b', 'c'],
  images: { pixels: new Uint8Array(3 * 4).fill(9), count: 3, height: 2, width: 2 },
};
const LAYOUT = [{ title: 'losses', charts: [{ title: 'both', multiline: ['^loss'] }] }];
const PREDICTIONS = { labels: [0, 1, 1], predictions: [0.2, 0.6, 0.9] };

function createGraph(): GraphBuilder {
  const graph = new GraphBuilder();
  graph.node({ name: 'x', op: 'Placeholder' });
  graph.node({ name: 'y', op: 'Relu', inputs: ['x'] });
  return graph;
}

/** Each kind, logged at step 3 by either class. */
const KINDS: Record<string, readonly [(writer: SummaryWriter) => void, (run: Run) => unknown]> = {
  'a graph': [(writer) => writer.addGraph(createGraph(), 3), (run) => run.logGraph(createGraph(), 3)],
  'a serialized graph': [
    (writer) => writer.addGraph(createGraph().build(), 3),
    (run) => run.logGraph(createGraph().build(), { step: 3 }),
  ],
  'a graph without a step': [
    (writer) => writer.addGraph(createGraph()),
    (run) => run.logGraph(createGraph()),
  ],
  'an ONNX model': [(writer) => writer.addOnnxGraph(ONNX, 3), (run) => run.logOnnxGraph(ONNX, 3)],
  'a layers model': [
    (writer) => writer.addLayersModel(LAYERS, 3),
    (run) => run.logLayersModel(LAYERS, { step: 3 }),
  ],
  'a layers model without a step': [
    (writer) => writer.addLayersModel(LAYERS),
    (run) => run.logLayersModel(LAYERS),
  ],
  'a mesh': [(writer) => writer.addMesh('mesh', MESH, 3), (run) => run.logMesh('mesh', MESH, 3)],
  'custom scalars': [
    (writer) => {
      writer.addCustomScalars([]);
      writer.addCustomScalars(LAYOUT);
    },
    (run) => {
      run.logCustomScalars([]);
      run.logCustomScalars(LAYOUT);
    },
  ],
  'a histogram with upper limits': [
    (writer) => writer.addHistogramRaw('histogram', RAW, 3),
    (run) => run.logHistogram('histogram', RAW, 3),
  ],
};

const CLOCK = new FakeClock();

/** The contents of a directory's events besides those that begin a file. */
function contentsOf(directory: string): { step: number | bigint; wallTime: number; what: EventContent }[] {
  return readEvents(directory)
    .filter(({ what }) => what.kind !== 'fileVersion' && what.kind !== 'sessionLog')
    .map(({ step, wallTime, what }) => ({ step, wallTime, what }));
}

/** The files below a directory that are no event files, by path. */
function filesOf(directory: string): Record<string, string> {
  const paths = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('tfevents'))
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths.sort().map((path) => [path.slice(directory.length), readFileSync(path, 'base64')]),
  );
}

describe('Run', () => {
  it.each(Object.entries(KINDS))('logs %s as SummaryWriter does', async (_, [add, log]) => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory, { clock: CLOCK });
    const { run } = startRun({ clock: CLOCK });

    add(writer);
    log(run);
    await Promise.all([writer.close(), run.end()]);

    expect(contentsOf(directory)).not.toEqual([]);
    expect(contentsOf(run.paths.tensorboard)).toEqual(contentsOf(directory));
  });

  it('logs a precision-recall curve of predictions or counts: with the same tensor, and for Polyaxon too', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory, { clock: CLOCK });
    const { run } = startRun({ clock: CLOCK, formats: ['tensorboard', 'polyaxon'] });

    writer.addPrCurve('predictions', PREDICTIONS.labels, PREDICTIONS.predictions, 1, { thresholds: 5 });
    run.logPrCurve('predictions', { ...PREDICTIONS, thresholds: 5 }, 1);
    writer.addPrCurveRaw('counts', COUNTS, 1);
    run.logPrCurve('counts', COUNTS, 1);
    await Promise.all([writer.close(), run.end()]);

    const tensorsOf = (path: string) =>
      contentsOf(path).flatMap(({ what }) =>
        what.kind === 'summary' ? what.values.filter(({ tag }) => tag in { predictions: 1, counts: 1 }) : [],
      );
    expect(tensorsOf(run.paths.tensorboard)).toEqual(tensorsOf(directory));
    expect(tensorsOf(directory)).toHaveLength(2);
    const rows = readFileSync(join(run.paths.run, 'events/curve/counts.plx'), 'utf8');
    expect(rows).toContain('"y":[1.0,0.5]');
  });

  it('writes the files of an embedding as SummaryWriter does, before it returns, and records them in the lineage', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const { run, warnings } = startRun();
    for (const [tag, step] of [['emb/words', 3] as const, ['日本', 0] as const])
      writer.addEmbedding(tag, EMBEDDING, step);

    const words = run.logEmbedding('emb/words', EMBEDDING, 3);
    expect(existsSync(join(run.paths.tensorboard, '00003/emb=2Fwords/tensors.tsv'))).toBe(true);
    await run.logEmbedding('日本', EMBEDDING);
    await words;
    await Promise.all([writer.close(), run.end()]);

    expect(filesOf(run.paths.tensorboard)).toEqual(filesOf(directory));
    // The directories are hashed at the same time; the first one that is done is the first entry.
    const entries = readLineage(run.paths.run).filter(({ kind }) => kind === 'dir');
    expect(entries.sort((one, other) => (one.path! > other.path! ? -1 : 1))).toEqual([
      {
        name: 'emb__words_3',
        kind: 'dir',
        path: 'outputs/tensorboard/00003/emb=2Fwords',
        summary: {
          path: 'outputs/tensorboard/00003/emb=2Fwords',
          hash: expect.stringMatching(/^[0-9a-f]{64}$/),
          size_bytes: Object.entries(filesOf(directory))
            .filter(([path]) => path.startsWith('/00003/'))
            .reduce((sum, [, content]) => sum + Buffer.from(content, 'base64').length, 0),
        },
        is_input: false,
      },
      expect.objectContaining({ path: 'outputs/tensorboard/00000/日本' }),
    ]);
    expect(warnings).toEqual([]);
  });

  it('rejects an invalid embedding, and one that cannot be written, and continues', async () => {
    const { run } = startRun();
    writeFileSync(join(run.paths.tensorboard, '00001'), 'a file where the directory should be');

    await expect(run.logEmbedding('x', { vectors: [[1, 2], [3]] })).rejects.toMatchObject({
      code: 'ERR_EMBEDDING_INVALID',
    });
    await expect(run.logEmbedding('x', EMBEDDING, 1.5)).rejects.toMatchObject({ code: 'ERR_STEP_INVALID' });
    await expect(run.logEmbedding('x', EMBEDDING, 1)).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    run.logMetric('loss', 1);
    await run.end();

    expect(run.status).toBe('succeeded');
    expect(readLineage(run.paths.run).filter(({ kind }) => kind === 'dir')).toEqual([]);
    await expect(run.logEmbedding('x', EMBEDDING)).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });

  it.each([{ noOp: true }, { collectArtifacts: false }])(
    'checks arguments but writes no embedding: %j',
    async (options) => {
      const { run } = startRun(options);

      await expect(run.logEmbedding('x', { vectors: [] })).rejects.toMatchObject({
        code: 'ERR_EMBEDDING_INVALID',
      });
      await run.logEmbedding('x', EMBEDDING);
      run.logGraph(createGraph());
      await run.end();

      expect(existsSync(join(run.paths.tensorboard, 'projector_config.pbtxt'))).toBe(false);
      expect(run.getArtifactsLineage().filter(({ kind }) => kind === 'dir')).toEqual([]);
    },
  );

  it('logs graphs, meshes and layouts into a run with Polyaxon event files, which has none for them', async () => {
    const { run, errors, warnings } = startRun({ formats: ['tensorboard', 'polyaxon'] });
    run.logMetric('loss', 1, 0);
    run.logGraph(createGraph());
    run.logLayersModel(LAYERS);
    run.logMesh('mesh', MESH);
    run.logCustomScalars(LAYOUT);
    await run.logEmbedding('emb', EMBEDDING);
    run.logMetric('loss', 0.5, 1);
    await run.end();

    expect([errors, warnings]).toEqual([[], []]);
    expect(readdirSync(join(run.paths.run, 'events'))).toEqual(['metric']);
    const names = readLineage(run.paths.run).map(({ name, kind }) => `${kind} ${name}`);
    expect(names.sort()).toEqual(['dir emb_0', 'metric loss', 'tensorboard tensorboard']);
  });
});
