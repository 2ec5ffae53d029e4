/** Logs events of every kind and reads them back from the file. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Diagnostics } from '../../src/base/diagnostics.js';
import { EventLog, type EventLogOptions } from '../../src/event-log/event-log.js';
import { type DecodedValue, TagIndex } from '../../src/format/reader/plugin-value.js';
import { decodeEvent } from '../../src/format/wire/decode-event.js';
import { MemorySink } from '../../src/format/writer/memory-sink.js';
import {
  type DecodedPolyaxonValue,
  decodePolyaxonValue,
  POLYAXON_PLUGIN,
} from '../../src/polyaxon/polyaxon-value.js';
import { encodePng } from '../../src/summary/png.js';
import { decodeRecords } from '../support/decode-records.js';
import { FakeClock } from '../support/fake-clock.js';
import { createTempDir } from '../support/temp-dir.js';

interface ReadEvent {
  readonly step: number | bigint;
  readonly wallTime: number;
  /** The value of the plugin polyaxon, if the event has one; it comes first. */
  readonly own: DecodedPolyaxonValue | undefined;
  readonly shown: readonly { readonly tag: string; readonly plugin: string; readonly value: DecodedValue }[];
}

function createLog(options: EventLogOptions = {}) {
  const sink = (options.sink as MemorySink | undefined) ?? new MemorySink();
  const warnings: string[] = [];
  const diagnostics = new Diagnostics({ onWarning: ({ message }) => warnings.push(message) });
  const log = new EventLog('logs', { clock: new FakeClock(), ...options, sink, diagnostics });
  const read = async (): Promise<ReadEvent[]> => {
    await log.close();
    return readAll(sink);
  };
  return { log, sink, warnings, read };
}

/** Reads events with only the metadata of earlier events. */
function readAll(sink: MemorySink): ReadEvent[] {
  const index = new TagIndex();
  return [...sink.files.keys()].sort().flatMap((path) =>
    decodeRecords(sink.files.get(path)!)
      .records.map(decodeEvent)
      .flatMap(({ step, wallTime, what }) => {
        if (what.kind !== 'summary') return [];
        const [first, ...others] = what.values;
        const isOwn = index.metadataOf(first!)?.pluginName === POLYAXON_PLUGIN;
        const shown = (isOwn ? others : what.values).map((value) => ({
          tag: value.tag,
          plugin: index.metadataOf(value)!.pluginName,
          value: index.decode(value),
        }));
        return [{ step, wallTime, own: isOwn ? decodePolyaxonValue(first!) : undefined, shown }];
      }),
  );
}

const pixels = (size: number) => ({
  pixels: Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 31) % 256),
  height: size,
  width: size,
});

