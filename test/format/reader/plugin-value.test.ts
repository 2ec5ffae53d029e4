/** Compares typed values of every plugin with the original inputs, for files of third-party writers and golden bytes. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type DecodedValue,
  decodeValue,
  type HParamsData,
  type SummaryValue,
  TagIndex,
} from '../../../src/format/index.js';
import { DataType } from '../../../src/format/wire/messages.js';
import { FIXTURES, listExpectedFiles } from '../../support/expected-runs.js';
import { readFileEvents } from '../../support/read-file.js';

type Json = Record<string, unknown>;
interface Blob {
  readonly sha256: string;
}

interface ExpectedValue {
  readonly tag: string;
  readonly simpleValue?: number | string;
  readonly tensor?: {
    readonly dtype: string;
    readonly shape: number[];
    readonly values: (number | string | Blob)[];
  };
  readonly image?: { readonly height: number; readonly width: number; readonly encoded: Blob };
  readonly audio?: { readonly encoded: Blob };
  readonly histo?: {
    readonly min: number;
    readonly max: number;
    readonly bucketLimit: number[];
    readonly bucket: number[];
  };
  readonly metadata?: { readonly pluginName: string; readonly pluginData?: Json };
  readonly layout?: { readonly category: Json[] };
}

/** A decoded value in the form of `expected.json`. */
function describeDecoded(value: DecodedValue): unknown {
  const number = (x: number) => (Number.isFinite(x) ? x : String(x));
  switch (value.kind) {
    case 'scalar':
      return number(value.value);
    case 'images':
      return { width: value.width, height: value.height, images: value.images.map(sha256) };
    case 'audio':
      return value.clips.map(({ bytes, label }) => ({
        sha256: sha256(bytes),
        label: label && sha256(Buffer.from(label)),
      }));
    case 'histogram':
      return [...value.rows].map(number);
    case 'text':
      return { shape: value.shape, texts: value.texts.map((text) => sha256(Buffer.from(text))) };
    case 'prCurve':
      return [
        ...value.truePositives,
        ...value.falsePositives,
        ...value.trueNegatives,
        ...value.falseNegatives,
        ...value.precision,
        ...value.recall,
      ];
    case 'mesh':
      return {
        name: value.name,
        part: value.part.toUpperCase(),
        shape: value.shape,
        values: [...value.values],
      };
    case 'customScalars':
      return value.categories;
    case 'hparams':
      return value.data;
    case 'graph':
      return value.blobs.map(sha256);
    case 'tensor':
      return value.values;
    case 'empty':
      return undefined;
  }
}

/** The expected result of `describeDecoded`. */
function toExpectation(expected: ExpectedValue, plugin: string): unknown {
  const { simpleValue, image, audio, histo, tensor, metadata, layout } = expected;
  if (simpleValue !== undefined) return simpleValue;
  if (image !== undefined)
    return { width: image.width, height: image.height, images: [image.encoded.sha256] };
  if (audio !== undefined) return [{ sha256: audio.encoded.sha256, label: undefined }];
  if (histo !== undefined) return expectHistogram(histo);
  const values = tensor?.values ?? [];
  const hashes = (list: unknown[]) => list.map((item) => (item as Blob).sha256);
  switch (plugin) {
    case 'scalars':
      return values[0];
    case 'images':
      return expect.objectContaining({ images: hashes(values.slice(2)) });
    case 'audio': {
      const all = hashes(values);
      return tensor?.shape.length === 1
        ? all.map((hash) => ({ sha256: hash, label: undefined }))
        : all.flatMap((hash, i) => (i % 2 === 0 ? [{ sha256: hash, label: expectLabel(all[i + 1]!) }] : []));
    }
    case 'text':
      return { shape: tensor?.shape, texts: hashes(values) };
    case 'mesh': {
      const { name, contentType } = (metadata?.pluginData ?? {}) as { name?: string; contentType?: string };
      return { name, part: contentType, shape: tensor?.shape, values };
    }
    case 'custom_scalars':
      return layout?.category.map((category) => expect.objectContaining({ title: category.title }));
    case 'hparams':
      return expect.anything();
    case 'histograms':
    case 'pr_curves':
      return values;
    default:
      return plugin.startsWith('graph') ? hashes(values) : values;
  }
}

