/** The values of events with charts, models, artifacts, spans and files. */

import { describe, expect, it } from 'vitest';
import { createArtifact, createModel, type ModelInput } from '../../../src/polyaxon/kinds/artifact.js';
import { type ChartLibrary, createChart } from '../../../src/polyaxon/kinds/chart.js';
import {
  createAudioFile,
  createImageFile,
  createVideo,
  type VideoSource,
} from '../../../src/polyaxon/kinds/media.js';
import { createSpan, type SpanBody } from '../../../src/polyaxon/kinds/span.js';
import type { ArtifactKind } from '../../../src/polyaxon/polyaxon-value.js';

const cyclic: Record<string, unknown> = { name: 'x' };
cyclic.self = cyclic;
let deep: unknown = 1;
for (let i = 0; i < 600; i++) deep = [deep];

describe('createChart', () => {
  it('keeps the figures of all libraries', () => {
    const plotly = {
      data: [{ type: 'bar', y: Float32Array.of(1, Number.NaN) }],
      layout: { title: undefined },
    };

    expect(createChart('plotly', plotly)).toEqual({
      kind: 'chart',
      value: { kind: 'plotly', figure: { data: [{ type: 'bar', y: [1, null] }], layout: {} } },
    });
    expect(createChart('bokeh', { target_id: 'x', doc: {} }).value).toEqual({
      kind: 'bokeh',
      figure: { target_id: 'x', doc: {} },
    });
    expect(createChart('vega', { mark: 'bar' }).value).toEqual({ kind: 'vega', figure: { mark: 'bar' } });
  });

  it('accepts a list of traces for Plotly, like plotly.py', () => {
    expect(createChart('plotly', [{ y: [1] }]).value).toEqual({
      kind: 'plotly',
      figure: { data: [{ y: [1] }] },
    });
  });

  it('calls toSpec() or toJSON() of a figure', () => {
    const expected = { kind: 'vega', figure: { mark: 'bar' } };

    // Vega-Lite's API has both methods; its toJSON returns text.
    expect(
      createChart('vega', { toSpec: () => ({ mark: 'bar' }), toJSON: () => '{"mark":"line"}' }).value,
    ).toEqual(expected);
    expect(createChart('vega', { toJSON: () => '{"mark":"bar"}' }).value).toEqual(expected);
    expect(createChart('vega', { toJSON: () => ({ mark: 'bar' }) }).value).toEqual(expected);
    expect(createChart('vega', '{"mark":"bar"}').value).toEqual(expected);
  });

  it('converts values to JSON', () => {
    const spec = {
      date: new Date(0),
      big: 12n,
      huge: 2n ** 60n,
      set: new Set([1]),
      map: new Map([['k', [undefined, Number.POSITIVE_INFINITY]]]),
      text: '\ud800',
    };

    expect(createChart('vega', spec).value).toEqual({
      kind: 'vega',
      figure: {
        date: '1970-01-01T00:00:00.000Z',
        big: 12,
        huge: '1152921504606846976',
        set: [1],
        map: { k: [null, null] },
        text: '\ufffd',
      },
    });
  });

  it.each([
    ['vega', undefined, 'figure is undefined'],
    ['vega', [1], 'expected the JSON object of a chart'],
    ['vega', 5, 'figure is 5 (number)'],
    ['vega', '{', 'figure is not valid JSON'],
    ['plotly', { layout: {} }, 'figure has no data'],
    ['vega', { a: { b: [() => 1] } }, 'figure.a.b[0] is a function, which JSON cannot represent'],
    ['vega', { a: cyclic }, 'figure.a.self is a circular reference'],
    ['vega', { deep }, 'is nested 500 levels deep'],
    ['vega', { s: Symbol('x') }, 'figure.s is a symbol'],
  ] as const)('refuses for %s: %#', (library, figure, message) => {
    expect(() => createChart(library as ChartLibrary, figure as unknown as object)).toThrow(
      expect.objectContaining({ code: 'ERR_CHART_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('createModel', () => {
  it("writes fields in Polyaxon's order", () => {
    const event = createModel({ spec: { k: 1 }, path: 'assets/model/net_5.onnx', framework: 'onnx' });

    expect(JSON.stringify(event)).toBe(
      '{"kind":"model","value":{"framework":"onnx","path":"assets/model/net_5.onnx","spec":{"k":1}}}',
    );
    expect(createModel({ path: 'm' }).value).toEqual({ path: 'm' });
  });

  it.each([
    [{ path: '/etc/m' }, 'path is "/etc/m", expected a relative path inside the run'],
    [{ path: 'a/../../m' }, 'expected a relative path inside the run'],
    [{ path: '' }, 'expected a relative path inside the run'],
    [{ path: 5 }, 'path is 5 (number)'],
    [{ path: 'm', framework: 5 }, 'framework is 5 (number)'],
    [{ path: 'm', spec: [1] }, 'spec is an array of length 1'],
    [{ path: 'm', spec: { a: cyclic } }, 'spec.a.self is a circular reference'],
  ])('rejects invalid input: %#', (model, message) => {
    expect(() => createModel(model as ModelInput)).toThrow(
      expect.objectContaining({ code: 'ERR_MODEL_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('createArtifact', () => {
  it('has the kind and the path', () => {
    expect(createArtifact('csv', 'assets/csv/a_1.csv')).toEqual({
      kind: 'csv',
      value: { kind: 'csv', path: 'assets/csv/a_1.csv' },
    });
  });

  it.each([
    ['nothing', 'a', 'kind is "nothing", expected one of model, audio'],
    ['file', '../a', 'path is "../a"'],
  ])('rejects kind %s with path %s', (kind, path, message) => {
    expect(() => createArtifact(kind as ArtifactKind, path)).toThrow(
      expect.objectContaining({ code: 'ERR_ARTIFACT_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('createSpan', () => {
  it("writes fields in Polyaxon's order, also those of children", () => {
    const span = {
      kind: 'llm',
      children: [{ kind: 'tool', name: 'inner', other: 1 }],
      outputs: { a: 2 },
      inputs: { q: 1 },
      name: 'call',
      tags: null,
      unknown: 5,
    };

    expect(JSON.stringify(createSpan(span).value)).toBe(
      '{"name":"call","inputs":{"q":1},"outputs":{"a":2},"children":[{"name":"inner","kind":"tool"}],"kind":"llm"}',
    );
  });

  it.each([
    [undefined, 'span is null'],
    [[], 'span is an array of length 0'],
    [{ children: {} }, 'span.children is an empty object'],
    [{ children: [5] }, 'span.children[0] is 5 (number)'],
    [{ inputs: { x: cyclic } }, 'span.inputs.x.self is a circular reference'],
  ])('rejects invalid input: %#', (span, message) => {
    expect(() => createSpan(span as SpanBody)).toThrow(
      expect.objectContaining({ code: 'ERR_SPAN_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('createVideo', () => {
  const frame = { pixels: new Uint8Array(12), height: 2, width: 2 };
  const mp4 = Uint8Array.of(0, 0, 0, 16, 0x66, 0x74, 0x79, 0x70, 0x69, 0x73, 0x6f, 0x6d, 0, 0, 0, 0);
  const webm = Uint8Array.of(0x1a, 0x45, 0xdf, 0xa3, 1, 0, 0, 0, 0, 0, 0, 0);

  it('encodes frames as a GIF that is also the preview', () => {
    const event = createVideo([frame, frame]);

    expect(event).toMatchObject({
      kind: 'video',
      value: { height: 2, width: 2, colorspace: 3, content_type: 'gif' },
      asset: { extension: 'gif', inPreview: true },
      preview: { series: 'video', pluginName: 'images' },
    });
    const gif = event.preview!.create('t', {}).now().value;
    const bytes = gif?.kind === 'tensor' ? gif.tensor.stringVal![2]! : new Uint8Array();
    expect(createVideo(bytes).value).toEqual(event.value);
    expect(createVideo({ bytes, contentType: 'image/gif' }).value).toEqual(event.value);
  });

  it.each([
    [mp4, 'mp4'],
    [webm, 'webm'],
    [{ bytes: webm, contentType: 'video/webm; codecs=vp9' }, 'webm'],
    [{ bytes: mp4, contentType: '.MP4' }, 'mp4'],
    [{ bytes: mp4, contentType: 'video/quicktime' }, 'mov'],
  ])('keeps encoded bytes: %#', (video, extension) => {
    const bytes = video instanceof Uint8Array ? video : video.bytes;

    const event = createVideo(video);

    expect(event).toEqual({ kind: 'video', value: { content_type: extension }, asset: { extension, bytes } });
    // The event holds a copy, because the caller may reuse the array.
    expect(event.asset).not.toHaveProperty(
      'bytes',
      expect.toSatisfy((held) => held === bytes),
    );
  });

  it.each([
    [Uint8Array.of(1, 2, 3), 'which are not a GIF'],
    [{ bytes: 'x', contentType: 'mp4' }, 'bytes is "x"'],
    [{ bytes: mp4, contentType: 'a/b' }, 'contentType is "a/b"'],
    [{ bytes: mp4 }, 'contentType is undefined'],
    [[], 'video has no frames'],
    [undefined, 'video is undefined'],
  ])('rejects invalid input: %#', (video, message) => {
    expect(() => createVideo(video as VideoSource)).toThrow(
      expect.objectContaining({ code: 'ERR_VIDEO_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('createImageFile and createAudioFile', () => {
  it('keep the bytes unchanged, and add the type', () => {
    const bytes = Uint8Array.of(1, 2);

    expect(createImageFile(bytes, 'webp')).toEqual({
      kind: 'image',
      value: {},
      asset: { extension: 'webp', bytes },
    });
    expect(createAudioFile(bytes, 'mp3')).toEqual({
      kind: 'audio',
      value: { content_type: 'audio/mpeg' },
      asset: { extension: 'mp3', bytes },
    });
    expect(createAudioFile(bytes, 'flac').value).toEqual({ content_type: 'audio/flac' });
  });
});
