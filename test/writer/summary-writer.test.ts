import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { type DecodedValue, MemorySink, TagIndex } from '../../src/format/index.js';
import { GraphBuilder, SummaryWriter } from '../../src/index.js';
import { spawnScript } from '../support/child-script.js';
import { diskError, FailingSink } from '../support/failing-sink.js';
import { FakeClock } from '../support/fake-clock.js';
import { readEvents, readValues } from '../support/read-run.js';
import { createTempDir } from '../support/temp-dir.js';

/** The decoded values in a directory, with tag and step. */
function readDecoded(directory: string): { tag: string; step: number | bigint; value: DecodedValue }[] {
  const index = new TagIndex();
  return readValues(directory).map((value) => ({
    tag: value.tag,
    step: value.step,
    value: index.decode(value),
  }));
}

const image = (size: number, shade = 7) => ({
  pixels: new Uint8Array(size * size).map((_, i) => (i * shade) % 256),
  height: size,
  width: size,
});

describe('SummaryWriter', () => {
  it('addScalars writes to its own run, and shows the lines in one chart', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    writer.addScalars('loss', { train: 1, 'val (5%)': 2 }, 3);
    writer.addScalars('loss', { train: 0.5, 'val (5%)': 1 }, 4);
    writer.addScalars('loss', { test: 9 }, 5);
    await writer.close();

    expect(readdirSync(directory)).toHaveLength(1);
    const values = readDecoded(directory);
    expect(values.filter(({ value }) => value.kind === 'scalar').map(({ tag, step }) => [tag, step])).toEqual(
      [
        ['loss/train', 3],
        ['loss/val (5%)', 3],
        ['loss/train', 4],
        ['loss/val (5%)', 4],
        ['loss/test', 5],
      ],
    );
    const layouts = values.filter(({ tag }) => tag === 'custom_scalars__config__');
    // Written once, and again for a new line.
    expect(layouts.map(({ step }) => step)).toEqual([0, 1]);
    expect(layouts[1]?.value).toMatchObject({
      categories: [
        {
          title: 'scalars',
          charts: [{ title: 'loss', multiline: ['^loss/train$', '^loss/val \\(5%\\)$', '^loss/test$'] }],
        },
      ],
    });
  });

  it('addScalarSeries adds a column of numbers with their steps', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    writer.addScalarSeries('loss', [3, 4, 6], [1, 0.5, Number.NaN]);
    await writer.close();

    expect(readDecoded(directory).map(({ step, value }) => [step, value])).toEqual([
      [3, { kind: 'scalar', value: 1 }],
      [4, { kind: 'scalar', value: 0.5 }],
      [6, { kind: 'scalar', value: Number.NaN }],
    ]);
  });

  it('addCustomScalars keeps the charts of addScalars', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    writer.addScalars('loss', { train: 1 });
    writer.addCustomScalars({ mine: { all: ['Multiline', ['loss/.*']], band: ['Margin', ['a', 'b', 'c']] } });
    await writer.close();

    const { value } = readDecoded(directory).at(-1)!;
    expect(value).toMatchObject({
      categories: [
        {
          title: 'mine',
          charts: [
            { title: 'all', multiline: ['loss/.*'] },
            { title: 'band', margin: [{ value: 'a', lower: 'b', upper: 'c' }] },
          ],
        },
        { title: 'scalars' },
      ],
    });
  });

  it.each(['success', 'failure'] as const)(
    'addHparams writes the end of the session once, on close: %s',
    async (outcome) => {
      const directory = createTempDir();
      const writer = new SummaryWriter(directory, { clock: new FakeClock() });
      writer.addHparams(
        { lr: 0.1, name: 'x', on: false, nan: Number.NaN },
        { accuracy: 0.5 },
        { groupName: 'g', step: 7 },
      );
      expect(() => writer.addHparams({ lr: 0.2 })).toThrow(
        expect.objectContaining({ code: 'ERR_HPARAMS_INVALID' }),
      );
      await writer.close({ outcome });
      await writer.close();

      expect(readDecoded(directory)).toMatchObject([
        { tag: 'accuracy', step: 7, value: { value: 0.5 } },
        {
          tag: '_hparams_/session_start_info',
          value: { data: { hparams: { lr: 0.1, name: 'x', on: false, nan: 'NaN' }, groupName: 'g' } },
        },
        { tag: '_hparams_/session_end_info', value: { data: { status: outcome, endTime: 1_700_000_000 } } },
      ]);
      expect(writer.diagnostics).toEqual({});
    },
  );

  it('gives values without a step the next one, including meshes and layouts', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const vertices = [[0, 0, 0]];
    writer.addMesh('m', { vertices });
    writer.addMesh('m', { vertices });
    writer.addMesh('m', { vertices }, 10);
    writer.addMesh('m', { vertices });
    await writer.close();

    expect(readValues(directory).map(({ step }) => step)).toEqual([0, 1, 10, 11]);
    expect(writer.diagnostics).toEqual({});
  });

  it('names the default directory after time and host', async () => {
    const writer = new SummaryWriter(undefined, {
      sink: new MemorySink(),
      comment: '_lr 0.1',
      clock: new FakeClock(),
    });
    expect(writer.logdir).toMatch(/^runs\/Nov1[45]_\d\d-\d\d-\d\d_.+_lr-0\.1$/);
    await writer.close();
  });

  it.each(['logs/tfevents', 'my-tfevents/run', '/tmp/x.tfevents.d'])(
    'rejects the directory %s, which TensorBoard would read as a file',
    (directory) => {
      expect(() => new SummaryWriter(directory, { sink: new MemorySink() })).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION_INVALID' }),
      );
    },
  );

  it('warns when the plugin data of a tag changes', async () => {
    const writer = new SummaryWriter('/logs', { sink: new MemorySink(), onWarning: () => undefined });
    const curve = (thresholds: number) => ({ thresholds });
    writer.addPrCurve('pr', [1, 0], [0.5, 0.5], 0, curve(5));
    writer.addPrCurve('pr', [1, 0], [0.5, 0.5], 1, curve(5));
    expect(writer.diagnostics).toEqual({});
    writer.addPrCurve('pr', [1, 0], [0.5, 0.5], 2, curve(6));
    expect(writer.diagnostics).toEqual({ WARN_METADATA_IGNORED: 1 });
    await writer.close();
  });

  it('rejects invalid values without writing anything', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const refused: [code: string, call: () => void][] = [
      ['ERR_PR_CURVE_INVALID', () => writer.addPrCurve('x', [1], [0.5, 0.5])],
      ['ERR_PR_CURVE_INVALID', () => writer.addPrCurve('x', [1], [1.5])],
      ['ERR_PR_CURVE_INVALID', () => writer.addPrCurve('x', [2], [0.5])],
      ['ERR_PR_CURVE_INVALID', () => writer.addPrCurve('x', [1], [0.5], 0, { thresholds: 1 })],
      ['ERR_PR_CURVE_INVALID', () => writer.addPrCurve('x', [1], [0.5], 0, { weights: [-1] })],
      ['ERR_PR_CURVE_INVALID', () => writer.addPrCurveRaw('x', {} as never)],
      ['ERR_MESH_INVALID', () => writer.addMesh('x', { vertices: [[1, 2]] })],
      ['ERR_MESH_INVALID', () => writer.addMesh('x', { vertices: [[1, 2, Number.NaN]] })],
      ['ERR_MESH_INVALID', () => writer.addMesh('x', { vertices: [[1, 2, 3]], faces: [[0, 0, 1]] })],
      ['ERR_MESH_INVALID', () => writer.addMesh('x', { vertices: [[1, 2, 3]], colors: [[0, 0, 256]] })],
      ['ERR_MESH_INVALID', () => writer.addMesh('x', { vertices: new Float32Array(4) })],
      ['ERR_MESH_INVALID', () => writer.addMesh('x', { vertices: [[1, 2, 3]], config: { a: 1n } })],
      ['ERR_HPARAMS_INVALID', () => writer.addHparams({ a: null as never })],
      [
        'ERR_HPARAMS_INVALID',
        () => writer.addHparamsConfig({ hparams: [{ name: 'a', domain: [1, 'x'] }], metrics: [] }),
      ],
      [
        'ERR_HPARAMS_INVALID',
        () => writer.addHparamsConfig({ hparams: [{ name: 'a', domain: { min: 2, max: 1 } }], metrics: [] }),
      ],
      [
        'ERR_LAYOUT_INVALID',
        () => writer.addCustomScalars([{ title: 'x', charts: [{ title: 'y', multiline: ['('] }] }]),
      ],
      ['ERR_LAYOUT_INVALID', () => writer.addCustomScalars({ x: { y: ['Pie', []] as never } })],
      ['ERR_VIDEO_INVALID', () => writer.addVideo('x', [])],
      ['ERR_VIDEO_INVALID', () => writer.addVideo('x', [image(2), image(3)])],
      ['ERR_VIDEO_INVALID', () => writer.addVideo('x', [image(2)], 0, { framesPerSecond: 0 })],
      ['ERR_IMAGE_INVALID', () => writer.addImages('x', [])],
      ['ERR_IMAGE_INVALID', () => writer.addImageWithBoxes('x', image(4), [[3, 3, 1, 1]])],
      ['ERR_IMAGE_INVALID', () => writer.addImage('x', Buffer.from('no image'))],
      ['ERR_AUDIO_INVALID', () => writer.addAudio('x', [])],
      ['ERR_TEXT_INVALID', () => writer.addText('x', [['a'], ['b', 'c']])],
      [
        'ERR_HISTOGRAM_INVALID',
        () => writer.addHistogramRaw('x', { min: 0, max: 1, bucketLimits: [1], bucketCounts: [] }),
      ],
      ['ERR_EMBEDDING_INVALID', () => writer.addEmbedding('x', { vectors: [[1, 2], [3]] })],
      ['ERR_EMBEDDING_INVALID', () => writer.addEmbedding('x', { vectors: [[1]], metadata: ['a', 'b'] })],
      ['ERR_EMBEDDING_INVALID', () => writer.addEmbedding('x', { vectors: [[Number.NaN]] })],
      ['ERR_GRAPH_INVALID', () => writer.addGraph(new GraphBuilder())],
      ['ERR_GRAPH_INVALID', () => writer.addOnnxGraph('/no/such/model.onnx')],
    ];
    for (const [code, call] of refused) expect(call, code).toThrow(expect.objectContaining({ code }));
    await writer.close();

    expect(readValues(directory)).toEqual([]);
    expect(readdirSync(directory)).toHaveLength(1);
    expect(() => writer.addScalar('x', 1)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    expect(() => writer.addEmbedding('x', { vectors: [[1]] })).toThrow(
      expect.objectContaining({ code: 'ERR_CLOSED' }),
    );
  });
});

