import { describe, expect, it } from 'vitest';
import type { Event, SummaryValue } from '../../../src/format/wire/messages.js';
import { Exporter, type ExporterState } from '../../../src/polyaxon/export/exporter.js';
import { createSessionStartValue } from '../../../src/summary/hparams.js';
import { ExportedFiles } from '../../support/exported-files.js';
import { readFixtureFile } from '../../support/polyaxon-fixture.js';
import {
  audioValue,
  foreignValue,
  histogramValue,
  imagesValue,
  polyaxonValue,
  scalarValue,
  textValue,
  toEvent,
} from '../../support/summary-events.js';

const WALL = 1_700_000_000.5;
const TIME = '2023-11-14 22:13:20.500000+00:00';
const PNG = readFixtureFile('assets/image/alpha_0.png');
const GIF = readFixtureFile('assets/video/clip_2.gif');
const WAV = readFixtureFile('assets/audio/tone_0.wav');

function project(events: readonly Event[], logDirectory = '', exporter = new Exporter()) {
  for (const event of events) exporter.push(event, logDirectory);
  return { exporter, written: new ExportedFiles().take(exporter) };
}

/** Returns the value without its metadata, as in later events of a tag. */
function withoutMetadata({ tag, value }: SummaryValue): SummaryValue {
  return value === undefined ? { tag } : { tag, value };
}