describe('EventLog', () => {
  it('writes the value of each kind first, then its preview', async () => {
    const { log, read, warnings } = createLog();

    log.rocCurve('roc', { labels: [0, 1], scores: [0.1, 0.9] }, {});
    log.precisionRecallCurve('pr', { precision: [0.5, 1], recall: [1, 0] }, {});
    log.curve('curve', { x: [1, 2], y: [Number.NaN, 4], annotation: 'a|é' }, {});
    log.confusionMatrix('matrix', { predictions: [0, 1], targets: [0, 1] }, {});
    log.html('page', '<b>é</b>', {});
    log.dataframe('table', [{ a: 1 }], {});
    log.video('clip', [pixels(4), pixels(4)], { fps: 10 });
    const names = ['roc', 'pr', 'curve', 'matrix', 'page', 'table', 'clip'];
    const place = ({ own }: ReadEvent): number => names.indexOf(own!.body.name);
    // Images are encoded after the call, so only events of one kind and name keep their order.
    const events = (await read()).sort((a, b) => place(a) - place(b));

    expect(events.map(({ own }) => own!.body)).toEqual([
      { kind: 'curve', name: 'roc', value: { kind: 'roc', x: [0, 0, 1], y: [0, 1, 1], annotation: '1.0' } },
      { kind: 'curve', name: 'pr', value: { kind: 'pr', x: [0.5, 1], y: [1, 0] } },
      { kind: 'curve', name: 'curve', value: { kind: 'custom', x: [1, 2], y: [null, 4], annotation: 'a|é' } },
      {
        kind: 'confusion',
        name: 'matrix',
        value: {
          x: [0, 1],
          y: [0, 1],
          z: [
            [1, 0],
            [0, 1],
          ],
        },
      },
      { kind: 'html', name: 'page', value: '<b>é</b>' },
      { kind: 'dataframe', name: 'table', value: { content_type: 'csv' }, asset: { extension: 'csv' } },
      {
        kind: 'video',
        name: 'clip',
        value: { height: 4, width: 4, colorspace: 3, content_type: 'gif' },
        asset: { extension: 'gif', inTag: 'clip' },
      },
    ]);
    expect(events.map(({ shown }) => shown.map(({ tag, plugin }) => `${tag}: ${plugin}`).join())).toEqual([
      'roc: images',
      'pr: pr_curves',
      'curve: images',
      'matrix: images',
      'page: text',
      'table: text',
      'clip: images',
    ]);
    const [clip] = events[6]!.shown;
    expect(clip?.value.kind === 'images' && Buffer.from(clip.value.images[0]!).toString('latin1', 0, 6)).toBe(
      'GIF89a',
    );
    expect(new TextDecoder().decode(events[5]!.own!.assetBytes)).toBe(',a\n0,1\n');
    expect(warnings).toEqual([]);
  });

  it('writes a preview only for kinds that TensorBoard can show', async () => {
    const { log, read } = createLog();
    const mp4 = new Uint8Array(32);
    mp4.set([0x66, 0x74, 0x79, 0x70], 4);

    log.chart('chart', 'vega', { mark: 'bar' }, { step: 1 });
    log.model('net', { path: 'assets/model/net_5.onnx', framework: 'onnx' }, { step: 5 });
    log.artifact('notes', 'file', 'assets/file/notes_5.txt', { step: 5 });
    log.span('call', { name: 'call', kind: 'llm' }, {});
    log.video('clip', mp4, {});
    const events = await read();

    expect(
      events.map(({ step, own, shown }) => [step, own!.body.kind, own!.body.name, shown.length]),
    ).toEqual([
      [1, 'chart', 'chart', 0],
      [5, 'model', 'net', 0],
      [5, 'file', 'notes', 0],
      [0, 'span', 'call', 1],
      [0, 'video', 'clip', 0],
    ]);
    expect(events[4]!.own!.assetBytes).toEqual(mp4);
  });

  it('writes the curves of all classes with the same wall time', async () => {
    const { log, read } = createLog({ clock: new FakeClock(50) });

    log.rocCurve(
      'roc',
      {
        labels: [0, 1, 2],
        scores: [
          [1, 0, 0],
          [0, 1, 0],
          [0, 0, 1],
        ],
      },
      { step: 3 },
    );
    const events = await read();

    expect(events.map(({ step, wallTime, own }) => [step, wallTime, own!.body.name])).toEqual([
      [3, 50, 'roc_0'],
      [3, 50, 'roc_1'],
      [3, 50, 'roc_2'],
    ]);
  });

  it('warns about undefined curves', async () => {
    const { log, read, warnings } = createLog();

    log.rocCurve('roc', { labels: [1, 1], scores: [0.1, 0.9] }, {});

    expect((await read())[0]!.own!.body.value).toMatchObject({ x: [null, null, null], annotation: 'nan' });
    expect(warnings).toEqual(['curve roc: no negative samples: the area is undefined']);
  });

  it('counts steps separately for each kind and name', async () => {
    const { log, read } = createLog();

    log.html('x', 'a', {});
    log.html('x', 'b', {});
    log.curve('x', { x: [1], y: [1] }, {});
    log.html('x', 'c', { step: 7 });
    log.html('x', 'd', {});
    const events = await read();

    expect(events.map(({ step, own }) => `${own!.body.kind} ${step}`).sort()).toEqual([
      'curve 0',
      'html 0',
      'html 1',
      'html 7',
      'html 8',
    ]);
  });

  it('accepts a wall time as seconds, Date or text', async () => {
    const { log, read } = createLog();
    const timestamp = '2024-01-02T03:04:05.123456Z';

    log.scalar('a', 1, { wallTime: 5 });
    log.scalar('a', 1, { timestamp: new Date(6000) });
    log.scalars({ b: 1 }, { timestamp });
    log.text('t', 'x', { timestamp });
    log.html('h', 'x', { timestamp });
    log.rocCurve('roc', { fpr: [0], tpr: [0] }, { timestamp });
    log.mesh('m', { vertices: [[0, 0, 0]] }, { timestamp });
    const both = { wallTime: 1, timestamp };
    expect(() => log.scalar('a', 1, both)).toThrow(
      expect.objectContaining({ code: 'ERR_WALL_TIME_INVALID' }),
    );
    expect(() => log.html('h', 'x', both)).toThrow(
      expect.objectContaining({ code: 'ERR_WALL_TIME_INVALID' }),
    );
    const events = await read();

    const moment = 1_704_164_645.123456;
    expect(events.map(({ wallTime }) => wallTime)).toEqual([5, 6, moment, moment, moment, moment, moment]);
  });

  it('writes nothing for a rejected event, and leaves its name free', async () => {
    const { log, read } = createLog();

    expect(() => log.html('x', 5 as never, {})).toThrow(
      expect.objectContaining({ code: 'ERR_HTML_INVALID' }),
    );
    expect(() => log.text('x', 5 as never, {})).toThrow(
      expect.objectContaining({ code: 'ERR_TEXT_INVALID' }),
    );
    expect(() => log.scalar('x', '5' as never, {})).toThrow(
      expect.objectContaining({ code: 'ERR_SCALAR_INVALID' }),
    );
    expect(() => log.curve('', { x: [1], y: [1] }, {})).toThrow(
      expect.objectContaining({ code: 'ERR_NAME_INVALID' }),
    );
    expect(() => log.curve(undefined as never, { x: [1], y: [1] }, {})).toThrow(
      expect.objectContaining({ code: 'ERR_NAME_INVALID' }),
    );
    log.image('x', pixels(2), {});
    const events = await read();

    expect(events).toHaveLength(1);
    expect(events[0]!.shown[0]!.tag).toBe('x');
  });

  it('throws after close()', async () => {
    const { log, read } = createLog();
    await read();

    expect(() => log.html('x', 'a', {})).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }));
    expect(() => log.rocCurve('x', { fpr: [0], tpr: [0] }, {})).toThrow(
      expect.objectContaining({ code: 'ERR_CLOSED' }),
    );
  });

  it('calls filter with the name of an event', async () => {
    const asked: string[] = [];
    const { log, read } = createLog({
      filter: ({ tag, step }) => {
        asked.push(tag);
        return step !== 1;
      },
    });

    for (let i = 0; i < 3; i++) log.html('page', `${i}`, {});
    const events = await read();

    expect(asked).toEqual(['page', 'page', 'page']);
    expect(events.map(({ step, own }) => [step, own!.body.value])).toEqual([
      [0, '0'],
      [2, '2'],
    ]);
  });

  it('encodes large previews in the background, in the order of calls', async () => {
    const { log, read } = createLog();

    for (let i = 0; i < 5; i++) log.confusionMatrix('m', { x: [0], y: [0], z: [[i]] }, {});
    log.html('after', 'x', {});
    const events = await read();

    const matrices = events.filter(({ own }) => own!.body.kind === 'confusion');
    expect(matrices.map(({ step, own }) => [step, (own!.body.value as { z: number[][] }).z])).toEqual(
      [0, 1, 2, 3, 4].map((i) => [i, [[i]]]),
    );
    expect(events).toHaveLength(6);
  });
});

