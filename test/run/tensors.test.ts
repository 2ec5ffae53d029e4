/** Tensors of TensorFlow.js (with its CPU backend) and onnxruntime, logged with `Run` and `SummaryWriter`, and read back. */

import { once } from 'node:events';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { Tensor as OnnxTensor } from 'onnxruntime-common';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { TagIndex } from '../../src/format/index.js';
import { type Run, SummaryWriter, type Tensor } from '../../src/index.js';
import { spawnScript } from '../support/child-script.js';
import { readRunFile, readValues } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

beforeAll(() => tf.setBackend('cpu'));

const HEIGHT = 4;
const WIDTH = 6;
/** The bytes of an image, row-major: shape H×W×3. */
const RGB = Uint8Array.from({ length: HEIGHT * WIDTH * 3 }, (_, i) => (i * 37 + 11) % 256);
const GRAY = RGB.subarray(0, HEIGHT * WIDTH);
const FRACTIONS = Float32Array.from(RGB, (byte) => byte / 255);
const PLANES = Uint8Array.from(
  RGB,
  (_, i) => RGB[(i % (HEIGHT * WIDTH)) * 3 + Math.floor(i / (HEIGHT * WIDTH))]!,
);
const BITS = GRAY.map((byte) => byte & 1);
const HWC = [HEIGHT, WIDTH, 3];
const CHW = [3, HEIGHT, WIDTH];

interface Shown {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: number[];
}

const RGB_SHOWN: Shown = { width: WIDTH, height: HEIGHT, channels: 3, pixels: [...RGB] };
const GRAY_SHOWN: Shown = { width: WIDTH, height: HEIGHT, channels: 1, pixels: [...GRAY] };
const BITS_SHOWN: Shown = { ...GRAY_SHOWN, pixels: [...BITS].map((bit) => bit * 255) };

/** Half-precision bits of 0, 1/2 and 1. */
const HALVES = [0x0000, 0x3800, 0x3c00];

const IMAGES: Record<string, readonly [create: () => Tensor | { pixels: Tensor; dataFormat: 'CHW' }, Shown]> =
  {
    'tfjs: float32 of H×W×C': [() => tf.tensor(FRACTIONS, HWC as [number, number, number]), RGB_SHOWN],
    'tfjs: int32 of H×W×C': [() => tf.tensor(Array.from(RGB), HWC, 'int32'), RGB_SHOWN],
    'tfjs: float32 of N×H×W×C with one image': [() => tf.tensor(FRACTIONS, [1, ...HWC]), RGB_SHOWN],
    'tfjs: int32 of H×W': [() => tf.tensor(Array.from(GRAY), [HEIGHT, WIDTH], 'int32'), GRAY_SHOWN],
    'tfjs: bool of H×W×1': [() => tf.tensor(Array.from(BITS), [HEIGHT, WIDTH, 1], 'bool'), BITS_SHOWN],
    'tfjs: a variable': [() => tf.variable(tf.tensor(FRACTIONS, HWC)), RGB_SHOWN],
    'tfjs: the result of a transposition': [
      () => tf.transpose(tf.tensor(Array.from(PLANES), CHW, 'int32'), [1, 2, 0]),
      RGB_SHOWN,
    ],
    'tfjs: int32 of C×H×W': [
      () => ({ pixels: tf.tensor(Array.from(PLANES), CHW, 'int32'), dataFormat: 'CHW' }),
      RGB_SHOWN,
    ],
    'onnx: uint8 of H×W×C': [() => new OnnxTensor('uint8', RGB, HWC), RGB_SHOWN],
    'onnx: float32 of N×C×H×W with one image': [
      () =>
        new OnnxTensor(
          'float32',
          Float32Array.from(PLANES, (byte) => byte / 255),
          [1, ...CHW],
        ),
      RGB_SHOWN,
    ],
    'onnx: int64 of C×H×W': [
      () => new OnnxTensor('int64', BigInt64Array.from(PLANES, BigInt), CHW),
      RGB_SHOWN,
    ],
    'onnx: float64 of H×W×C': [
      () =>
        new OnnxTensor(
          'float64',
          Float64Array.from(RGB, (byte) => byte / 255),
          HWC,
        ),
      RGB_SHOWN,
    ],
    'onnx: bool of 1×H×W': [() => new OnnxTensor('bool', BITS, [1, HEIGHT, WIDTH]), BITS_SHOWN],
    'onnx: float16 of H×W': [
      () => new OnnxTensor('float16', Uint16Array.from(HALVES), [1, 3]),
      { width: 3, height: 1, channels: 1, pixels: [0, 128, 255] },
    ],
    'onnx: on a GPU': [
      () =>
        OnnxTensor.fromGpuBuffer({} as never, {
          dataType: 'float32',
          dims: HWC,
          download: async () => FRACTIONS as never,
          dispose: () => undefined,
        }),
      RGB_SHOWN,
    ],
  };

