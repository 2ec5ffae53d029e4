/** The summaries equal, byte for byte, those that TensorBoard's own protobuf classes serialize for the same data. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeEvent, joinPieces } from '../../src/format/wire/encode-event.js';
import type { SummaryValue } from '../../src/format/wire/messages.js';
import { createAudioEncoding } from '../../src/summary/audio.js';
import { createLayoutValue } from '../../src/summary/custom-scalars.js';
import { createHistogramRows, createHistogramValue } from '../../src/summary/histogram.js';
import {
  createExperimentValue,
  createSessionEndValue,
  createSessionStartValue,
  type HParamDomain,
  type HParamValue,
} from '../../src/summary/hparams.js';
import { createImageEncoding } from '../../src/summary/image.js';
import { createMeshValues, type Triples } from '../../src/summary/mesh.js';
import { createPrCurveValue, type PrCurveCounts } from '../../src/summary/pr-curve.js';
import { createTextValue, type TextInput } from '../../src/summary/text.js';

interface GoldenInput {
  readonly kind: string;
  readonly wallTime: number;
  readonly step: string;
  readonly encoding?: string;
  readonly form?: string;
  readonly tag: string;
  readonly [key: string]: unknown;
}

interface GoldenCase {
  readonly name: string;
  readonly input: GoldenInput;
  readonly eventHex: string;
}

const path = new URL('../../fixtures/golden/events.json', import.meta.url);
const golden = JSON.parse(readFileSync(path, 'utf8')) as GoldenCase[];

/** How the builders are called for each kind of input. */
const BUILDERS: Record<string, (input: GoldenInput) => readonly SummaryValue[]> = {
  image: ({ tag, encodedBase64, displayName, description }) => [
    createImageEncoding(tag, toBlobs(encodedBase64), {
      displayName: (displayName as string) || undefined,
      description: (description as string) || undefined,
    }).now(),
  ],
  audio: ({ tag, encodedBase64 }) => [createAudioEncoding(tag, toBlobs(encodedBase64)).now()],
  histogram: ({ tag, rows }) => {
    const table = rows as [number, number, number][];
    const edges = table.length === 0 ? [0] : [...table.map((row) => row[0]), table.at(-1)![1]];
    const { rows: built } = createHistogramRows({ edges, counts: table.map((row) => row[2]) });
    return [createHistogramValue(tag, built)];
  },
  text: ({ tag, shape, texts }) => {
    const cells = texts as string[];
    const [rows = 0, columns = 0] = shape as number[];
    const table = Array.from({ length: rows }, (_, i) => cells.slice(i * columns, (i + 1) * columns));
    const rank = (shape as number[]).length;
    const text: TextInput = rank === 0 ? cells[0]! : rank === 1 ? cells : table;
    return [createTextValue(tag, text)];
  },
  prCurve: (input) => [createPrCurveValue(input.tag, input as unknown as PrCurveCounts)],
  mesh: ({ tag, config, vertex, face, color }) =>
    createMeshValues(tag, {
      vertices: vertex as Triples,
      faces: face as Triples | undefined,
      colors: color as Triples | undefined,
      config: JSON.parse(config as string) as Record<string, unknown>,
    }),
  hparams: (input) => [toHParams(input.pluginData as Record<string, Record<string, unknown>>)],
};

function toBlobs(encodedBase64: unknown): Uint8Array[] {
  return (encodedBase64 as string[]).map((text) => Buffer.from(text, 'base64'));
}

const HPARAM_TYPES: Record<string, 'number' | 'string' | 'boolean'> = {
  DATA_TYPE_FLOAT64: 'number',
  DATA_TYPE_STRING: 'string',
  DATA_TYPE_BOOL: 'boolean',
};

interface JsonHParam {
  readonly name: string;
  readonly displayName?: string;
  readonly description?: string;
  readonly type: string;
  readonly domainDiscrete?: HParamValue[];
  readonly domainInterval?: { readonly minValue: number; readonly maxValue: number };
}

interface JsonMetric {
  readonly name: { readonly group?: string; readonly tag: string };
  readonly displayName?: string;
  readonly description?: string;
  readonly datasetType: string;
}

function toHParams(data: Record<string, Record<string, unknown>>): SummaryValue {
  const { experiment, session_start_info: start, session_end_info: end } = data;
  if (start !== undefined) {
    const hparams = (start.hparams ?? {}) as Record<string, HParamValue>;
    return createSessionStartValue(hparams, (start.startTimeSecs as number) ?? 0, start);
  }
  if (end !== undefined) {
    const outcomes = { STATUS_SUCCESS: 'success', STATUS_FAILURE: 'failure' } as const;
    const outcome = outcomes[end.status as keyof typeof outcomes] ?? 'unknown';
    return createSessionEndValue(outcome, end.endTimeSecs as number);
  }
  if (experiment === undefined) throw new Error('no case has other data');
  return createExperimentValue(
    {
      ...experiment,
      hparams: (experiment.hparamInfos as JsonHParam[]).map((info) => ({
        ...info,
        type: HPARAM_TYPES[info.type],
        domain: toDomain(info),
      })),
      metrics: (experiment.metricInfos as JsonMetric[]).map(({ name, datasetType, ...info }) => ({
        ...info,
        ...name,
        dataset: datasetType === 'DATASET_TRAINING' ? 'training' : 'validation',
      })),
    },
    experiment.timeCreatedSecs as number,
  );
}

function toDomain({ domainDiscrete, domainInterval }: JsonHParam): HParamDomain | undefined {
  if (domainInterval !== undefined) return { min: domainInterval.minValue, max: domainInterval.maxValue };
  return domainDiscrete;
}

/** Cases that the API deliberately does not produce, each with the reason. */
const NOT_MADE = new Map([
  ['image/none', 'a value without images shows nothing, so the API rejects it'],
  ['hparams/session-end-running', 'the dashboard would show RUNNING forever'],
  ['hparams/session-end-running/metadata-only', 'the dashboard would show RUNNING forever'],
]);

const cases = golden.filter(
  ({ name, input }) =>
    input.kind in BUILDERS &&
    input.encoding !== 'tensor_content' &&
    input.form !== 'metadata_only' &&
    !NOT_MADE.has(name),
);

describe('summaries', () => {
  it('are compared for every kind with a builder', () => {
    expect(new Set(cases.map(({ input }) => input.kind))).toEqual(new Set(Object.keys(BUILDERS)));
    expect(cases.length).toBeGreaterThan(25);
  });

  it.each(cases)('$name', ({ input, eventHex }) => {
    const values = BUILDERS[input.kind]!(input);

    const what = { kind: 'summary' as const, values };
    const event = encodeEvent({ wallTime: input.wallTime, step: Number(input.step), what });
    expect(Buffer.from(joinPieces(event)).toString('hex')).toBe(eventHex);
  });

  it('custom-scalars/layout, except for its chart without content', () => {
    const { eventHex } = golden.find(({ name }) => name === 'custom-scalars/layout')!;
    const value = createLayoutValue([
      {
        title: 'quality',
        charts: [
          { title: 'losses', multiline: ['loss/train', 'loss/val.*'] },
          {
            title: 'band',
            margin: [
              { value: 'mean', lower: 'low', upper: 'high' },
              { value: 'm2', lower: 'l2', upper: 'h2' },
            ],
          },
        ],
      },
    ]);

    const tensor = value.value?.kind === 'tensor' ? value.value.tensor : undefined;
    const layoutHex = Buffer.from(tensor!.stringVal![0]!).toString('hex');
    expect(eventHex).toContain(layoutHex);
  });
});