describe('a name that two kinds share', () => {
  it('belongs to the first kind; other kinds get a suffix', async () => {
    const { log, read, warnings } = createLog();

    log.scalar('x', 1, {});
    log.curve('x', { x: [1], y: [1] }, {});
    log.confusionMatrix('x', { x: [0], y: [0], z: [[1]] }, {});
    log.image('x', pixels(2), {});
    log.histogram('x', [1, 2], {});
    log.scalar('x', 2, {});
    log.curve('x', { x: [2], y: [2] }, {});
    const events = await read();

    const shown = events.flatMap((event) => event.shown.map(({ tag, value }) => `${tag}: ${value.kind}`));
    expect(shown.sort()).toEqual([
      'x (confusion): images',
      'x (curve): images',
      'x (curve): images',
      'x (histogram): histogram',
      'x (image): images',
      'x: scalar',
      'x: scalar',
    ]);
    expect(events.flatMap(({ own }) => own?.body.name ?? [])).toEqual(['x', 'x', 'x']);
    expect(warnings).toHaveLength(4);
    expect(warnings[0]).toBe('x: the name already belongs to another kind; written as x (curve)');
  });

  it('keeps the values of a metric if a preview came first', async () => {
    const { log, read } = createLog();

    log.html('x', 'a', {});
    log.scalar('x', 0.5, {});
    log.scalars({ x: 0.25 }, {});
    const events = await read();

    expect(events.slice(1).flatMap(({ shown }) => shown)).toEqual([
      { tag: 'x (metric)', plugin: 'scalars', value: { kind: 'scalar', value: 0.5 } },
      { tag: 'x (metric)', plugin: 'scalars', value: { kind: 'scalar', value: 0.25 } },
    ]);
  });

  it('gets the same tags after a restart', async () => {
    const sink = new MemorySink();
    const write = async (order: readonly ('metric' | 'curve' | 'html')[]): Promise<void> => {
      const { log } = createLog({ sink, resume: sink.files.size > 0 });
      for (const kind of order) {
        if (kind === 'metric') log.scalar('x', 1, {});
        else if (kind === 'curve') log.curve('x', { x: [1], y: [1] }, {});
        else log.html('y', 'a', {});
      }
      await log.close();
    };

    await write(['curve', 'metric', 'html']);
    await write(['metric', 'html', 'curve']);
    const tags = readAll(sink).flatMap(({ step, shown }) =>
      shown.map(({ tag, plugin }) => `${tag} ${plugin} ${step}`),
    );

    expect(tags.sort()).toEqual([
      'x (metric) scalars 0',
      'x (metric) scalars 1',
      'x images 0',
      'x images 1',
      'y text 0',
      'y text 1',
    ]);
  });
});