/** The decoded values of a tag, in the order of the file. */
function decodedOf(directory: string, tag: string) {
  const index = new TagIndex();
  return readValues(directory)
    .filter((value) => value.tag === tag)
    .map((value) => ({ step: value.step, wallTime: value.wallTime, value: index.decode(value) }));
}

function imagesOf(directory: string, tag: string): Shown[] {
  return decodedOf(directory, tag).flatMap(({ value }) => {
    if (value.kind !== 'images') throw new Error(`${tag} is ${value.kind}`);
    return value.images.map((bytes) => {
      const { width, height, data } = PNG.sync.read(Buffer.from(bytes));
      const channels = bytes[25] === 0 ? 1 : 3;
      const pixels = [...data].filter((_, i) => i % 4 < channels);
      return { width, height, channels, pixels };
    });
  });
}

/** The same calls on a `Run` and on a `SummaryWriter`, with what each wrote. */
const CLASSES = ['Run', 'SummaryWriter'] as const;

async function withLog(
  kind: (typeof CLASSES)[number],
  log: (
    target: Pick<SummaryWriter, 'addImage' | 'addHistogram' | 'addScalar' | 'addScalars' | 'addAudio'>,
  ) => void,
): Promise<{ directory: string; warnings: string[] }> {
  const warnings: string[] = [];
  if (kind === 'SummaryWriter') {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory, { onWarning: ({ code }) => warnings.push(code) });
    log(writer);
    await writer.close();
    return { directory, warnings };
  }
  const { run, warnings: found } = startRun();
  log(toWriter(run));
  await run.end();
  return { directory: run.paths.tensorboard, warnings: found.map(({ code }) => code) };
}

function toWriter(run: Run): Parameters<Parameters<typeof withLog>[1]>[0] {
  return {
    addImage: (tag, image, step) => run.logImage(tag, image, { step }),
    addHistogram: (tag, values, step) => run.logHistogram(tag, values, { step }),
    addScalar: (tag, value, step) => run.logMetric(tag, value, { step }),
    addScalars: (tag, values, step) =>
      run.logMetrics(
        Object.fromEntries(Object.entries(values).map(([name, value]) => [`${tag}/${name}`, value])),
        { step },
      ),
    addAudio: (tag, audio, step) => run.logAudio(tag, audio, { step }),
  };
}