const EMPTY_TEXT = sha256(new Uint8Array());

/** Converts a missing label to an empty string. */
function expectLabel(hash: string): string {
  return hash === EMPTY_TEXT ? '' : hash;
}

/** An independent implementation of TensorBoard's rule for rows. */
function expectHistogram({ min, max, bucketLimit, bucket }: NonNullable<ExpectedValue['histo']>): number[] {
  const filled = bucket.flatMap((count, i) => (count > 0 ? [i] : []));
  const [first, last] = [filled[0] ?? 0, filled.at(-1) ?? -1];
  return bucket
    .slice(first, last + 1)
    .flatMap((count, i) => [
      i === 0 ? min : bucketLimit[first + i - 1]!,
      first + i === last ? max : bucketLimit[first + i]!,
      count,
    ]);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('files of third-party writers', () => {
  it.each(listExpectedFiles())('$path', async ({ path, events }) => {
    const index = new TagIndex();
    const read = await readFileEvents(join(FIXTURES, path));

    const found = read.flatMap(({ event: { what } }) =>
      what.kind === 'summary' ? what.values.map((value) => describeDecoded(index.decode(value))) : [],
    );

    const plugins = new Map<string, string>();
    const expected = events.flatMap((event) =>
      ((event.values ?? []) as ExpectedValue[]).map((value) => {
        const plugin = plugins.get(value.tag) ?? value.metadata?.pluginName ?? '';
        plugins.set(value.tag, plugin);
        return toExpectation(value, plugin);
      }),
    );
    expect(found).toEqual(expected);
  });

  it("decodes every column of TensorFlow's HParams", async () => {
    const path = 'tensorflow/hparams/events.out.tfevents.1700000000.fixture.4242.0.v2';
    const read = await readFileEvents(join(FIXTURES, path));

    const data = read.flatMap(({ event: { what } }): HParamsData[] =>
      what.kind === 'summary'
        ? what.values
            .map((value) => decodeValue(value))
            .flatMap((value) => (value.kind === 'hparams' ? [value.data] : []))
        : [],
    );

    expect(data).toMatchObject([
      {
        kind: 'experiment',
        timeCreated: 1_700_000_000,
        hparams: [
          {
            name: 'lr',
            displayName: 'learning rate',
            description: 'of *Adam*',
            type: 'number',
            domain: { min: 1e-4, max: 0.1 },
          },
          { name: 'units', type: 'number', domain: [16, 32] },
          { name: 'optimizer', type: 'string', domain: ['adam', 'sgd'] },
          { name: 'shuffle', type: 'boolean', domain: [false, true] },
          { name: 'layers', type: 'number', domain: { min: 1, max: 4 } },
          { name: 'warm', type: 'unset', domain: undefined },
        ],
        metrics: [
          { group: '', tag: 'accuracy', displayName: 'Accuracy', dataset: 'validation' },
          { group: 'train', tag: 'loss', dataset: 'training' },
        ],
      },
    ]);
  });

  it('decodes a session of tensorboardX and its custom scalars', async () => {
    const session = await readFileEvents(
      join(FIXTURES, 'tensorboardx/hparams/trial-1/events.out.tfevents.1700000000.fixture'),
    );
    const values = session.flatMap(({ event: { what } }) => (what.kind === 'summary' ? what.values : []));
    const decoded = values.map((value) => decodeValue(value)).filter(({ kind }) => kind === 'hparams');

    expect(decoded).toMatchObject([
      { data: { kind: 'experiment' } },
      {
        data: {
          kind: 'sessionStart',
          hparams: { lr: 0.01, optimizer: 'adam', shuffle: true, units: 32, warm: false },
        },
      },
      { data: { kind: 'sessionEnd', status: 'success' } },
    ]);

    const layout = await readFileEvents(
      join(FIXTURES, 'tensorboardx/custom_scalars/events.out.tfevents.1700000000.fixture'),
    );
    const first = layout.flatMap(({ event: { what } }) => (what.kind === 'summary' ? what.values : []))[0]!;
    expect(decodeValue(first)).toMatchObject({
      categories: [
        {
          title: 'quality',
          charts: [
            { title: 'losses', multiline: ['loss/train', 'loss/val.*'] },
            { title: 'band', margin: [{ value: 'mean', lower: 'low', upper: 'high' }] },
          ],
        },
        { title: 'other', charts: [{ title: 'one' }] },
      ],
    });
  });
});

describe('decodeValue', () => {
  const metadata = (pluginName: string, content?: Uint8Array) => ({
    pluginName,
    dataClass: 2 as const,
    ...(content === undefined ? {} : { content }),
  });

  it.each<[string, SummaryValue, DecodedValue]>([
    [
      'a half-precision float',
      {
        tag: 'x',
        metadata: metadata('scalars'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.HALF, shape: [], halfVal: Int32Array.of(0x3555) },
        },
      },
      { kind: 'scalar', value: 0.333251953125 },
    ],
    [
      'a bfloat16',
      {
        tag: 'x',
        metadata: metadata('scalars'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.BFLOAT16, shape: [1], halfVal: Int32Array.of(0xc0a0) },
        },
      },
      { kind: 'scalar', value: -5 },
    ],
    [
      'an int64',
      {
        tag: 'x',
        metadata: metadata('scalars'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.INT64, shape: [], int64Val: BigInt64Array.of(-7n) },
        },
      },
      { kind: 'scalar', value: -7 },
    ],
    [
      'one element that stands for all',
      {
        tag: 'x',
        metadata: metadata('histograms'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.FLOAT, shape: [2, 3], floatVal: Float32Array.of(1) },
        },
      },
      { kind: 'histogram', rows: Float64Array.of(1, 1, 1, 1, 1, 1) },
    ],
    [
      'an unknown plugin',
      {
        tag: 'x',
        metadata: metadata('mine'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.UINT8, shape: [2], tensorContent: Uint8Array.of(1, 255) },
        },
      },
      { kind: 'tensor', dtype: DataType.UINT8, shape: [2], values: [1, 255] },
    ],
    ['metadata without a value', { tag: 'x', metadata: metadata('text') }, { kind: 'empty' }],
  ])('reads %s', (_title, value, expected) => {
    expect(decodeValue(value)).toEqual(expected);
  });

  it.each<[string, SummaryValue]>([
    [
      'fewer values than the shape has',
      {
        tag: 'x',
        metadata: metadata('histograms'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.FLOAT, shape: [2, 3], floatVal: Float32Array.of(1, 2) },
        },
      },
    ],
    [
      'content of the wrong length',
      {
        tag: 'x',
        metadata: metadata('scalars'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.FLOAT, shape: [], tensorContent: Uint8Array.of(1) },
        },
      },
    ],
    [
      'text with invalid UTF-8',
      {
        tag: 'x',
        metadata: metadata('text'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.STRING, shape: [], stringVal: [Uint8Array.of(0xff)] },
        },
      },
    ],
    [
      'a histogram of rank 1',
      {
        tag: 'x',
        metadata: metadata('histograms'),
        value: {
          kind: 'tensor',
          tensor: { dtype: DataType.FLOAT, shape: [3], floatVal: Float32Array.of(1, 2, 3) },
        },
      },
    ],
    [
      'plugin data that cannot be decoded',
      { tag: 'x', metadata: metadata('hparams', Uint8Array.of(0xff)), value: undefined as never },
    ],
  ])('rejects %s', (_title, value) => {
    expect(() => decodeValue(value)).toThrow(expect.objectContaining({ code: 'ERR_VALUE_INVALID' }));
  });
});
