/** The events that readers must find after the calls in `all-calls.ts`: at least one of every kind. */

import { at, METRIC_VALUES, NOISE } from './all-calls.js';

export interface ExpectedRow {
  readonly step: number | null;
  /** ISO 8601 with six fractional digits. */
  readonly timestamp: string;
  /** A number for `metric`, text for `text` and `html`, and the parsed JSON for other kinds. */
  readonly value: unknown;
}

function row(step: number, value: unknown): ExpectedRow {
  return { step, timestamp: at(step).timestamp!, value };
}

/** The expected rows, by `kind/name`. */
export const EXPECTED_EVENTS: Readonly<Record<string, readonly ExpectedRow[]>> = {
  'metric/train__loss': METRIC_VALUES.map((value, step) => row(step, value)),
  'metric/noise': NOISE.map((value, step) => row(step, value)),
  'metric/Loss-emile': [row(0, 0)],
  'metric/val__acc': [row(1, 1)],
  'metric/a-b': [row(2, 2)],
  'metric/lr-group-0': [row(3, 3)],
  'metric/x-y': [row(4, 4)],
  'metric/loss1': [row(5, 5)],
  'metric/epochs__ete': [row(6, 6)],
  'metric/batch_loss': [row(0, 0), row(1, 1 / 3)],
  'metric/batch_accuracy': [row(0, 1), row(1, 1 - 1 / 3)],
  'metric/negative-step': [{ ...row(0, 1), step: -1 }],
  'metric/steps': [3, 1, 3].map((step, i) => ({ ...row(i, i), step })),
  'curve/roc': [row(1, { kind: 'roc', x: [0, 0.5, 1], y: [0, 0.9, 1], annotation: '0.86' })],
  'curve/pr': [row(1, { kind: 'pr', x: [1, 0.5], y: [0, 1], annotation: '0.75' })],
  'curve/curve': [row(1, { kind: 'custom', x: [1e-7, 0.5, 1e16], y: [1, null, 3], annotation: 'größe=1' })],
  'curve/curve-with-bar': [row(1, { kind: 'custom', x: [0, 1], y: [1, 0], annotation: 'a|b' })],
  'confusion/confusion': [
    row(1, {
      x: ['a', 'ß'],
      y: ['a', 'ß'],
      z: [
        [3, 1],
        [0, 4.5],
      ],
    }),
  ],
  'image/rgb': [row(1, { height: 2, width: 3, colorspace: 3, path: 'assets/image/rgb_1.png' })],
  'video/frames': [
    row(1, { height: 4, width: 4, colorspace: 3, path: 'assets/video/frames_1.gif', content_type: 'gif' }),
  ],
  'video/clip': [row(1, { path: 'assets/video/clip_1.mp4', content_type: 'mp4' })],
  'audio/tone': [
    row(1, {
      sample_rate: 8000,
      num_channels: 1,
      length_frames: 8,
      path: 'assets/audio/tone_1.wav',
      content_type: 'audio/wav',
    }),
  ],
  'text/text': [row(1, 'héllo "x" | y\nz\t\u0001 \u{1f600}'), row(2, 'again')],
  'html/page': [row(1, '<b class="x">é</b>')],
  'histogram/counted': [row(1, { values: [3, 5], counts: [0, 0.5, 1] })],
  'dataframe/frame': [row(1, { path: 'assets/dataframe/frame_1.csv', content_type: 'csv' })],
  'chart/vega': [row(1, { kind: 'vega', figure: { mark: 'bar', data: { values: [{ a: 'é', b: 28 }] } } })],
  'chart/bokeh': [
    row(1, { kind: 'bokeh', figure: { target_id: 'p1', doc: { roots: [{ id: 'é', x: 0.5 }] } } }),
  ],
  'span/ask': [
    row(1, {
      uuid: '7df9e651eee441ed9d03846f3bbbecdf',
      name: 'ask',
      tags: ['x'],
      started_at: '2024-01-02T03:04:05.100000+00:00',
      finished_at: '2024-01-02T03:04:05.200000+00:00',
      status: 'succeeded',
      metadata: { tokens: 3 },
      inputs: { prompt: 'é|"' },
      outputs: { answer: 'ok' },
      children: [{ name: 'search', kind: 'tool' }],
      kind: 'llm',
    }),
  ],
  'model/net': [row(5, { framework: 'onnx', path: 'assets/model/net_5.onnx.zip', spec: { layers: 3 } })],
  'file/notes': [row(5, { kind: 'file', path: 'assets/file/notes_5.txt' })],
  'csv/table': [row(5, { kind: 'csv', path: 'assets/csv/table_5.csv' })],
};

/** Kinds whose value is plain text. */
const TEXT_KINDS = new Set(['text', 'html']);

/** Parses a value of a reader: a metric as Python prints it, plain text, or JSON text. */
export function parseValue(kind: string, text: string | null): unknown {
  if (text === null || TEXT_KINDS.has(kind)) return text;
  if (kind === 'metric') return Number(text.replace('inf', 'Infinity').replace('nan', 'NaN'));
  return JSON.parse(text);
}
