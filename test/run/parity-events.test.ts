/** Every argument of Python's event methods, from the call to the files that Polyaxon reads. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EventOptions, ImagePixels, Run } from '../../src/index.js';
import { logForPolyaxon, readPlx, readPlxValues } from '../support/polyaxon-run.js';
import { readRunFile } from '../support/read-run.js';
import { createTempDir } from '../support/temp-dir.js';

function write(name: string, content: string | Uint8Array): string {
  const path = join(createTempDir(), name);
  writeFileSync(path, content);
  return path;
}

const PICTURE: ImagePixels = { pixels: new Uint8Array(18), height: 2, width: 3 };

const CALLS: Readonly<Record<string, (run: Run, options: EventOptions) => unknown>> = {
  'metric/m': (run, options) => run.logMetric('m', 1, options),
  'metric/several': (run, options) => run.logMetrics({ several: 1 }, options),
  'curve/roc': (run, options) => run.logRocAucCurve('roc', { fpr: [0, 1], tpr: [0, 1] }, options),
  'curve/roc-of-scores': (run, options) =>
    run.logRocAucCurve('roc of scores', { labels: [0, 1], scores: [0.1, 0.9] }, options),
  'curve/pr': (run, options) => run.logPrCurve('pr', { precision: [1, 0], recall: [0, 1] }, options),
  'curve/pr-of-scores': (run, options) =>
    run.logPrCurve('pr of scores', { labels: [0, 1], scores: [0.1, 0.9] }, options),
  'curve/custom': (run, options) => run.logCurve('custom', { x: [0], y: [1] }, options),
  'confusion/c': (run, options) => run.logConfusionMatrix('c', { x: ['a'], y: ['a'], z: [[1]] }, options),
  'image/pixels': (run, options) => run.logImage('pixels', PICTURE, options),
  'image/boxes': (run, options) => run.logImageWithBoxes('boxes', PICTURE, [[0, 0, 1, 1]], options),
  'video/v': (run, options) => run.logVideo('v', [PICTURE], options),
  'audio/a': (run, options) => run.logAudio('a', { samples: [0], sampleRateHz: 8000 }, options),
  'text/t': (run, options) => run.logText('t', 'x', options),
  'html/h': (run, options) => run.logHtml('h', 'x', options),
  'histogram/values': (run, options) => run.logHistogram('values', [1, 2], options),
  'histogram/counted': (run, options) => run.logNpHistogram('counted', [1], [0, 1], options),
  'dataframe/d': (run, options) => run.logDataframe('d', [{ a: 1 }], options),
  'chart/plotly': (run, options) => run.logPlotlyChart('plotly', { data: [] }, options),
  'chart/bokeh': (run, options) => run.logBokehChart('bokeh', { doc: {} }, options),
  'chart/vega': (run, options) => run.logAltairChart('vega', { mark: 'bar' }, options),
  'span/s': (run, options) => run.logTrace({ name: 's' }, options),
  'model/net': (run, options) => run.logModel(write('net.onnx', 'n'), options),
  'file/notes': (run, options) => run.logArtifact(write('notes.txt', 'n'), options),
};

describe('events', () => {
  it.each(Object.entries(CALLS))('have the given step: %s', async (path, call) => {
    const directory = await logForPolyaxon((run) => call(run, { step: 7 }));

    const [kind = '', name = ''] = path.split('/');
    expect(readPlx(directory, kind, name).map(({ step }) => step)).toEqual(['7']);
  });

  it.each(Object.entries(CALLS))('have the given time, to the microsecond: %s', async (path, call) => {
    const directory = await logForPolyaxon(async (run) => {
      await call(run, { step: 1, timestamp: '2024-01-02T05:04:05.123456+02:00' });
      await call(run, { step: 2, timestamp: new Date(Date.UTC(2024, 0, 2, 3, 4, 6)) });
      await call(run, { step: 3, wallTime: 1_704_164_647.5 });
    });

    const [kind = '', name = ''] = path.split('/');
    expect(readPlx(directory, kind, name).map(({ timestamp }) => timestamp)).toEqual([
      '2024-01-02 03:04:05.123456+00:00',
      '2024-01-02 03:04:06.000000+00:00',
      '2024-01-02 03:04:07.500000+00:00',
    ]);
  });

  it('count steps separately for each name when no step is given', async () => {
    const directory = await logForPolyaxon((run) => {
      for (const value of [5, 6, 7]) run.logMetric('a', value);
      run.logMetric('b', 8);
    });

    expect(readPlx(directory, 'metric', 'a').map(({ step }) => step)).toEqual(['0', '1', '2']);
    expect(readPlx(directory, 'metric', 'b').map(({ step }) => step)).toEqual(['0']);
  });

  it('set the flags of their kinds in the run', async () => {
    const flags = async (call: (run: Run) => unknown) => {
      const { has_tensorboard, ...others } = readRunFile(await logForPolyaxon(call)).meta_info ?? {};
      expect(has_tensorboard).toBe(true);
      return others;
    };

    expect(await flags((run) => run.logText('t', 'x'))).toEqual({ has_events: true });
    expect(await flags((run) => run.logMetric('m', 1))).toEqual({ has_metrics: true, has_events: true });
    expect(await flags((run) => run.logTrace({ name: 's' }))).toEqual({ has_traces: true, has_events: true });
    expect(await flags((run) => run.logModel(write('m.bin', 'm'), { step: 1 }))).toMatchObject({
      has_model: true,
    });
  });
});

describe('metrics', () => {
  it('are any numbers: integers, fractions, infinities and NaN', async () => {
    const directory = await logForPolyaxon((run) => {
      const values = [3, 0.25, 1e-5, 1e16, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const value of values) run.logMetric('m', value);
    });

    expect(readPlxValues(directory, 'metric', 'm')).toEqual([
      '3.0',
      '0.25',
      '1e-05',
      '1e+16',
      'nan',
      'inf',
      '-inf',
    ]);
  });

  it('can have any name, including names of Python arguments', async () => {
    const names = ['name', 'step', 'timestamp', 'reset', 'async_req', 'self'];
    const directory = await logForPolyaxon((run) =>
      run.logMetrics(Object.fromEntries(names.map((name, i) => [name, i])), { step: 4 }),
    );

    for (const [i, name] of names.entries()) {
      expect(readPlx(directory, 'metric', name)).toMatchObject([{ step: '4', value: `${i}.0` }]);
    }
    expect(readRunFile(directory).outputs).toEqual(Object.fromEntries(names.map((name, i) => [name, i])));
  });
});

describe('curves', () => {
  it('are ROC points with their area under the curve, which may be 0', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logRocAucCurve('roc', { fpr: [0, 0.5, 1], tpr: Float32Array.of(0, 0.75, 1), auc: 0.86 });
      run.logRocAucCurve('roc', { fpr: [0, 1], tpr: [0, 0], auc: 0 });
      run.logRocAucCurve('roc', { fpr: [0, 1], tpr: [0, 1] });
    });

    expect(readPlxValues(directory, 'curve', 'roc')).toEqual([
      { kind: 'roc', x: [0, 0.5, 1], y: [0, 0.75, 1], annotation: '0.86' },
      { kind: 'roc', x: [0, 1], y: [0, 0], annotation: '0.0' },
      { kind: 'roc', x: [0, 1], y: [0, 1] },
    ]);
  });

  it('are precision and recall points with the average precision', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logPrCurve('pr', { precision: [1, 0.5], recall: [0, 1], averagePrecision: 0.75 });
      run.logPrCurve('pr', { precision: [1, 0.5], recall: [0, 1] });
    });

    expect(readPlxValues(directory, 'curve', 'pr')).toEqual([
      { kind: 'pr', x: [1, 0.5], y: [0, 1], annotation: '0.75' },
      { kind: 'pr', x: [1, 0.5], y: [0, 1] },
    ]);
  });

  it('are computed from labels and scores', async () => {
    const directory = await logForPolyaxon((run) => {
      const samples = { labels: [0, 0, 1, 1], scores: [0.1, 0.4, 0.35, 0.8] };
      run.logRocAucCurve('roc', samples);
      run.logPrCurve('pr', samples);
    });

    expect(readPlxValues(directory, 'curve', 'roc')).toMatchObject([
      { kind: 'roc', x: [0, 0, 0.5, 0.5, 1], y: [0, 0.5, 0.5, 1, 1], annotation: '0.75' },
    ]);
    expect(readPlxValues(directory, 'curve', 'pr')).toMatchObject([
      { kind: 'pr', x: [0.5, 2 / 3, 0.5, 1, 1], y: [1, 1, 0.5, 0.5, 0], annotation: '0.8333333333333333' },
    ]);
  });

  it('include one for each class when scores have columns, for ROC and precision-recall', async () => {
    const directory = await logForPolyaxon((run) => {
      const samples = {
        labels: [0, 1],
        scores: [
          [0.9, 0.1],
          [0.2, 0.8],
        ],
      };
      run.logRocAucCurve('roc', samples, { step: 2 });
      run.logPrCurve('pr', samples, { step: 2 });
    });

    for (const name of ['roc_0', 'roc_1', 'pr_0', 'pr_1']) {
      expect(readPlx(directory, 'curve', name)).toMatchObject([{ step: '2', value: { annotation: '1.0' } }]);
    }
  });

  it('are any points with an annotation', async () => {
    const directory = await logForPolyaxon((run) =>
      run.logCurve('c', { x: [1, 2], y: [3, 4], annotation: 'a|b' }),
    );

    expect(readPlxValues(directory, 'curve', 'c')).toEqual([
      { kind: 'custom', x: [1, 2], y: [3, 4], annotation: 'a|b' },
    ]);
  });
});

describe('confusion matrices', () => {
  it('have labels and counts, from arrays of any type', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logConfusionMatrix('c', {
        x: ['a', 'ß'],
        y: ['a', 'ß'],
        z: [
          [3, 1],
          [0, 4.5],
        ],
      });
      run.logConfusionMatrix('c', {
        x: Int32Array.of(1, 2),
        y: Int32Array.of(1, 2),
        z: [Float64Array.of(3, 1), Float64Array.of(0, 4)],
      });
    });

    expect(readPlxValues(directory, 'confusion', 'c')).toEqual([
      {
        x: ['a', 'ß'],
        y: ['a', 'ß'],
        z: [
          [3, 1],
          [0, 4.5],
        ],
      },
      {
        x: [1, 2],
        y: [1, 2],
        z: [
          [3, 1],
          [0, 4],
        ],
      },
    ]);
  });

  it('are rejected if they do not match their labels', async () => {
    await logForPolyaxon((run) => {
      expect(() => run.logConfusionMatrix('c', { x: ['a'], y: ['a', 'b'], z: [[1]] })).toThrow(
        expect.objectContaining({ code: 'ERR_CONFUSION_INVALID' }),
      );
      expect(() => run.logConfusionMatrix('c', { x: ['a', 'b'], y: ['a', 'b'], z: [[1, 2], [3]] })).toThrow(
        expect.objectContaining({ code: 'ERR_CONFUSION_INVALID' }),
      );
    });
  });
});

describe('texts', () => {
  it('are stored unchanged, as Markdown and HTML', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logText('note', 'héllo | "x"\ny');
      run.logHtml('page', '<b class="x">é | y</b>');
    });

    expect(readPlxValues(directory, 'text', 'note')).toEqual(['héllo | "x"\ny']);
    expect(readPlxValues(directory, 'html', 'page')).toEqual(['<b class="x">é | y</b>']);
  });
});

describe('histograms', () => {
  it('count values in bins given by number, edges or rule', async () => {
    const values = Array.from({ length: 8 }, (_, i) => i);
    const directory = await logForPolyaxon((run) => {
      run.logHistogram('h', values, { bins: 2 });
      run.logHistogram('h', values, { bins: [0, 1, 7] });
      run.logHistogram('h', values, { bins: 'sturges' });
    });

    expect(readPlxValues(directory, 'histogram', 'h')).toEqual([
      { values: [4, 4], counts: [0, 3.5, 7] },
      { values: [1, 7], counts: [0, 1, 7] },
      { values: [2, 2, 2, 2], counts: [0, 1.75, 3.5, 5.25, 7] },
    ]);
  });

  it('have at most maxBins bins, 512 by default', async () => {
    await logForPolyaxon((run) => {
      const tooMany = expect.objectContaining({ code: 'ERR_HISTOGRAM_INVALID' });
      expect(() => run.logHistogram('h', [1, 2, 3], { bins: 3, maxBins: 2 })).toThrow(tooMany);
      expect(() => run.logHistogram('h', [1, 2, 3], { bins: 513 })).toThrow(tooMany);
      expect(() => run.logHistogram('h', [1, 2, 3], { bins: 513, maxBins: 600 })).not.toThrow();
      expect(() => run.logNpHistogram('n', Array(513).fill(1), Array.from(Array(514).keys()))).toThrow(
        tooMany,
      );
    });
  });

  it('can be given as n heights and n + 1 edges', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logNpHistogram('n', Float32Array.of(3, 5), [0, 0.5, 1]);
      expect(() => run.logNpHistogram('n', [3, 5], [0, 1])).toThrow(
        expect.objectContaining({ code: 'ERR_HISTOGRAM_INVALID' }),
      );
    });

    expect(readPlxValues(directory, 'histogram', 'n')).toEqual([{ values: [3, 5], counts: [0, 0.5, 1] }]);
  });
});

describe('charts', () => {
  it('are figures of their library, as plain objects or with a method that returns JSON', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logPlotlyChart('plotly', { data: [{ y: [1] }], layout: { title: 'é|' } });
      run.logBokehChart('bokeh', { target_id: 'p', doc: {} });
      run.logVegaChart('vega', { toSpec: () => ({ mark: 'bar' }) });
      run.logAltairChart('altair', { toJSON: () => ({ mark: 'line' }) });
    });

    expect(readPlxValues(directory, 'chart', 'plotly')).toEqual([
      { kind: 'plotly', figure: { data: [{ y: [1] }], layout: { title: 'é|' } } },
    ]);
    expect(readPlxValues(directory, 'chart', 'bokeh')).toEqual([
      { kind: 'bokeh', figure: { target_id: 'p', doc: {} } },
    ]);
    expect(readPlxValues(directory, 'chart', 'vega')).toEqual([{ kind: 'vega', figure: { mark: 'bar' } }]);
    expect(readPlxValues(directory, 'chart', 'altair')).toEqual([{ kind: 'vega', figure: { mark: 'line' } }]);
  });
});

describe('spans', () => {
  it('are stored under their name, and change the inputs and outputs of the run only with updateRun', async () => {
    const span = { name: 'ask', kind: 'llm', inputs: { q: 1 }, outputs: { r: 2 } } as const;
    const directory = await logForPolyaxon((run) => run.logTrace(span));
    const changed = await logForPolyaxon((run) => run.logTrace(span, { updateRun: true }));

    expect(readPlxValues(directory, 'span', 'ask')).toMatchObject([span]);
    expect(readRunFile(directory)).not.toHaveProperty('inputs');
    expect(readRunFile(changed)).toMatchObject({ inputs: { q: 1 }, outputs: { r: 2 } });
  });
});
