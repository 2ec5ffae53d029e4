/** Curves have the same points and areas as those of scikit-learn for the same samples. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CurvePoints,
  createCurve,
  createPrecisionRecallCurves,
  createRocCurves,
} from '../../../src/polyaxon/kinds/curve.js';
import type { KindEvent, NamedEvent } from '../../../src/polyaxon/kinds/kind-event.js';
import type { ClassLabel } from '../../../src/polyaxon/kinds/numbers.js';
import type { ScoredSamples } from '../../../src/polyaxon/kinds/scored-samples.js';
import { readFixture } from '../../support/fixture-json.js';

interface Points {
  readonly fpr: number[];
  readonly tpr: number[];
  readonly precision: number[];
  readonly recall: number[];
}

interface CurveCase {
  readonly name: string;
  readonly labels: ClassLabel[];
  readonly scores: number[];
  readonly positiveLabel: ClassLabel | null;
  readonly dropped: Points;
  readonly all: Points;
  readonly aucText: string | number;
  readonly averagePrecisionText?: string;
}

const { binary, classes } = readFixture<{
  binary: CurveCase[];
  classes: { labels: number[]; scores: number[][]; curves: CurveCase[] };
}>('sklearn/curves.json');

interface CurveValue {
  readonly kind: string;
  readonly x: (number | null)[];
  readonly y: (number | null)[];
  readonly annotation?: string;
}

function curveOf(events: readonly NamedEvent[], index = 0): CurveValue {
  return events[index]!.event.value as unknown as CurveValue;
}

function toSamples({ labels, scores, positiveLabel }: CurveCase): ScoredSamples {
  return { labels, scores, positiveLabel: positiveLabel ?? undefined };
}

/** JSON stores NaN as null. */
function orNull(values: readonly number[]): (number | null)[] {
  return values.map((value) => (Number.isNaN(value) ? null : value));
}

/** Python prints NaN as `nan`, which the fixture reader converts to a number. */
function textOf(annotation: string | number): string {
  return typeof annotation === 'string' ? annotation : 'nan';
}

describe('createRocCurves', () => {
  it.each(binary)('matches roc_curve and auc: $name', (sample) => {
    const samples = toSamples(sample);

    const dropped = curveOf(createRocCurves(samples));
    const all = curveOf(createRocCurves({ ...samples, dropIntermediate: false }));

    expect(dropped).toEqual({
      kind: 'roc',
      x: orNull(sample.dropped.fpr),
      y: orNull(sample.dropped.tpr),
      annotation: textOf(sample.aucText),
    });
    expect([all.x, all.y]).toEqual([orNull(sample.all.fpr), orNull(sample.all.tpr)]);
  });

  it('builds a curve for each class against the rest', () => {
    const events = createRocCurves({ labels: classes.labels, scores: classes.scores });

    expect(events.map(({ suffix }) => suffix)).toEqual(['_0', '_1', '_2']);
    for (const [i, { dropped, aucText }] of classes.curves.entries()) {
      expect(curveOf(events, i)).toMatchObject({ x: dropped.fpr, y: dropped.tpr, annotation: aucText });
    }
  });

  it('accepts the scores of all classes in one array, with the names of the classes', () => {
    const flat = Float64Array.from(classes.scores.flat());
    const names = ['zero', 'one', 'two'];
    const labels = classes.labels.map((label) => names[label]!);

    const events = createRocCurves({ labels, scores: flat, classes: names });

    expect(events.map(({ event }) => event.value)).toEqual(
      createRocCurves({ labels: classes.labels, scores: classes.scores }).map(({ event }) => event.value),
    );
  });

  it('keeps points unchanged except NaN, which becomes null, and prints the area like Python', () => {
    const events = createRocCurves({
      fpr: [0, 0.5, Number.NaN, 1],
      tpr: Float32Array.of(0, 0.5, 1, Number.POSITIVE_INFINITY),
      auc: 1,
    });

    expect(curveOf(events)).toEqual({
      kind: 'roc',
      x: [0, 0.5, null, 1],
      y: [0, 0.5, 1, null],
      annotation: '1.0',
    });
    expect(createRocCurves({ fpr: [0], tpr: [0] })[0]?.event.value).toEqual({ kind: 'roc', x: [0], y: [0] });
  });

  it('warns if a rate is undefined', () => {
    const warningOf = (labels: number[]): KindEvent['warning'] =>
      createRocCurves({ labels, scores: labels.map(() => 0.5) })[0]?.event.warning;

    expect(warningOf([1, 1])).toEqual({
      code: 'WARN_CURVE_UNDEFINED',
      message: 'no negative samples: the area is undefined',
    });
    expect(warningOf([0, 1])).toBeUndefined();
  });

  it('ascends from (0, 0) to (1, 1) for any scores', () => {
    const sample = fc.record({ label: fc.boolean(), score: fc.double({ noNaN: true, min: -9, max: 9 }) });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 2 }), (samples) => {
        fc.pre(new Set(samples.map(({ label }) => label)).size === 2);
        const labels = samples.map(({ label }) => label);
        const scores = samples.map(({ score }) => score);

        const { x, y } = curveOf(createRocCurves({ labels, scores })) as { x: number[]; y: number[] };

        expect([x[0], y[0], x.at(-1), y.at(-1)]).toEqual([0, 0, 1, 1]);
        expect(x).toEqual([...x].sort((a, b) => a - b));
        expect(y).toEqual([...y].sort((a, b) => a - b));
      }),
    );
  });
});

