import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { decodeValue } from '../../../src/format/reader/plugin-value.js';
import {
  createCurve,
  createPrecisionRecallCurves,
  createRocCurves,
} from '../../../src/polyaxon/kinds/curve.js';
import { drawCurve } from '../../../src/polyaxon/kinds/curve-chart.js';
import type { NamedEvent } from '../../../src/polyaxon/kinds/kind-event.js';
import { measureCpuMs } from '../../support/cpu-time.js';

function previewOf([named]: readonly NamedEvent[], labels = {}) {
  return named!.event.preview!.create('tag', labels).now();
}

function prCurveOf(events: readonly NamedEvent[]) {
  const decoded = decodeValue(previewOf(events));
  if (decoded.kind !== 'prCurve') throw new Error('no precision-recall curve');
  return decoded;
}

describe('drawCurve', () => {
  it('has the same size for all curves', () => {
    const value = previewOf(createRocCurves({ labels: [0, 1], scores: [0.1, 0.9] }));

    const decoded = decodeValue(value);
    expect(decoded).toMatchObject({ kind: 'images', width: 480, height: 360 });
    const png = decoded.kind === 'images' ? PNG.sync.read(Buffer.from(decoded.images[0]!)) : undefined;
    expect([png?.width, png?.height]).toEqual([480, 360]);
  });

  it('draws nothing without a finite point', () => {
    const preview = (y: number[]) => createCurve({ x: [1], y })[0]!.event.preview;

    expect(preview([Number.NaN])).toBeUndefined();
    expect(createCurve({ x: [], y: [] })[0]!.event.preview).toBeUndefined();
    expect(preview([1])).toBeDefined();
  });

  it('draws the line through the points', () => {
    const image = drawCurve({ x: [0, 1], y: [0, 1] })!;
    const inkAt = (x: number, y: number): boolean => {
      const at = (y * image.width + x) * 3;
      // The line is orange, with much red and little blue.
      return image.pixels[at]! > 200 && image.pixels[at + 2]! < 120;
    };

    expect(inkAt(84, 302)).toBe(true);
    expect(inkAt(464, 34)).toBe(true);
    expect(inkAt(274, 168)).toBe(true);
    expect(inkAt(150, 100)).toBe(false);
  });

  it.each([
    ['flat', [0, 1, 2], [7, 7, 7]],
    ['a single point', [3], [1e300]],
    ['as wide as the range of doubles', [-1.7e308, 1.7e308], [5e-324, 1e-323]],
    ['interrupted by gaps', [0, 1, 2, 3], [1, Number.NaN, Number.POSITIVE_INFINITY, 2]],
  ])('draws a curve that is %s', (_, x, y) => {
    expect(drawCurve({ x, y })?.pixels).toHaveLength(480 * 360 * 3);
  });

  it('draws a million points in linear time', () => {
    const x = Float64Array.from({ length: 1_000_000 }, (_, i) => i);
    const y = x.map((value) => (value * 7919) % 1009);

    expect(measureCpuMs(() => drawCurve({ x, y }))).toBeLessThan(20_000);
  });
});

describe('the precision-recall preview', () => {
  it('counts samples if they are given', () => {
    const labels = [0, 0, 1, 1];
    const curve = prCurveOf(createPrecisionRecallCurves({ labels, scores: [0.1, 0.4, 0.35, 0.8] }));

    expect(curve.truePositives).toHaveLength(201);
    expect([curve.truePositives[0], curve.falsePositives[0]]).toEqual([2, 2]);
    // The threshold is 0.5.
    expect([
      curve.truePositives[100],
      curve.falsePositives[100],
      curve.precision[100],
      curve.recall[100],
    ]).toEqual([1, 0, 1, 0.5]);
  });

  it('is the same for scores that are not probabilities', () => {
    const labels = [0, 0, 1, 1];
    const scores = [-30, -20, 10, 70];
    const curve = prCurveOf(createPrecisionRecallCurves({ labels, scores }));
    const scaled = prCurveOf(
      createPrecisionRecallCurves({ labels, scores: scores.map((score) => (score + 30) / 100) }),
    );

    expect(curve).toEqual(scaled);
    expect(() => createPrecisionRecallCurves({ labels, scores: [-1.7e308, 0, 1, 1.7e308] })).not.toThrow();
  });

  it('passes through given points, with counts that TensorBoard does not cut off', () => {
    const precision = [0.5, 0.75, 1, 1];
    const recall = [1, 0.75, 0.5, 0];
    const curve = prCurveOf(createPrecisionRecallCurves({ precision, recall, averagePrecision: 0.8 }));

    expect(curve.precision).toHaveLength(201);
    expect([curve.precision[0], curve.recall[0]]).toEqual([0.5, 1]);
    expect([curve.precision[200], curve.recall[200]]).toEqual([1, 0]);
    expect(new Set(curve.recall)).toEqual(new Set(recall));
    for (let i = 0; i < 201; i++) {
      const [tp, fp, fn] = [curve.truePositives[i]!, curve.falsePositives[i]!, curve.falseNegatives[i]!];
      expect(tp + fp).toBeGreaterThan(0);
      if (curve.recall[i] === 0) continue;
      expect(tp / (tp + fp)).toBeCloseTo(curve.precision[i]!, 3);
      expect(tp / (tp + fn)).toBeCloseTo(curve.recall[i]!, 3);
    }
  });

  it('reverses points that start at recall 0, and skips points outside the unit square', () => {
    const descending = prCurveOf(createPrecisionRecallCurves({ precision: [0.5, 1], recall: [1, 0] }));
    const ascending = prCurveOf(
      createPrecisionRecallCurves({ precision: [1, Number.NaN, 0.5], recall: [0, 0.5, 1] }),
    );

    expect(ascending).toEqual(descending);
    const [lonely] = createPrecisionRecallCurves({ precision: [1], recall: [1] });
    expect(lonely!.event.preview).toBeUndefined();
  });

  it('describes the assumed counts, unless the caller gives a description', () => {
    const events = createPrecisionRecallCurves({ precision: [0.5, 1], recall: [1, 0] });

    expect(previewOf(events).metadata?.description).toContain('counts assume 10,000 positive samples');
    expect(previewOf(events, { description: 'mine' }).metadata?.description).toBe('mine');
  });
});
