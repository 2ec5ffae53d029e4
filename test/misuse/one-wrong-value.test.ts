/** Calls every method with good arguments of which one value, at any depth, is wrong. */

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CodedError, Run, SummaryWriter } from '../../src/index.js';
import {
  RUN_KINDS,
  RUN_KINDS_FOR_POLYAXON,
  RUN_KINDS_WITHOUT_STEP,
  WRITER_KINDS,
  WRITER_KINDS_WITHOUT_STEP,
} from '../support/logged-kinds.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const directory = createSharedTempDir();
const run = new Run({
  root: directory,
  ...NO_CAPTURE,
  formats: ['tensorboard', 'polyaxon'],
  onWarning: () => undefined,
});
const writer = new SummaryWriter(directory, { onWarning: () => undefined });

afterAll(async () => {
  await run.end();
  await writer.close();
});

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;
const throwing = Object.defineProperty({}, 'x', {
  enumerable: true,
  get: () => {
    throw new Error('of the caller');
  },
});

const WRONG_VALUES: readonly unknown[] = [
  ...[undefined, null, '', 'x', '\0', 0, 5, -1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, 5n, true],
  ...[Symbol('s'), () => 1, cyclic, throwing, Object.create(null), new Proxy({}, {})],
  ...[[], [null], [undefined], [[]], [{}], ['x'], [5n], new Array(3), new Map(), new Set([1]), /x/],
  ...[new Date(Number.NaN), new ArrayBuffer(2), new Float32Array(2), new BigInt64Array(2), new Uint8Array(3)],
  ...[{ length: 3 }, { length: -1 }, { length: 2 ** 40 }, { length: 'x' }, 'x'.repeat(3000)],
];

type Path = readonly (string | number)[];

/** The paths of all values in the arguments, except for the bytes of arrays. */
function* listPaths(value: unknown, path: Path = []): Generator<Path, void, void> {
  if (path.length > 0) yield path;
  const isOpen =
    Array.isArray(value) || (value !== null && Object.getPrototypeOf(value) === Object.prototype);
  if (!isOpen || path.length > 6) return;
  // The first elements stand for all.
  for (const key of Object.keys(value as object).slice(0, 8))
    yield* listPaths((value as Record<string, unknown>)[key], [...path, key]);
}

function replaceAt(value: unknown, [key, ...rest]: Path, wrong: unknown): unknown {
  if (key === undefined) return wrong;
  const copy = Array.isArray(value) ? [...value] : { ...(value as object) };
  (copy as Record<string, unknown>)[key] = replaceAt((value as Record<string, unknown>)[key], rest, wrong);
  return copy;
}

type Log<T> = (target: T, name: string, step: number) => unknown;
type Recorded = readonly [method: string, args: readonly unknown[]];

/** Returns the method that a call uses, and its arguments. */
function record<T>(log: Log<T>): Recorded {
  let recorded: Recorded | undefined;
  const recorder = new Proxy(
    {},
    {
      get:
        (_target, method) =>
        (...args: unknown[]) => {
          recorded = [String(method), args];
        },
    },
  );
  log(recorder as T, 'name', 3);
  return recorded!;
}

function recordAll<T extends object>(target: T, calls: readonly Log<T>[]): [string, readonly unknown[], T][] {
  return calls.map((call) => [...record(call), target]);
}

const LABELS = [0, 1, 0, 1];
const SCORES = [0.1, 0.8, 0.6, 0.9];
const PIXELS = { pixels: new Uint8Array(12 * 12 * 3).fill(90), height: 12, width: 12 };
const BOX = { xMin: 1, yMin: 1, xMax: 8, yMax: 8, label: 'cat', color: [255, 0, 0] } as const;
const EVENT = { step: 3, wallTime: 1.7e9, displayName: 'shown', description: 'text' };