describe.each(CLASSES)('%s', (kind) => {
  it.each(Object.entries(IMAGES))('shows the pixels of an image: %s', async (_, [create, expected]) => {
    const { directory, warnings } = await withLog(kind, (log) => log.addImage('image', create(), 2));

    expect(imagesOf(directory, 'image')).toEqual([expected]);
    expect(warnings).toEqual([]);
  });

  it('counts the values of a tensor in a histogram as those of an array', async () => {
    const normal = tf.randomNormal([20, 10], 0, 1, 'float32', 7);
    const values = await normal.data();
    const wide = BigInt64Array.of(1n, 2n ** 40n, -5n);

    const { directory } = await withLog(kind, (log) => {
      log.addHistogram('array', values, 0);
      log.addHistogram('tfjs', normal, 0);
      log.addHistogram('onnx', new OnnxTensor('float32', values, [20, 10]), 0);
      log.addHistogram('int64', new OnnxTensor('int64', wide, [3]), 0);
      log.addHistogram('numbers', [1, 2 ** 40, -5], 0);
      log.addHistogram('bool', tf.tensor([true, false, true], [3], 'bool'), 0);
      log.addHistogram('bits', [1, 0, 1], 0);
      log.addHistogram('half', new OnnxTensor('float16', Uint16Array.from(HALVES), [3]), 0);
      log.addHistogram('halves', [0, 0.5, 1], 0);
    });

    const histogramOf = (tag: string) => decodedOf(directory, tag)[0]?.value;
    expect(histogramOf('array')).toMatchObject({ kind: 'histogram' });
    expect(histogramOf('tfjs')).toEqual(histogramOf('array'));
    expect(histogramOf('onnx')).toEqual(histogramOf('array'));
    expect(histogramOf('int64')).toEqual(histogramOf('numbers'));
    expect(histogramOf('bool')).toEqual(histogramOf('bits'));
    expect(histogramOf('half')).toEqual(histogramOf('halves'));
  });

  it('logs tensors of one value as metrics', async () => {
    const { directory } = await withLog(kind, (log) => {
      log.addScalar('tfjs', tf.scalar(0.25), 0);
      log.addScalar('tfjs', tf.tensor([[3]], [1, 1], 'int32'), 1);
      log.addScalar('tfjs', tf.scalar(true, 'bool'), 2);
      log.addScalar('onnx', new OnnxTensor('float32', [0.5], []), 0);
      log.addScalar('onnx', new OnnxTensor('int64', [7n], [1]), 1);
      log.addScalar('onnx', new OnnxTensor('float16', Uint16Array.of(0x3800), [1]), 2);
      log.addScalars('all', { a: tf.scalar(1), b: 2, c: new OnnxTensor('float64', [3], [1]) }, 4);
    });

    const pointsOf = (tag: string) =>
      decodedOf(directory, tag).map(({ step, value }) => [
        step,
        value.kind === 'scalar' ? value.value : value,
      ]);
    expect(pointsOf('tfjs')).toEqual([
      [0, 0.25],
      [1, 3],
      [2, 1],
    ]);
    expect(pointsOf('onnx')).toEqual([
      [0, 0.5],
      [1, 7],
      [2, 0.5],
    ]);
    expect(['a', 'b', 'c'].map((name) => pointsOf(`all/${name}`))).toEqual([[[4, 1]], [[4, 2]], [[4, 3]]]);
  });

  it('logs samples of a tensor, with channels first or last, as those of an array', async () => {
    const left = Float32Array.from({ length: 50 }, (_, i) => Math.sin(i));
    const right = left.map((sample) => -sample);
    const frames = Float32Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? left : right)[i >> 1]!);
    const planes = [...left, ...right];

    const { directory } = await withLog(kind, (log) => {
      const sampleRateHz = 8000;
      log.addAudio('array', { samples: frames, channels: 2, sampleRateHz }, 0);
      log.addAudio('last', { samples: tf.tensor(frames, [50, 2]), sampleRateHz }, 0);
      log.addAudio('first', { samples: new OnnxTensor('float32', planes, [1, 2, 50]), sampleRateHz }, 0);
      log.addAudio('mono', { samples: left, sampleRateHz }, 0);
      log.addAudio('speech', { samples: tf.tensor(left.slice(), [1, 1, 50]), sampleRateHz }, 0);
      log.addAudio(
        'list',
        [
          { samples: tf.tensor(left.slice()), sampleRateHz },
          { samples: left, sampleRateHz },
        ],
        0,
      );
      // The arrays of a call are copied, also beside a tensor that is still being read.
      left.fill(0);
    });

    const clipsOf = (tag: string) => decodedOf(directory, tag).map(({ value }) => value);
    expect(clipsOf('last')).toEqual(clipsOf('array'));
    expect(clipsOf('first')).toEqual(clipsOf('array'));
    expect(clipsOf('mono')).toEqual(clipsOf('speech'));
    const [mono] = clipsOf('mono');
    if (mono?.kind !== 'audio') throw new Error('no clip');
    expect(clipsOf('list')).toMatchObject([{ clips: [...mono.clips, ...mono.clips] }]);
  });
});