describe('images', () => {
  it('accept colour planes, as in PyTorch, and encode the same image', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const interleaved = Uint8Array.from({ length: 2 * 3 * 3 }, (_, i) => i * 10);
    const planes = Uint8Array.from({ length: 18 }, (_, i) => interleaved[(i % 6) * 3 + Math.floor(i / 6)]!);
    writer.addImage('hwc', { pixels: interleaved, height: 2, width: 3 });
    writer.addImage('chw', { pixels: planes, height: 2, width: 3, dataFormat: 'CHW' });
    writer.addImages('nchw', { pixels: planes, count: 1, height: 2, width: 3, dataFormat: 'CHW' });
    await writer.close();

    const images = readDecoded(directory).map(({ value }) =>
      value.kind === 'images' ? value.images[0] : undefined,
    );
    expect(images[1]).toEqual(images[0]);
    expect(images[2]).toEqual(images[0]);
  });

  it('with boxes have lines and letters in the right place, and are unchanged elsewhere', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const gray = { pixels: new Uint8Array(40 * 40).fill(100), height: 40, width: 40 };
    writer.addImageWithBoxes('x', gray, [
      { xMin: 5, yMin: 20, xMax: 30, yMax: 35, label: 'I', color: [255, 0, 0] },
    ]);
    await writer.close();

    const value = readDecoded(directory)[0]?.value;
    const { data } = PNG.sync.read(Buffer.from(value?.kind === 'images' ? value.images[0]! : []));
    const at = (x: number, y: number) => [...data.subarray((y * 40 + x) * 4, (y * 40 + x) * 4 + 3)];
    const [red, white, before] = [
      [255, 0, 0],
      [255, 255, 255],
      [100, 100, 100],
    ];
    expect([at(5, 20), at(30, 20), at(5, 35), at(30, 35), at(17, 35), at(30, 27)]).toEqual(
      new Array(6).fill(red),
    );
    expect([at(6, 21), at(29, 34), at(31, 36), at(0, 0)]).toEqual(new Array(4).fill(before));
    // The letter I: a column of seven pixels in the middle of five.
    expect(Array.from({ length: 9 }, (_, row) => at(8, 11 + row))).toEqual([
      red,
      ...new Array(7).fill(white),
      red,
    ]);
    expect(gray.pixels.every((pixel) => pixel === 100)).toBe(true);
  });

  it('of a video keep up to 256 colours, and their delay', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const frames = [1, 3].map((shade) => image(16, shade));
    writer.addVideo('x', frames, 0, { framesPerSecond: 10 });
    await writer.close();

    const value = readDecoded(directory)[0]?.value;
    const gif = Buffer.from(value?.kind === 'images' ? value.images[0]! : []);
    expect(gif.subarray(0, 6).toString()).toBe('GIF89a');
    expect(value).toMatchObject({ width: 16, height: 16 });
    // Graphic control extensions: delay in hundredths of a second.
    const delays = [...gif.keys()]
      .filter((at) => gif.readUIntBE(Math.min(at, gif.length - 3), 3) === 0x21f904)
      .map((at) => gif.readUInt16LE(at + 4));
    expect(delays).toEqual([10, 10]);
  });
});

