/** Every call of Polyaxon's tracking library for offline runs, with normal values and edge cases. */

import { join } from 'node:path';
import { type Call, call, NdArray, type Timing } from './calls.js';

/** The time of the first event, in seconds since the Unix epoch: 2024-01-02T03:04:05.123456+00:00. */
const START_SECONDS = 1_704_164_645;

/** Returns a step with its own time, half a second after that of the previous step. */
export function at(step: number): Timing {
  const seconds = START_SECONDS + Math.floor(step / 2);
  const micros = String(123_456 + (step % 2) * 500_000).padStart(6, '0');
  const timestamp = `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${micros}+00:00`;
  return { step, timestamp };
}

export const METRIC_VALUES: readonly number[] = [
  ...[0.1, 1e-5, 1e16, 3, 0.1 + 0.2, -0, 0, 1e-4, 1e22, 123_456_789_012_345_680, 5e-324, 1.797e308],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.25],
];

/** Enough values for a meaningful summary. */
export const NOISE: readonly number[] = Array.from(
  { length: 300 },
  (_, i) => Math.sin(i * i) * 10 ** (i % 4),
);

/** Numbers on both sides of the limits at which JSON writers switch to exponents. */
const FLOATS = [
  ...[0, 0.1 + 0.2, 1, 100, 1e15, 1e16, 12_345_678_901_234_568, 1e17, 1e21, 1e22, 1.5e300, 1.797e308],
  ...[1e-3, 1.25e-4, 1e-5, 1.25e-5, 1e-6, 1.25e-6, 1e-7, 1.25e-10, 5e-324],
];

/** Names that Polyaxon changes. */
export const METRIC_NAMES = [
  'Loss: émile',
  'val\\acc',
  'a..b',
  'lr (group 0)',
  '  x y ',
  'loss@1',
  'épochs/été',
];

const LABELS = [0, 0, 1, 1, 0, 1, 1, 0, 1, 0];
const SCORES = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.65, 0.3, 0.5, 0.7];
const CLASSES = [0, 1, 2, 1, 0, 2];
const CLASS_SCORES = [
  ...[0.7, 0.2, 0.1],
  ...[0.1, 0.8, 0.1],
  ...[0.2, 0.2, 0.6],
  ...[0.3, 0.3, 0.4],
  ...[0.5, 0.1, 0.4],
  ...[0.2, 0.5, 0.3],
];

function range(length: number, toValue: (i: number) => number = (i) => i): number[] {
  return Array.from({ length }, (_, i) => toValue(i));
}