/** A tensor that arrives when the test says so, as from a GPU. */
class SlowTensor {
  readonly shape: readonly number[];
  readonly dtype = 'float32';
  isDisposed = false;
  readonly calls: string[] = [];
  arrive: () => void = () => undefined;
  fail: (error: Error) => void = () => undefined;
  readonly #values: Float32Array;

  constructor(values: readonly number[], shape: readonly number[] = [values.length]) {
    this.#values = Float32Array.from(values);
    this.shape = shape;
  }

  data(): Promise<Float32Array> {
    this.calls.push('data');
    return new Promise((resolve, reject) => {
      this.arrive = () => resolve(this.#values);
      this.fail = reject;
    });
  }

  dataSync(): Float32Array {
    this.calls.push('dataSync');
    if (this.isDisposed) throw new Error('Tensor is disposed.');
    return this.#values;
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

function stepsOf(directory: string, tag: string): unknown[] {
  return decodedOf(directory, tag).map(({ step, value }) =>
    value.kind === 'scalar' ? [step, value.value] : [step, value.kind],
  );
}

describe('a tensor that has to be read first', () => {
  it('is read in the call and not kept: it may be disposed right after it', async () => {
    const { run, warnings } = startRun();
    const before = tf.memory().numTensors;

    tf.tidy(() => {
      const loss = tf.scalar(0.5);
      run.logMetric('loss', loss, 0);
      run.logHistogram('weights', tf.tensor([1, 2, 3]), 0);
      run.logImage('image', tf.tensor(FRACTIONS, HWC), 0);
    });
    const slow = new SlowTensor([7]);
    run.logMetric('slow', slow as Tensor, 0);
    slow.dispose();
    slow.arrive();
    await run.end();

    expect(tf.memory().numTensors).toBe(before);
    expect(slow.calls).toEqual(['data']);
    expect(stepsOf(run.paths.tensorboard, 'loss')).toEqual([[0, 0.5]]);
    expect(stepsOf(run.paths.tensorboard, 'slow')).toEqual([[0, 7]]);
    expect(stepsOf(run.paths.tensorboard, 'weights')).toEqual([[0, 'histogram']]);
    expect(imagesOf(run.paths.tensorboard, 'image')).toEqual([RGB_SHOWN]);
    expect(warnings).toEqual([]);
  });

  it('keeps its place among the values of its name, and its step and time are those of the call', async () => {
    const { run } = startRun();
    const [first, second] = [new SlowTensor([1]), new SlowTensor([3])];

    run.logMetric('loss', first as Tensor);
    run.logMetric('loss', 2);
    run.logMetrics({ loss: second as Tensor, other: 9 });
    run.logMetric('loss', 4);
    run.logMetricSeries('loss', [7, 8], [5, 6]);
    run.logMetrics({ loss: 7, other: 10 });
    run.logMetric('unrelated', 1);
    await new Promise(setImmediate);
    expect(run.diagnostics).toEqual({});
    second.arrive();
    await new Promise(setImmediate);
    const called = Date.now() / 1000;
    first.arrive();
    await run.end();

    const directory = run.paths.tensorboard;
    expect(stepsOf(directory, 'loss')).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [7, 5],
      [8, 6],
      [9, 7],
    ]);
    expect(stepsOf(directory, 'other')).toEqual([
      [2, 9],
      [9, 10],
    ]);
    const times = decodedOf(directory, 'loss').map(({ wallTime }) => wallTime);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(Math.max(...times)).toBeLessThanOrEqual(called);
    expect(readRunFile(run.paths.run).outputs).toMatchObject({ loss: 7, other: 10 });
  });

  it('is awaited by flush and end, which write what arrives', async () => {
    const { run } = startRun();
    const slow = new SlowTensor([1, 2, 3, 4], [2, 2]);
    run.logImage('image', slow as Tensor);
    let isFlushed = false;

    const flushed = run.flush().then(() => {
      isFlushed = true;
    });
    await new Promise(setImmediate);
    expect(isFlushed).toBe(false);
    slow.arrive();
    await flushed;

    expect(imagesOf(run.paths.tensorboard, 'image')).toMatchObject([
      { width: 2, height: 2, pixels: [1, 2, 3, 4] },
    ]);
    await run.end();
  });

  it('is not read if its event is sampled out', async () => {
    const { run } = startRun({ filter: ({ step }) => Number(step) % 2 === 0 });
    const tensors = [new SlowTensor([0]), new SlowTensor([1]), new SlowTensor([2])];

    for (const tensor of tensors) run.logMetric('loss', tensor as Tensor);
    for (const tensor of tensors) tensor.arrive();
    await run.end();

    expect(tensors.map(({ calls }) => calls)).toEqual([['data'], [], ['data']]);
    expect(stepsOf(run.paths.tensorboard, 'loss')).toEqual([
      [0, 0],
      [2, 2],
    ]);
  });

  it('is read synchronously only if it cannot be read otherwise; the event of one that is lost causes a warning', async () => {
    const { run, warnings, errors } = startRun();
    const [kept, disposed] = [new SlowTensor([1]), new SlowTensor([2])];

    run.logMetric('kept', kept as Tensor);
    run.logMetric('lost', disposed as Tensor);
    disposed.dispose();
    kept.fail(new Error('the device was lost'));
    disposed.fail(new Error('the device was lost'));
    run.logMetric('after', 3);
    await run.end();

    expect(stepsOf(run.paths.tensorboard, 'kept')).toEqual([[0, 1]]);
    expect(stepsOf(run.paths.tensorboard, 'lost')).toEqual([]);
    expect(stepsOf(run.paths.tensorboard, 'after')).toEqual([[0, 3]]);
    expect(warnings).toEqual([
      { code: 'WARN_TENSOR_UNREAD', message: 'lost: the tensor could not be read: Tensor is disposed.' },
    ]);
    expect(errors).toEqual([]);
  });

  it('is read synchronously when the process exits, unless it is disposed', async () => {
    const directory = createTempDir();
    const child = spawnScript(
      'SummaryWriter',
      `const tensor = (value) => ({
         shape: [], dtype: 'float32', isDisposed: false,
         data: () => Promise.resolve([value]),
         dataSync() { if (this.isDisposed) throw new Error('disposed'); return [value]; },
       });
       const writer = new SummaryWriter(${JSON.stringify(directory)}, { onWarning: ({ code }) => console.log(code) });
       const [kept, lost] = [tensor(1), tensor(2)];
       writer.addScalar('kept', kept, 0);
       writer.addScalar('lost', lost, 0);
       lost.isDisposed = true;
       process.exit(0);`,
    );
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += chunk;
    });
    await once(child, 'close');

    expect(output).toBe('WARN_TENSOR_UNREAD\n');
    expect(stepsOf(directory, 'kept')).toEqual([[0, 1]]);
    expect(stepsOf(directory, 'lost')).toEqual([]);
  });