describe('Exporter', () => {
  it('writes the header once, and appends at the end of the file', () => {
    const exporter = new Exporter();
    exporter.push(toEvent(1, WALL, scalarValue('loss', 0.1)));
    const first = exporter.take();
    const none = exporter.take();
    exporter.push(toEvent(2, WALL, scalarValue('loss', 0.25)));
    const second = exporter.take();

    const text = ({ appends }: typeof first) =>
      appends.map(({ offset, bytes }) => [offset, Buffer.from(bytes).toString()]);
    const header = 'step|timestamp|metric';
    expect(text(first)).toEqual([[0, `${header}\n1|${TIME}|0.1`]]);
    expect(none).toEqual({ appends: [], assets: [], supersededAssets: [], inputs: {}, notices: [] });
    expect(text(second)).toEqual([[header.length + TIME.length + 7, `\n2|${TIME}|0.25`]]);
  });

  it('remembers the plugin of a tag per log directory, and prefixes names with the directory', () => {
    const exporter = new Exporter();
    const loss = scalarValue('loss', 1);
    exporter.push(toEvent(0, WALL, loss));
    exporter.push(toEvent(0, WALL, withoutMetadata(scalarValue('loss', 5))), 'worker-1/x');
    exporter.push(toEvent(1, WALL, withoutMetadata(loss)));
    exporter.push(toEvent(1, WALL, scalarValue('loss', 6)), 'worker-1/x');
    exporter.push(toEvent(2, WALL, withoutMetadata(loss)), 'worker-1/x');

    const { written } = project([], '', exporter);

    expect(written.paths).toEqual(['events/metric/loss.plx', 'events/metric/worker-1__x__loss.plx']);
    expect(exporter.counts).toMatchObject({ rows: { metric: 4 }, unexported: { unknown: 1 } });
  });

  it('writes a row and a file for each image and clip, and overwrites none if a step is repeated', () => {
    const { written, exporter } = project([
      toEvent(1, WALL, imagesValue('a', PNG, GIF)),
      toEvent(2, WALL, imagesValue('a', PNG)),
      toEvent(1, WALL, imagesValue('a', PNG)),
      toEvent(2, WALL, imagesValue('a_1', PNG), audioValue('a', WAV, Uint8Array.of(1, 2, 3))),
    ]);

    expect(written.paths.filter((path) => path.startsWith('assets/'))).toEqual([
      'assets/audio/a-audio_2-1.bin',
      'assets/audio/a-audio_2.wav',
      'assets/image/a_1-1.gif',
      'assets/image/a_1-3.png',
      'assets/image/a_1.png',
      'assets/image/a_1_2.png',
      'assets/image/a_2.png',
    ]);
    expect(written.text('events/image/a.plx').split('\n').slice(1)).toEqual([
      `1|${TIME}|{"height":5,"width":2,"colorspace":4,"path":"assets/image/a_1.png"}`,
      `1|${TIME}|{"height":2,"width":3,"colorspace":3,"path":"assets/image/a_1-1.gif"}`,
      `2|${TIME}|{"height":5,"width":2,"colorspace":4,"path":"assets/image/a_2.png"}`,
      `1|${TIME}|{"height":5,"width":2,"colorspace":4,"path":"assets/image/a_1-3.png"}`,
    ]);
    expect(written.bytes('assets/image/a_1-1.gif')).toEqual(GIF);
    expect(exporter.counts).toMatchObject({
      exported: { image: 4, audio: 1 },
      rows: { image: 5, audio: 2 },
    });
  });

  it('keeps no reference to its input', () => {
    const image = PNG.slice();
    const exporter = new Exporter();
    exporter.push(toEvent(1, WALL, imagesValue('a', image)));
    image.fill(0);

    expect(project([], '', exporter).written.bytes('assets/image/a_1.png')).toEqual(PNG);
  });

  it('uses the size in the value for images of unknown formats', () => {
    const { written } = project([toEvent(7, WALL, imagesValue('a', Uint8Array.of(9)))]);

    expect(written.text('events/image/a.plx')).toContain(
      '{"height":2,"width":3,"path":"assets/image/a_7.bin"}',
    );
  });

  it('joins the cells of a table to one text', () => {
    const { written } = project([
      toEvent(1, WALL, textValue('a', ['x|y', 'line\nbreak', '', 'd'], [2, 2])),
      toEvent(2, WALL, textValue('a', ['only'], [1, 1])),
      toEvent(3, WALL, textValue('a', [], [0])),
    ]);

    const texts = written.text('events/text/a.plx').split('\n').slice(1);
    expect(texts.map((line) => JSON.parse(line).text)).toEqual([
      '|  |  |\n|---|---|\n| x\\|y | line<br>break |\n|  | d |',
      'only',
      '',
    ]);
  });

  it('fills the gaps of a histogram', () => {
    const { written } = project([
      toEvent(
        1,
        WALL,
        histogramValue('a', [
          [0, 1, 3],
          [1, 2, 4],
          [5, 6, 1],
        ]),
      ),
      toEvent(2, WALL, histogramValue('a', [])),
    ]);

    expect(written.text('events/histogram/a.plx').split('\n').slice(1)).toEqual([
      `1|${TIME}|{"values":[3.0,4.0,0.0,1.0],"counts":[0.0,1.0,2.0,5.0,6.0]}`,
      `2|${TIME}|{"values":[],"counts":[]}`,
    ]);
  });

  it('skips the previews of a Polyaxon event, except for its asset', () => {
    const video = polyaxonValue({
      kind: 'video',
      name: 'clip',
      value: { content_type: 'gif', colorspace: 3, width: 3, height: 2 },
      asset: { extension: 'gif', inTag: 'clip' },
    });
    const { written, exporter } = project([
      toEvent(1, WALL, imagesValue('clip', GIF), video, textValue('clip/text', ['seen'])),
      toEvent(2, WALL, withoutMetadata(imagesValue('clip', GIF)), withoutMetadata(video)),
    ]);

    expect(written.paths).toEqual([
      'assets/video/clip_1.gif',
      'assets/video/clip_2.gif',
      'events/video/clip.plx',
    ]);
    expect(written.text('events/video/clip.plx').split('\n')[1]).toBe(
      `1|${TIME}|{"height":2,"width":3,"colorspace":3,"path":"assets/video/clip_1.gif","content_type":"gif"}`,
    );
    expect(exporter.counts).toMatchObject({
      values: 5,
      exported: { video: 2 },
      previews: 3,
      unexported: {},
      invalid: {},
    });
  });

  it('escapes bars in values, so that readers do not split rows there', () => {
    const value = { kind: 'custom', x: [1], y: [0], annotation: 'a|b' };
    const { written } = project([toEvent(1, WALL, polyaxonValue({ kind: 'curve', name: 'c', value }))]);

    expect(written.text('events/curve/c.plx').split('|')).toHaveLength(5);
    expect(written.text('events/curve/c.plx')).toContain('"annotation":"a\\u007cb"');
  });

  it('writes exactly one row for any text', () => {
    const value = 'two\nlines | and "quotes"';
    const { written } = project([
      toEvent(1, WALL, polyaxonValue({ kind: 'table', name: 't', value })),
      toEvent(1, WALL, polyaxonValue({ kind: 'html', name: 'h', value })),
    ]);

    expect(written.text('events/table/t.plx')).toBe(
      `step|timestamp|table\n1|${TIME}|"two\\nlines \\u007c and \\"quotes\\""`,
    );
    expect(JSON.parse(written.text('events/html/h.plx')).html).toBe(value);
  });

  it('counts values that cannot be read, and reports each tag once', () => {
    const bad = (name: string): SummaryValue =>
      polyaxonValue({ kind: 'image', name, value: {}, asset: { extension: 'png', inTag: 'gone' } });
    const { written, exporter } = project([
      toEvent(1, WALL, bad('a')),
      toEvent(2, WALL, bad('a')),
      toEvent(3, WALL, bad('b')),
      toEvent(4, WALL, histogramValue('h', [[1, 2]])),
    ]);

    expect(exporter.counts).toMatchObject({ values: 4, invalid: { polyaxon: 3, histograms: 1 } });
    expect(written.paths).toEqual([]);
    expect(written.notices.map(({ code, rawName }) => [code, rawName])).toEqual([
      ['WARN_VALUE_INVALID', 'polyaxon/image/a'],
      ['WARN_VALUE_INVALID', 'polyaxon/image/b'],
      ['WARN_VALUE_INVALID', 'h'],
    ]);
  });

  it('reports each changed name', () => {
    const { written } = project(
      [
        toEvent(1, WALL, scalarValue('a b', 1), scalarValue('a-b', 2), scalarValue('日本', 3)),
        toEvent(2, WALL, textValue('a b', ['x']), scalarValue('a-b', 4)),
      ],
      'w',
    );

    expect(written.paths).toEqual([
      'events/metric/w__a-b-3e9a.plx',
      'events/metric/w__a-b.plx',
      'events/metric/w__日本.plx',
      'events/text/w__a-b-text.plx',
    ]);
    expect(written.notices.map(({ code, kind, rawName }) => [code, kind, rawName])).toEqual([
      ['WARN_NAME_TAKEN', 'metric', 'w/a-b'],
      ['WARN_NAME_TAKEN', 'text', 'w/a b'],
    ]);
    for (const { name, message } of written.notices) expect(message).toContain(name);
  });

  it('cuts names to the limits of file systems and the server', () => {
    const name = 'é'.repeat(400);
    const { written, exporter } = project([
      toEvent(2n ** 62n, WALL, imagesValue(name, PNG, PNG), scalarValue(`${name}2`, 1)),
    ]);

    expect(exporter.artifacts().map(({ path }) => path.length)).toEqual([256, 256]);
    for (const path of written.paths) expect(path.split('/').at(-1)!.length).toBeLessThanOrEqual(255);
    expect(written.notices.map(({ code }) => code)).toEqual(['WARN_NAME_CUT', 'WARN_NAME_CUT']);
  });

  it('prints steps beyond 2^53, and replaces wall times outside the calendar', () => {
    const { written } = project([
      toEvent(2n ** 53n + 1n, Number.NaN, scalarValue('a', 1)),
      toEvent(-(2n ** 63n), 1e300, scalarValue('a', 1)),
    ]);

    expect(written.text('events/metric/a.plx').split('\n').slice(1)).toEqual([
      '9007199254740993|1970-01-01 00:00:00.000000+00:00|1.0',
      '-9223372036854775808|9999-12-31 23:59:59.000000+00:00|1.0',
    ]);
    expect(written.notices.map(({ code }) => code)).toEqual(['WARN_WALL_TIME_UNPRINTABLE']);
  });

  it('exports only numbers to resources', () => {
    const exporter = new Exporter({ target: 'resources' });
    const { written } = project(
      [
        toEvent(3, WALL, scalarValue('cpu', 12)),
        toEvent(4, WALL, textValue('note', ['x']), foreignValue('mesh', 'm')),
        toEvent(5, WALL, polyaxonValue({ kind: 'html', name: 'h', value: 'x' })),
      ],
      '',
      exporter,
    );

    expect(written.toObject()).toEqual({
      'resources/metric/cpu.plx': `step|timestamp|metric\n|${TIME}|12.0`,
    });
    expect(exporter.counts.unexported).toEqual({ text: 1, mesh: 1, polyaxon: 1 });
    expect(exporter.artifacts()).toEqual([
      {
        name: 'cpu',
        kind: 'system',
        path: 'resources/metric/cpu.plx',
        summary: {
          is_event: true,
          timestamp: { min: '2023-11-14T22:13:20.500000+00:00', max: '2023-11-14T22:13:20.500000+00:00' },
          metric: {
            ...{ count: 1, mean: 12, std: null, min: 12 },
            ...{ '25%': 12, '50%': 12, '75%': 12, max: 12, last: 12 },
          },
        },
        is_input: false,
      },
    ]);
  });

  it.each([
    ['train', 'lr', 'train__acc'],
    ['1700000000.25', 'lr', 'acc'],
    ['trial', 'trial__lr', 'trial__acc'],
    ['trial/eval', 'trial__lr', 'trial__eval__acc'],
    ['trial/1700000000', 'trial__lr', 'trial__acc'],
  ])('names hyperparameters and metrics in %s by what they belong to', (directory, input, metric) => {
    const exporter = new Exporter();
    exporter.push(toEvent(0, 1, createSessionStartValue({ lr: 0.5 }, 1)), directory);
    exporter.push(toEvent(0, 1, scalarValue('acc', 1)), directory);

    expect(exporter.take().inputs).toEqual({ [input]: 0.5 });
    expect(exporter.artifacts().map(({ name }) => name)).toEqual([metric]);
  });

  it('converts hyperparameters to inputs, also if their metadata came before a restart', () => {
    const hparams = { 'opt/lr': 0.5, opt__lr: 1, 日本: 'x', on: true, nan: Number.NaN };
    const session = createSessionStartValue(hparams, WALL);
    const first = new Exporter();
    first.push(toEvent(0, WALL, session), 'trial');
    const expected = {
      trial__opt__lr: 0.5,
      'trial__opt__lr-9bda08ff': 1,
      trial__日本: 'x',
      trial__on: true,
      trial__nan: 'NaN',
    };

    expect(first.take().inputs).toEqual(expected);
    const second = new Exporter({ state: JSON.parse(JSON.stringify(first.state)) });
    second.push(toEvent(0, WALL, withoutMetadata(session)), 'trial');
    const { inputs, notices } = second.take();
    expect(inputs).toEqual(expected);
    expect(notices.map(({ code, kind, name }) => [code, kind, name])).toEqual([
      ['WARN_NAME_TAKEN', 'input', 'trial__opt__lr-9bda08ff'],
    ]);
    expect(second.counts).toMatchObject({ values: 2, inputs: 2 });
  });

  it('counts events other than summaries', () => {
    const { exporter } = project([
      { step: 0, wallTime: WALL, what: { kind: 'fileVersion', fileVersion: 'brain.Event:2' } },
      { step: 0, wallTime: WALL, what: { kind: 'graphDef', graphDef: Uint8Array.of(1) } },
      {
        step: 0,
        wallTime: WALL,
        what: { kind: 'taggedRunMetadata', tag: 'a', runMetadata: Uint8Array.of() },
      },
    ]);

    expect(exporter.counts).toMatchObject({
      values: 2,
      unexported: { graphs: 1, graph_tagged_run_metadata: 1 },
    });
  });

  it('has a state only if no output is pending', () => {
    const exporter = new Exporter();
    exporter.push(toEvent(1, WALL, scalarValue('a', 1)));

    expect(() => exporter.state).toThrow('call take() before reading state');
    exporter.take();
    const state: ExporterState = JSON.parse(JSON.stringify(exporter.state));
    expect(state).toEqual(exporter.state);
  });
});