describe('files by path', () => {
  const png = encodePng({ ...pixels(3), channels: 3 });
  const wav = Buffer.concat([Buffer.from('RIFF\x24\0\0\0WAVE'), Buffer.alloc(40)]);
  const write = (name: string, bytes: Uint8Array): string => {
    const path = join(createTempDir(), name);
    writeFileSync(path, bytes);
    return path;
  };

  it('are logged in their format', async () => {
    const { log, read } = createLog();

    log.image('png', write('a.PNG', png), {});
    log.image('batch', [write('a.png', png), png], {});
    log.image('webp', write('a.webp', Uint8Array.of(1, 2)), {});
    log.image('bytes', Uint8Array.of(3, 4), { ext: '.AVIF' });
    log.audio('wav', write('a.wav', wav), {});
    log.audio('mp3', write('a.mp3', Uint8Array.of(5)), {});
    log.video('mp4', write('a.mp4', Uint8Array.of(6)), {});
    const events = await read();

    expect(events.map(({ own, shown }) => own?.body ?? [shown[0]!.tag, shown[0]!.value.kind])).toEqual([
      ['png', 'images'],
      ['batch', 'images'],
      { kind: 'image', name: 'webp', value: {}, asset: { extension: 'webp' } },
      { kind: 'image', name: 'bytes', value: {}, asset: { extension: 'avif' } },
      ['wav', 'audio'],
      { kind: 'audio', name: 'mp3', value: { content_type: 'audio/mpeg' }, asset: { extension: 'mp3' } },
      { kind: 'video', name: 'mp4', value: { content_type: 'mp4' }, asset: { extension: 'mp4' } },
    ]);
    expect(events[2]!.own!.assetBytes).toEqual(Uint8Array.of(1, 2));
  });

  it('are shown by TensorBoard if they are GIF videos', async () => {
    const { log, read } = createLog();
    log.gif('frames', [pixels(2)], {});
    const { value } = readAllOf(await read());

    const { log: other, read: readOther } = createLog();
    other.video('clip', write('a.gif', value), {});
    const [event] = await readOther();

    expect(event!.own!.body).toMatchObject({ kind: 'video', asset: { extension: 'gif', inTag: 'clip' } });
    expect(event!.shown[0]!.value).toMatchObject({ kind: 'images', width: 2, height: 2 });
  });

  it.each([
    ['image', 'ERR_IMAGE_INVALID'],
    ['audio', 'ERR_AUDIO_INVALID'],
    ['video', 'ERR_VIDEO_INVALID'],
  ] as const)('must be there: %s', async (method, code) => {
    const { log, read } = createLog();

    expect(() => log[method]('x', 'no/such/file.png', {})).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining('no/such/file.png cannot be read') }),
    );
    expect(() => log[method]('x', createTempDir(), {})).toThrow(expect.objectContaining({ code }));
    expect(await read()).toEqual([]);
  });

  it('must be images if no format is given', async () => {
    const { log, read } = createLog();
    const path = write('noextension', Uint8Array.of(1, 2, 3));

    expect(() => log.image('x', path, {})).toThrow(expect.objectContaining({ code: 'ERR_IMAGE_INVALID' }));
    expect(() => log.image('x', Uint8Array.of(1), { ext: 'a/b' })).toThrow(
      expect.objectContaining({
        code: 'ERR_IMAGE_INVALID',
        message: expect.stringContaining('ext is "a/b"'),
      }),
    );
    expect(() => log.image('x', png, { rescale: 2 })).toThrow(
      expect.objectContaining({
        code: 'ERR_IMAGE_INVALID',
        message: expect.stringContaining('rescale is 2'),
      }),
    );
    await read();
  });

  function readAllOf([event]: readonly ReadEvent[]): { value: Uint8Array } {
    const { value } = event!.shown[0]!;
    return { value: value.kind === 'images' ? value.images[0]! : new Uint8Array() };
  }
});