describe('large values', () => {
  it('are encoded in the background in call order, even if the caller changes its arrays', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const shared = image(600);
    writer.addImage('big', shared);
    writer.addImage('big', image(1));
    writer.addScalar('loss', 1);
    writer.addAudio('tone', { samples: new Float32Array(2_000_000), sampleRateHz: 8000 });
    writer.addImage('big', image(600, 3));
    shared.pixels.fill(0);

    // The scalar does not wait for the images.
    expect(readValues(directory).map(({ tag }) => tag)).toEqual([]);
    await writer.flush();

    const values = readDecoded(directory);
    expect(values.map(({ tag, step }) => [tag, step])).toEqual([
      ['loss', 0],
      ['big', 0],
      ['big', 1],
      ['tone', 0],
      ['big', 2],
    ]);
    const first = values[1]?.value.kind === 'images' ? values[1].value.images[0]! : new Uint8Array();
    expect(PNG.sync.read(Buffer.from(first)).data[4]).toBe(7);
    await writer.close();
  });

  it('do not block the event loop', async () => {
    const writer = new SummaryWriter('/logs', { sink: new MemorySink() });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    writer.addAudio('tone', { samples: new Float32Array(20_000_000), sampleRateHz: 44_100 });
    await writer.flush();
    clearInterval(timer);
    await writer.close();

    expect(turns).toBeGreaterThan(5);
  });

  it('are all written when the process exits without a flush', async () => {
    const directory = createTempDir();
    const child = spawnScript(
      'SummaryWriter',
      `
      const writer = new SummaryWriter(process.env.DIRECTORY);
      for (let i = 0; i < 5; i++) writer.addImage('big', { pixels: new Uint8Array(300 * 300), height: 300, width: 300 });
      writer.addScalar('loss', 1);
      process.exit(3);
      `,
      { DIRECTORY: directory },
    );
    await new Promise((resolve) => {
      child.on('close', resolve);
    });

    expect(child.exitCode).toBe(3);
    expect(readValues(directory).filter(({ tag }) => tag === 'big')).toHaveLength(5);
  });

  it('are bounded in memory, beyond which a call encodes the oldest value', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory, { maxQueueBytes: 500_000 });
    for (let i = 0; i < 4; i++) writer.addImage('big', image(600));

    // Calls have already encoded three of the four values.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    await writer.close();
    expect(readValues(directory)).toHaveLength(4);
    expect(writer.diagnostics).toEqual({});
  });
});