describe('createPrecisionRecallCurves', () => {
  it.each(binary)('matches precision_recall_curve and average_precision_score: $name', (sample) => {
    const samples = toSamples(sample);

    const all = curveOf(createPrecisionRecallCurves(samples));
    const dropped = curveOf(createPrecisionRecallCurves({ ...samples, dropIntermediate: true }));

    expect(all).toMatchObject({ kind: 'pr', x: sample.all.precision, y: sample.all.recall });
    expect([dropped.x, dropped.y]).toEqual([sample.dropped.precision, sample.dropped.recall]);
    const area = sample.averagePrecisionText ?? '0.0';
    expect([all.annotation, dropped.annotation]).toEqual([area, area]);
  });

  it('builds a curve for each class against the rest', () => {
    const events = createPrecisionRecallCurves({ labels: classes.labels, scores: classes.scores });

    for (const [i, { all, averagePrecisionText }] of classes.curves.entries()) {
      expect(curveOf(events, i)).toMatchObject({
        x: all.precision,
        y: all.recall,
        annotation: averagePrecisionText,
      });
    }
  });

  it('warns if recall is undefined', () => {
    const [named] = createPrecisionRecallCurves({ labels: [0, 0], scores: [0.1, 0.2] });

    expect(named?.event.warning?.code).toBe('WARN_CURVE_UNDEFINED');
  });
});

describe('createCurve', () => {
  it('keeps points and the annotation', () => {
    const valueFor = (annotation: CurvePoints['annotation']) =>
      curveOf(createCurve({ x: [1, 2], y: [Number.NaN, 4], annotation }));

    expect(valueFor('more=info')).toEqual({
      kind: 'custom',
      x: [1, 2],
      y: [null, 4],
      annotation: 'more=info',
    });
    expect(valueFor(1e-7).annotation).toBe('1e-07');
    expect(valueFor(5).annotation).toBe('5');
    expect(valueFor('\ud800').annotation).toBe('\ufffd');
    expect('annotation' in valueFor(undefined)).toBe(false);
    expect(curveOf(createCurve({ x: [], y: [] }))).toEqual({ kind: 'custom', x: [], y: [] });
  });
});

describe('invalid curves', () => {
  const scored = (samples: unknown) => () => createRocCurves(samples as ScoredSamples);
  it.each([
    [
      'undefined',
      scored(undefined),
      'curve is undefined, expected an object with points or { labels, scores }',
    ],
    ['a list', scored([1]), 'curve is an array of length 1'],
    ['no points', () => createRocCurves({} as never), 'fpr is undefined'],
    [
      'unequal lengths',
      () => createRocCurves({ fpr: [0, 1], tpr: [0] }),
      'tpr has 1 values, expected 2 as in fpr',
    ],
    ['text among points', () => createCurve({ x: ['1'] as never, y: [1] }), 'x[0] is "1", expected a number'],
    ['an area that is text', () => createRocCurves({ fpr: [0], tpr: [0], auc: '1' as never }), 'auc is "1"'],
    ['no labels', scored({ scores: [1] }), 'labels is undefined'],
    ['no samples', scored({ labels: [], scores: [] }), 'labels is empty'],
    ['a label that is null', scored({ labels: [null], scores: [1] }), 'labels[0] is null'],
    ['fewer scores than labels', scored({ labels: [0, 1], scores: [1] }), 'scores has 1 values, expected 2'],
    ['a score that is NaN', scored({ labels: [0, 1], scores: [1, Number.NaN] }), 'scores[1] is NaN'],
    [
      'labels of three kinds',
      scored({ labels: [0, 1, 2], scores: [1, 2, 3] }),
      'labels are 0, 1, 2, expected 0 and 1, or a positiveLabel',
    ],
    ['names without a positive label', scored({ labels: ['a', 'b'], scores: [1, 2] }), 'labels are "a", "b"'],
    [
      'rows of the wrong length',
      scored({ labels: [0, 1], scores: [[1], [2]] }),
      'scores[0] has 1 values, expected 2',
    ],
    [
      'fewer rows than labels',
      scored({ labels: [0, 1], scores: [[1, 2]] }),
      'scores has 1 rows, expected 2 as in labels',
    ],
    [
      'a positive label and classes',
      scored({
        labels: [0, 1],
        scores: [
          [1, 2],
          [1, 2],
        ],
        positiveLabel: 1,
      }),
      'positiveLabel is set',
    ],
    [
      'a flat array of the wrong length',
      scored({ labels: [0, 1], scores: [1, 2, 3], classes: [0, 1] }),
      'expected 2×2',
    ],
    [
      'an annotation that is an object',
      () => createCurve({ x: [1], y: [1], annotation: {} as never }),
      'annotation is an empty object',
    ],
  ])('are rejected: %s', (_, create, message) => {
    expect(create).toThrow(
      expect.objectContaining({ code: 'ERR_CURVE_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