describe('images', () => {
  it('are resized, and tiled if they are a batch', async () => {
    const { log, read } = createLog();

    log.image('large', pixels(4), { rescale: 2 });
    log.image(
      'grid',
      { pixels: new Uint8Array(10 * 4), count: 10, height: 2, width: 2, dataFormat: 'NCHW' },
      {},
    );
    log.imageWithBoxes('boxes', pixels(10), [[1, 1, 5, 5]], { rescale: 0.5 });
    const events = await read();

    expect(events.map(({ shown }) => shown[0]!.value)).toMatchObject([
      { kind: 'images', height: 8, width: 8 },
      { kind: 'images', height: 4, width: 16 },
      { kind: 'images', height: 5, width: 5 },
    ]);
  });
});

describe('histograms', () => {
  it('have the requested bins', async () => {
    const { log, read, warnings } = createLog();

    log.histogram('rule', [1, 2, 3, Number.NaN], { bins: 'sqrt' });
    log.npHistogram('np', [3, 5], [0, 0.5, 1], {});
    const events = await read();

    expect(events.map(({ shown }) => shown[0]!.value)).toEqual([
      { kind: 'histogram', rows: Float64Array.of(1, 2, 1, 2, 3, 2) },
      { kind: 'histogram', rows: Float64Array.of(0, 0.5, 3, 0.5, 1, 5) },
    ]);
    expect(warnings).toEqual(['histogram rule: 1 values are NaN or infinite and are left out']);
  });
});

describe('pixels outside their range', () => {
  it('cause one warning', async () => {
    const { log, read, warnings } = createLog();
    const image = (value: number) => ({ pixels: Float32Array.of(0.5, value), height: 1, width: 2 });

    log.image('good', image(1), {});
    log.image('odd', image(200), {});
    log.gif('other', [image(3)], {});
    log.images('batch', { ...image(3), count: 2, width: 1 }, {});
    await read();

    expect(warnings).toEqual([
      'odd: pixels is a Float32Array of length 2 with values from 0.5 to 200; fractions outside 0–1 are clamped. Later images are not checked',
    ]);
  });
});