  it('does not let waiting values exceed the memory for them', async () => {
    const { run, warnings } = startRun({ maxQueueBytes: 4096 });
    const tensors = Array.from({ length: 20 }, (_, i) => new SlowTensor([i]));

    for (const tensor of tensors) run.logMetric('loss', tensor as Tensor);
    for (const tensor of tensors) tensor.arrive();
    await run.end();

    expect(stepsOf(run.paths.tensorboard, 'loss')).toEqual(tensors.map((_, i) => [i, i]));
    expect(tensors.flatMap(({ calls }) => calls)).toContain('dataSync');
    expect(tensors[0]!.calls[0]).toBe('data');
    expect(warnings).toEqual([]);
  });

  it.each(['wrong number of values', 'not an array'])(
    'of %s is reported and leaves the run intact',
    async (what) => {
      const { run, warnings } = startRun();
      const tensor = {
        shape: [2],
        dtype: 'float32',
        isDisposed: false,
        data: async () => (what === 'not an array' ? 'text' : [1, 2, 3]),
        dataSync: () => null,
      };

      run.logHistogram('weights', tensor);
      await run.end();

      expect(run.status).toBe('succeeded');
      expect(warnings.map(({ code, message }) => `${code} ${message}`)).toEqual([
        expect.stringMatching(/^WARN_CALL_REJECTED ERR_TENSOR_INVALID/),
      ]);
      expect(readValues(run.paths.tensorboard)).toEqual([]);
    },
  );
});