describe('a full queue', () => {
  it('drops and counts events, or also throws, according to the option, without waiting', async () => {
    for (const onQueueFull of ['drop', 'throw'] as const) {
      const sink = new FailingSink();
      sink.failure = diskError('ENOSPC');
      const onError = () => undefined;
      const writer = new SummaryWriter('/logs', { sink, onQueueFull, maxQueueBytes: 1000, onError });
      const log = () => {
        for (let step = 0; step < 100; step++) writer.addScalar('loss', step, step);
      };

      if (onQueueFull === 'throw')
        expect(log).toThrow(expect.objectContaining({ code: 'ERR_EVENTS_DROPPED' }));
      else log();

      expect(writer.diagnostics.ERR_EVENTS_DROPPED).toBeGreaterThan(0);
      sink.failure = undefined;
      await expect(writer.close()).rejects.toMatchObject({ code: 'ERR_EVENTS_DROPPED' });
    }
  });
});

describe('embedding files', () => {
  it('have safe names for any tag, and are not repeated', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const long = '訓'.repeat(200);
    const tags = [
      'a/b',
      '../../escape',
      'quote"back\\slash\nline',
      'x.tfevents.y',
      'Ü 😀',
      `${long}a`,
      `${long}b`,
    ];
    for (const tag of tags) {
      writer.addEmbedding(tag, { vectors: [[1, 2]], metadata: ['tab\tand\nline'] }, 3);
      writer.addEmbedding(tag, { vectors: [[1, 2]], metadata: ['tab\tand\nline'] }, 3);
    }
    await writer.close();

    const config = readFileSync(join(directory, 'projector_config.pbtxt'), 'utf8');
    expect(config.match(/embeddings \{/g)).toHaveLength(tags.length);
    expect(config).toContain('tensor_name: "quote\\"back\\\\slash\\012line:00003"');
    const folders = readdirSync(join(directory, '00003'));
    expect(folders).toHaveLength(tags.length);
    expect(folders.filter((name) => /tfevents|\.\.|%/.test(name))).toEqual([]);
    expect(folders).toContain('a=2Fb');
    for (const folder of folders) {
      expect(readFileSync(join(directory, '00003', folder, 'tensors.tsv'), 'utf8')).toBe('1\t2\n');
      expect(readFileSync(join(directory, '00003', folder, 'metadata.tsv'), 'utf8')).toBe('tab and line\n');
    }
    expect(statSync(directory).isDirectory()).toBe(true);
    expect(readEvents(directory).length).toBe(2);
  });
});