/** Returns the calls; `inputs` is the directory with the files of `writeInputFiles`. */
export function allCalls(inputs: string): Call[] {
  const file = (name: string) => join(inputs, name);
  return [
    ...METRIC_VALUES.map((value, i) => call('log_metric', { name: 'train/loss', value }, at(i))),
    ...NOISE.map((value, i) => call('log_metric', { name: 'noise', value }, at(i))),
    ...METRIC_NAMES.map((name, i) => call('log_metric', { name, value: i }, at(i))),
    ...[0, 1].map((step) =>
      call('log_metrics', { batch_loss: step / 3, batch_accuracy: 1 - step / 3 }, at(step)),
    ),
    call('log_metric', { name: 'without time', value: 1 }, { step: 1 }),
    call('log_metric', { name: 'without time', value: 2 }, { step: 2 }),
    call('log_metric', { name: 'without step', value: 1 }, { timestamp: at(0).timestamp! }),
    call('log_metric', { name: 'without step', value: 2 }, { timestamp: at(1).timestamp! }),
    call(
      'log_metric',
      { name: 'whole second', value: 1 },
      { step: 1, timestamp: '2024-01-02T03:04:05+00:00' },
    ),
    call(
      'log_metric',
      { name: 'zone', value: 1 },
      { step: 1, timestamp: '2024-01-02T05:04:05.123456+02:00' },
    ),
    call('log_metric', { name: 'no zone', value: 1 }, { step: 1, timestamp: '2024-01-02T03:04:05.123456' }),
    call('log_metric', { name: 'large step', value: 1 }, { ...at(0), step: 2n ** 53n + 1n }),
    call('log_metric', { name: 'negative step', value: 1 }, { ...at(0), step: -1 }),
    ...[3, 1, 3].map((step, i) => call('log_metric', { name: 'steps', value: i }, { ...at(i), step })),

    call('log_roc_auc_curve', { name: 'roc', fpr: [0, 0.5, 1], tpr: [0, 0.9, 1], auc: 0.86 }, at(1)),
    call('log_roc_auc_curve', { name: 'roc bare', fpr: [0, 1], tpr: [0, 1] }, at(1)),
    call('log_roc_auc_curve', { name: 'roc zero', fpr: [0, 1], tpr: [0, 0], auc: 0 }, at(1)),
    call('log_pr_curve', { name: 'pr', precision: [1, 0.5], recall: [0, 1], average_precision: 0.75 }, at(1)),
    call(
      'log_sklearn_roc_auc_curve',
      { name: 'roc of scores', y_preds: new NdArray([10], SCORES), y_targets: LABELS },
      at(1),
    ),
    call(
      'log_sklearn_roc_auc_curve',
      {
        name: 'roc of classes',
        y_preds: new NdArray([6, 3], CLASS_SCORES),
        y_targets: CLASSES,
        is_multi_class: true,
      },
      at(1),
    ),
    call(
      'log_sklearn_pr_curve',
      { name: 'pr of scores', y_preds: new NdArray([10], SCORES), y_targets: LABELS },
      at(1),
    ),
    call(
      'log_curve',
      { name: 'curve', x: [1e-7, 0.5, 1e16], y: [1, Number.NaN, 3], annotation: 'größe=1' },
      at(1),
    ),
    call('log_curve', { name: 'float forms', x: FLOATS, y: FLOATS.map((value) => 0 - value) }, at(1)),
    call('log_curve', { name: 'negative zero', x: [0, 1], y: [-0, 1] }, at(1)),
    call('log_curve', { name: 'curve with bar', x: [0, 1], y: [1, 0], annotation: 'a|b' }, at(1)),
    call(
      'log_confusion_matrix',
      {
        name: 'confusion',
        x: ['a', 'ß'],
        y: ['a', 'ß'],
        z: [
          [3, 1],
          [0, 4.5],
        ],
      },
      at(1),
    ),

    call(
      'log_image',
      {
        data: new NdArray(
          [2, 3, 3],
          range(18, (i) => i * 14),
          'uint8',
        ),
        name: 'rgb',
        dataformats: 'HWC',
      },
      at(1),
    ),
    call(
      'log_image',
      {
        data: new NdArray(
          [3, 2, 3],
          range(18, (i) => i * 14),
          'uint8',
        ),
        name: 'chw',
      },
      at(2),
    ),
    call(
      'log_image',
      {
        data: new NdArray(
          [2, 3, 1],
          range(6, (i) => i * 40),
          'uint8',
        ),
        name: 'gray',
        dataformats: 'HWC',
      },
      at(1),
    ),
    call(
      'log_image',
      {
        data: new NdArray(
          [2, 3, 3],
          range(18, (i) => i / 17),
        ),
        name: 'fractions',
        dataformats: 'HWC',
      },
      at(1),
    ),
    call(
      'log_image',
      {
        data: new NdArray(
          [4, 4, 3],
          range(48, (i) => i * 5),
          'uint8',
        ),
        name: 'rescaled',
        dataformats: 'HWC',
        rescale: 2,
      },
      at(1),
    ),
    call('log_image', { data: file('photo.v1.png') }, at(1)),
    call(
      'log_image',
      { data: new NdArray([2, 2, 3], range(12), 'uint8'), name: 'image without step', dataformats: 'HWC' },
      { timestamp: at(1).timestamp! },
    ),
    call(
      'log_image_with_boxes',
      {
        tensor_image: new NdArray(
          [8, 8, 3],
          range(192, () => 255),
          'uint8',
        ),
        tensor_boxes: new NdArray([1, 4], [1, 1, 6, 5], 'int64'),
        name: 'boxes',
        dataformats: 'HWC',
      },
      at(1),
    ),
    call(
      'log_video',
      {
        data: new NdArray(
          [1, 2, 3, 4, 4],
          range(96, (i) => i * 2),
          'uint8',
        ),
        name: 'frames',
      },
      at(1),
    ),
    call('log_video', { data: file('clip.mp4') }, at(1)),
    call(
      'log_audio',
      {
        data: new NdArray(
          [8],
          range(8, (i) => Math.sin(i)),
        ),
        name: 'tone',
        sample_rate: 8000,
      },
      at(1),
    ),
    call('log_audio', { data: file('beep.wav') }, at(1)),

    call('log_text', { name: 'text', text: 'héllo "x" | y\nz\t\u0001 \u{1f600}' }, at(1)),
    call('log_text', { name: 'text', text: 'again' }, at(2)),
    call('log_text', { name: 'text without step', text: 'plain' }, { timestamp: at(1).timestamp! }),
    call('log_html', { name: 'page', html: '<b class="x">é</b>' }, at(1)),
    call(
      'log_histogram',
      {
        name: 'hundred',
        values: new NdArray(
          [100],
          range(100, (i) => i / 7),
        ),
        bins: 5,
      },
      at(1),
    ),
    call(
      'log_histogram',
      {
        name: 'auto bins',
        values: new NdArray(
          [100],
          range(100, (i) => Math.sin(i)),
        ),
        bins: 'auto',
      },
      at(1),
    ),
    call('log_np_histogram', { name: 'counted', values: [3, 5], counts: [0, 0.5, 1] }, at(1)),
    call(
      'log_dataframe',
      { df: { a: [1, 2], b: ['x', 'é,"'], c: [0.5, null] }, name: 'frame', content_type: 'csv' },
      at(1),
    ),
    call('log_dataframe', { df: { a: [1, 2] }, name: 'frame page', content_type: 'html' }, at(1)),
    call('log_dataframe', { df: { a: [1, 2] }, name: 'frame by default' }, at(1)),
    call(
      'log_plotly_chart',
      {
        name: 'plotly',
        figure: {
          data: [{ x: ['a', 'é'], y: [1.5, 2], type: 'bar' }],
          layout: { template: { data: { scatter: [{ type: 'scatter' }] } } },
        },
      },
      at(1),
    ),
    call(
      'log_plotly_chart',
      { name: 'plotly by default', figure: { data: [{ y: [1], type: 'bar' }] } },
      at(1),
    ),
    call(
      'log_bokeh_chart',
      { name: 'bokeh', figure: { target_id: 'p1', doc: { roots: [{ id: 'é', x: 0.5 }] } } },
      at(1),
    ),
    call(
      'log_altair_chart',
      { name: 'vega', figure: { mark: 'bar', data: { values: [{ a: 'é', b: 28 }] } } },
      at(1),
    ),

    call(
      'log_trace',
      {
        span: {
          name: 'ask',
          uuid: '7df9e651eee441ed9d03846f3bbbecdf',
          kind: 'llm',
          status: 'succeeded',
          tags: ['x'],
          started_at: '2024-01-02T03:04:05.100000+00:00',
          finished_at: '2024-01-02T03:04:05.200000+00:00',
          metadata: { tokens: 3 },
          inputs: { prompt: 'é|"' },
          outputs: { answer: 'ok' },
          children: [{ name: 'search', kind: 'tool' }],
        },
      },
      at(1),
    ),
    call('log_model', { path: file('net.onnx.zip'), framework: 'onnx', summary: { layers: 3 } }, at(5)),
    call('log_model', {
      path: file('net.onnx.zip'),
      name: 'kept',
      framework: 'onnx',
      summary: { layers: 3 },
    }),
    call('log_model', { path: file('folder'), name: 'folder model', rel_path: 'models' }),
    call('log_artifact', { path: file('notes.txt') }, at(5)),
    call('log_artifact', { path: file('rows.csv'), name: 'table', kind: 'csv' }, at(5)),
    call('log_artifact', { path: file('notes.txt'), name: 'kept notes', summary: { lines: 1 } }),

    call('log_inputs', { lr: 0.1, 'a b': 1, nested: { deep: [1, null, 'é'] }, on: true }),
    call('log_outputs', { accuracy: 0.5, words: ['a'] }),
    call('log_meta', { custom: 'x' }),
    call('log_tags', { tags: ['b', 'c'] }),
    call('log_tags', { tags: 'd,e' }),
    call('set_name', { name: 'renamed' }),
    call('set_description', { description: 'new é' }),
    call('set_readme', { readme: '# Read me' }),
    call('log_progress', { value: 0.5 }),
    call('log_status', { status: 'warning', reason: 'Slow', message: 'slower than usual' }),

    call('log_artifact_ref', { path: file('rows.csv'), kind: 'csv', is_input: true }),
    call('log_data_ref', { name: 'data by hash', hash: 'abc123', summary: { rows: 3 } }),
    call('log_data_ref', { name: 'data by URL', path: 's3://bucket/data' }),
    call('log_file_ref', { path: file('notes.txt'), name: 'notes ref' }),
    call('log_dir_ref', { path: file('folder') }),
    call('log_model_ref', { path: file('net.onnx.zip'), name: 'model ref', framework: 'onnx' }),
    call('log_tensorboard_ref', { path: '/logs/elsewhere', name: 'more boards' }),
    call('log_code_ref', {
      code_ref: { commit: 'c0ffee', branch: 'main', url: 'https://example.org/x.git' },
    }),
  ];
}