describe('a tensor', () => {
  it.each<[string, string, (run: Run) => unknown]>([
    ['a disposed tensor of TensorFlow.js', 'ERR_TENSOR_INVALID', (run) => run.logMetric('x', disposedTf())],
    [
      'a disposed tensor of onnxruntime',
      'ERR_TENSOR_INVALID',
      (run) => run.logHistogram('x', disposedOnnx()),
    ],
    ['strings', 'ERR_TENSOR_INVALID', (run) => run.logHistogram('x', tf.tensor(['a']) as never)],
    ['complex numbers', 'ERR_TENSOR_INVALID', (run) => run.logHistogram('x', tf.complex([1], [2]))],
    [
      'strings of onnxruntime',
      'ERR_TENSOR_INVALID',
      (run) => run.logHistogram('x', new OnnxTensor('string', ['a'], [1])),
    ],
    ['too few values', 'ERR_TENSOR_INVALID', (run) => run.logHistogram('x', { data: [1, 2], shape: [3] })],
    [
      'a shape that is no list',
      'ERR_TENSOR_INVALID',
      (run) => run.logHistogram('x', { data: [1], shape: 1 } as never),
    ],
    ['two values as a metric', 'ERR_SCALAR_INVALID', (run) => run.logMetric('x', tf.tensor([1, 2]))],
    ['no values as a metric', 'ERR_SCALAR_INVALID', (run) => run.logMetrics({ x: tf.tensor([]) })],
    ['one dimension as an image', 'ERR_IMAGE_INVALID', (run) => run.logImage('x', tf.tensor([1, 2]))],
    ['too many channels', 'ERR_IMAGE_INVALID', (run) => run.logImage('x', tf.zeros([5, 6, 7]))],
    ['an empty image', 'ERR_IMAGE_INVALID', (run) => run.logImage('x', tf.zeros([0, 6, 3]))],
    [
      'another number of dimensions than its format',
      'ERR_IMAGE_INVALID',
      (run) => run.logImage('x', { pixels: tf.zeros([4, 4]), dataFormat: 'CHW' }),
    ],
    [
      'an unknown format',
      'ERR_IMAGE_INVALID',
      (run) => run.logImage('x', { pixels: tf.zeros([4, 4]), dataFormat: 'WH' as never }),
    ],
    ['two images in a list', 'ERR_IMAGE_INVALID', (run) => run.logImage('x', [tf.zeros([2, 4, 4, 3])])],
    [
      'two images with boxes',
      'ERR_IMAGE_INVALID',
      (run) => run.logImageWithBoxes('x', tf.zeros([2, 4, 4, 3]), []),
    ],
    ['audio without a rate', 'ERR_AUDIO_INVALID', (run) => run.logAudio('x', tf.zeros([4]) as never)],
    [
      'audio of integers',
      'ERR_AUDIO_INVALID',
      (run) => run.logAudio('x', { samples: tf.zeros([4], 'int32'), sampleRateHz: 8000 }),
    ],
    [
      'audio of three dimensions',
      'ERR_AUDIO_INVALID',
      (run) => run.logAudio('x', { samples: tf.zeros([2, 3, 4]), sampleRateHz: 8000 }),
    ],
    [
      'audio of other channels',
      'ERR_AUDIO_INVALID',
      (run) => run.logAudio('x', { samples: tf.zeros([4, 2]), channels: 1, sampleRateHz: 8000 }),
    ],
  ])('is rejected in the call: %s', (_, code, call) => {
    const { run } = startRun();

    expect(() => call(run)).toThrow(expect.objectContaining({ code }));
  });

  it.each<[string, () => Tensor, Partial<Shown>]>([
    ['tfjs [2, 2, 3]: last', () => tf.zeros([2, 2, 3]), { height: 2, width: 2, channels: 3 }],
    [
      'tfjs [3, 2, 2]: first, as 2 is no likely number',
      () => tf.zeros([3, 2, 2]),
      { height: 2, width: 2, channels: 3 },
    ],
    ['tfjs [1, 2, 2, 1]: last', () => tf.zeros([1, 2, 2, 1]), { height: 2, width: 2, channels: 1 }],
    ['tfjs [3, 5, 3]: last', () => tf.zeros([3, 5, 3]), { height: 3, width: 5, channels: 3 }],
    [
      'onnx [2, 2, 3]: last, as 2 is no likely number',
      () => zerosOf([2, 2, 3]),
      { height: 2, width: 2, channels: 3 },
    ],
    ['onnx [1, 3, 2, 2]: first', () => zerosOf([1, 3, 2, 2]), { height: 2, width: 2, channels: 3 }],
    ['onnx [3, 5, 3]: first', () => zerosOf([3, 5, 3]), { height: 5, width: 3, channels: 3 }],
    ['onnx [3, 4, 4]: first', () => zerosOf([3, 4, 4]), { height: 4, width: 4, channels: 3 }],
    ['onnx [1, 4, 4]: first', () => zerosOf([1, 4, 4]), { height: 4, width: 4, channels: 1 }],
  ])('has its channels in the likely dimension: %s', async (_, create, expected) => {
    const { run } = startRun();
    run.logImage('image', create());
    await run.end();

    expect(imagesOf(run.paths.tensorboard, 'image')).toMatchObject([expected]);
  });

  it('of several images is a grid with Run, and several images with addImages', async () => {
    const { run: log } = startRun();
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    const batch = tf.stack([
      tf.tensor(Array.from(RGB), HWC, 'int32'),
      tf.tensor(Array.from(RGB), HWC, 'int32'),
    ]);

    log.logImage('batch', batch);
    log.logImage('list', [tf.slice(batch, [0], [1]), { pixels: RGB, height: HEIGHT, width: WIDTH }]);
    writer.addImages('batch', batch);
    writer.addImages('one', tf.tensor(Array.from(RGB), HWC, 'int32'));
    await Promise.all([log.end(), writer.close()]);

    expect(imagesOf(log.paths.tensorboard, 'batch')).toMatchObject([{ width: 2 * WIDTH, height: HEIGHT }]);
    expect(imagesOf(log.paths.tensorboard, 'list')).toEqual([RGB_SHOWN, RGB_SHOWN]);
    expect(imagesOf(directory, 'batch')).toEqual([RGB_SHOWN, RGB_SHOWN]);
    expect(imagesOf(directory, 'one')).toEqual([RGB_SHOWN]);
  });

  it('can have boxes drawn on it, and be resized', async () => {
    const { run: log } = startRun();
    const pixels = { pixels: RGB, height: HEIGHT, width: WIDTH };
    const tensor = tf.tensor(Array.from(RGB), HWC, 'int32');
    log.logImageWithBoxes('boxes', pixels, [[1, 1, 3, 3]], { rescale: 2 });
    log.logImageWithBoxes('boxes of a tensor', tensor, [[1, 1, 3, 3]], { rescale: 2 });
    await log.end();

    const [expected] = imagesOf(log.paths.tensorboard, 'boxes');
    expect(expected).toMatchObject({ width: 2 * WIDTH });
    expect(imagesOf(log.paths.tensorboard, 'boxes of a tensor')).toEqual([expected]);
  });
});

function disposedTf(): tf.Tensor {
  const tensor = tf.scalar(1);
  tensor.dispose();
  return tensor;
}

function disposedOnnx(): OnnxTensor {
  const tensor = new OnnxTensor('float32', [1], [1]);
  tensor.dispose();
  return tensor;
}

function zerosOf(dims: readonly number[]): OnnxTensor {
  const size = dims.reduce((product, length) => product * length, 1);
  return new OnnxTensor('float32', new Float32Array(size), dims);
}