/** Fields and options that the calls of the kinds do not use. */
const WRITER_CALLS: readonly Log<SummaryWriter>[] = [
  (to) => to.addScalar('n', 1, 3, { wallTime: 1.7e9, displayName: 'shown', description: 'text' }),
  (to) =>
    to.addImageWithBoxes('n', PIXELS, [BOX, [1, 2, 3, 4]], 3, {
      labels: ['a', 'b'],
      lineWidth: 2,
    }),
  (to) => to.addPrCurve('n', LABELS, SCORES, 3, { weights: [1, 1, 1, 2], thresholds: 11 }),
  (to) =>
    to.addMesh('n', {
      vertices: [[0, 0, 0]],
      faces: [[0, 0, 0]],
      colors: [[255, 0, 0]],
      config: { camera: {} },
    }),
  (to) =>
    to.addHparams({ lr: 0.1, opt: 'adam', big: true }, { loss: 0.5 }, { groupName: 'g', modelUri: 'm' }),
  (to) =>
    to.addHparamsConfig({
      name: 'n',
      description: 'd',
      user: 'u',
      hparams: [
        { name: 'lr', type: 'number', displayName: 'x', description: 'd', domain: { min: 0, max: 1 } },
        { name: 'opt', domain: ['adam', 'sgd'] },
      ],
      metrics: [{ tag: 'loss', group: 'g', displayName: 'x', description: 'd', dataset: 'training' }],
    }),
  (to) =>
    to.addCustomScalars([
      {
        title: 't',
        charts: [
          { title: 'all', multiline: ['a'] },
          { title: 'm', margin: [{ value: 'a', lower: 'b', upper: 'c' }] },
        ],
      },
    ]),
  (to) =>
    to.addEmbedding('n', {
      vectors: { values: [1, 2, 3, 4], dimensions: 2 },
      metadata: [
        ['a', 'b'],
        ['c', 'd'],
      ],
      metadataHeader: ['x', 'y'],
      images: [
        { pixels: new Uint8Array(4), height: 2, width: 2 },
        { pixels: new Uint8Array(4), height: 2, width: 2 },
      ],
    }),
];
const RUN_CALLS: readonly Log<Run>[] = [
  (to) => to.logMetric('n', 1, EVENT),
  (to) => to.logMetrics({ a: 1, b: 2 }, { step: 3, wallTime: 1.7e9 }),
  (to) => to.log({ loss: 0.5, image: PIXELS, nested: { a: 1 } }, { step: 3, wallTime: 1.7e9 }),
  (to) => to.logPrCurve('n', { labels: LABELS, scores: SCORES }, EVENT),
  (to) =>
    to.logPrCurve('n', {
      labels: LABELS,
      predictions: SCORES,
      weights: [1, 1, 1, 1],
      thresholds: 9,
    }),
  (to) => to.logRocAucCurve('n', { labels: LABELS, scores: SCORES }, EVENT),
  (to) => to.logCurve('n', { x: [1, 2], y: [1, 2], annotation: 'text' }),
  (to) => to.logConfusionMatrix('n', { targets: ['a', 'b'], predictions: ['b', 'a'] }),
  (to) => to.logDataframe('n', { a: [1, 2], b: ['x', 'y'] }),
  (to) => to.logHistogram('n', { edges: [0, 1, 2], counts: [1, 2] }, EVENT),
  (to) =>
    to.logAudio('n', {
      samples: [0, 1, 1, 0],
      sampleRateHz: 8000,
      channels: 2,
    }),
  (to) => to.logInputs({ a: 1, b: { c: [1, 'x', null] } }),
  (to) => to.logOutputs({ a: 1, b: { c: [1, 'x', null] } }),
  (to) => to.logMeta({ a: 1, b: { c: [1, 'x', null] } }),
  (to) => to.logTags(['a', 'b'], { reset: true }),
  (to) =>
    to.update({
      name: 'n',
      description: 'd',
      readme: 'r',
      tags: ['a'],
      inputs: { a: 1 },
      outputs: { b: 2 },
      meta: { c: 3 },
    }),
  (to) => to.alert({ title: 'title', text: 'text', level: 'warn' }),
  (to) =>
    to.logArtifactRef('/data/file', 'data', { name: 'n', skipHash: true, summary: { a: 1 }, isInput: true }),
  (to) => to.logDataRef('n', { content: 'x', summary: { a: 1 }, isInput: true }),
  (to) => to.logModelRef('/data/model', { name: 'm', framework: 'f', skipHash: true, summary: { a: 1 } }),
  (to) => to.logFileRef('/data/file', { name: 'f', hash: 'h', content: 'x' }),
  (to) => to.logDirRef('/data', { name: 'd', hash: 'h', summary: {}, skipHash: true }),
  (to) => to.logCodeRef({ commit: 'abc', branch: 'main', url: 'https://example.org' }),
  (to) =>
    to.logArtifactLineage({
      name: 'n',
      kind: 'model',
      path: 'p',
      summary: { a: 1 },
      is_input: false,
    }),
  (to) => to.logEnv({ a: 'b' }),
  (to) => to.logProgress(0.5),
  (to) => to.metric('loss', { goal: 'minimize' }),
  (to) =>
    to.logTrace({
      name: 'n',
      kind: 'llm',
      inputs: { a: 1 },
      outputs: { b: 2 },
      metadata: { c: 3 },
      tags: ['t'],
      startedAt: 1.7e9,
      finishedAt: 1.7e9,
      children: [{ name: 'child', inputs: { a: 1 } }],
    }),
];

const CALLS = [
  ...recordAll(writer, WRITER_CALLS),
  ...recordAll(writer, [...Object.values(WRITER_KINDS), ...Object.values(WRITER_KINDS_WITHOUT_STEP)]),
  ...recordAll(run, RUN_CALLS),
  ...recordAll(
    run,
    [RUN_KINDS, RUN_KINDS_WITHOUT_STEP, RUN_KINDS_FOR_POLYAXON].flatMap(Object.values<Log<Run>>),
  ),
];

/** A writer accepts the hyperparameters of one session. */
async function errorOf(target: object, method: string, args: readonly unknown[]): Promise<unknown> {
  if (method !== 'addHparams') return errorOfCall(target, method, args);
  const session = new SummaryWriter(mkdtempSync(join(directory, 'session-')));
  const error = await errorOfCall(session, method, args);
  await session.close();
  return error;
}

async function errorOfCall(target: object, method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    await (target as Record<string, (...args: readonly unknown[]) => unknown>)[method]!(...args);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a call with one wrong value', () => {
  it.each(CALLS)(
    'of %s is rejected with a code and a short message, or accepted',
    async (method, args, target) => {
      expect(await errorOf(target, method, args)).toBeUndefined();
      const others: string[] = [];
      for (const path of listPaths(args)) {
        for (const wrong of WRONG_VALUES) {
          const error = await errorOf(target, method, replaceAt(args, path, wrong) as unknown[]);
          if (error === undefined) continue;
          const isGood = error instanceof CodedError && error.message.length < 700 && error.hint !== '';
          const isOfCaller = error instanceof Error && error.message === 'of the caller';
          if (!isGood && !isOfCaller) others.push(`${path.join('.')}: ${String(error)}`);
        }
      }
      expect(others).toEqual([]);
    },
  );
});
