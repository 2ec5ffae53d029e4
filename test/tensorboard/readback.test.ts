/** TensorBoard serves the logged values with both readers. */

import { PNG } from 'pngjs';
import { expect, it } from 'vitest';
import { Run } from '../../src/index.js';
import { createHistogramRows } from '../../src/summary/histogram.js';
import { describeWithPeers } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const JPEG = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=',
  'base64',
);

const SCALARS: readonly (readonly [step: number | bigint, value: number])[] = [
  [-(2n ** 63n), 1],
  [-5, 0.1],
  [-1, -0],
  [0, 3.25],
  [1, Number.NaN],
  [2, Number.POSITIVE_INFINITY],
  [3, Number.NEGATIVE_INFINITY],
  [2 ** 31, 1e-45],
  [2 ** 53 - 1, 3.4028234663852886e38],
  [2 ** 53, 1e30],
  [2n ** 53n + 1n, -1e-30],
  [2n ** 63n - 1n, 7],
];
const NAMES = ['loss', 'train/loss', 'Überraschung 日本 🎉', 'a?b=c&d#e%f', '/leading', 'x'.repeat(256)];
const SINES = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i));
const TEXT = 'Hello **wörld** 🎉\n\n| a | b |\n|---|---|\n| 1 | 2 |';

interface Logged {
  readonly logdir: string;
  readonly image: Uint8Array;
  readonly wav: Int16Array;
}

async function logEverything(): Promise<Logged> {
  const root = createTempDir();
  const run = new Run({ root, name: 'readback' });
  for (const name of NAMES) {
    for (const [step, value] of SCALARS) run.logMetric(name, value, { step, wallTime: 1_700_000_000.125 });
  }
  run.logMetric('described', 1, { displayName: 'Nice name', description: 'with *emphasis*' });
  for (const channels of [1, 2, 3, 4] as const) {
    const pixels = Uint8Array.from({ length: 5 * 7 * channels }, (_, i) => (i * 37) % 256);
    run.logImage(`pixels-${channels}`, { pixels, height: 5, width: 7, channels });
  }
  run.logImage('fractions', { pixels: Float32Array.of(0, 0.5, 1, 2, -1, Number.NaN), height: 1, width: 2 });
  run.logImage('jpeg', JPEG, { step: 1 });
  run.logImage('jpeg', JPEG, { step: 2 });
  const wav = Int16Array.from({ length: 100 }, (_, i) => (i * 997) % 32_767);
  run.logAudio('int16', { samples: wav, sampleRateHz: 8000, channels: 2 }, { step: 4 });
  run.logAudio('float', { samples: Float32Array.of(0, 1, -1, 2, Number.NaN), sampleRateHz: 44_100 });
  run.logHistogram('values', SINES, { step: 1 });
  run.logHistogram('values', [2, 2, 2], { step: 2 });
  run.logHistogram('values', [], { step: 3 });
  run.logHistogram('edges', { edges: [-1, 0, 2, 5], counts: [3, 0, 1.5] });
  run.logText('note', TEXT, { step: 9 });
  await run.end();
  return { logdir: run.paths.links, image: JPEG, wav };
}

interface AudioClip {
  readonly step: number;
  readonly contentType: string;
  readonly query: string;
}

type HistogramPoint = readonly [
  wallTime: number,
  step: number,
  rows: readonly (readonly [number, number, number])[],
];

/** Returns a step in the form of the test's JSON parser. */
function asJsonStep(step: number | bigint): number | bigint {
  return Number.isSafeInteger(Number(step)) ? Number(step) : BigInt(step);
}

async function readImage(board: TensorBoard, run: string, tag: string, index: number): Promise<Uint8Array> {
  const images = (await board.get('plugin/images/images', { run, tag, sample: 0 })) as { query: string }[];
  return board.getBytes('plugin/images/individualImage', images[index]!.query);
}

/** The bytes of an RGBA pixel that each PNG colour type uses. The library always returns RGBA. */
const CHANNEL_OFFSETS: Record<number, readonly number[]> = {
  0: [0],
  4: [0, 3],
  2: [0, 1, 2],
  6: [0, 1, 2, 3],
};

function decodePng(bytes: Uint8Array): { height: number; width: number; pixels: number[] } {
  const { height, width, data } = PNG.sync.read(Buffer.from(bytes));
  const offsets = CHANNEL_OFFSETS[bytes[25]!]!;
  const pixels = Array.from({ length: height * width }, (_, i) =>
    offsets.map((offset) => data[i * 4 + offset]!),
  ).flat();
  return { height, width, pixels };
}

describeWithPeers(['tensorboard'], 'TensorBoard', () => {
  it.each([true, false])('serves the logged values of every kind, with load_fast %s', async (fast) => {
    const { logdir, image, wav } = await logEverything();
    const board = await TensorBoard.start({ logdir, fast });
    const run = await board.waitFor('runs', {}, (runs) => (runs as string[])[0]);
    expect(run).toMatch(/^readback-[0-9a-f]{8}$/);
    await board.waitFor('plugin/text/tags', {}, (tags) => (tags as Record<string, string[]>)[run]?.[0]);

    for (const tag of NAMES) {
      expect(await board.get('plugin/scalars/scalars', { run, tag })).toEqual(
        SCALARS.map(([step, value]) => [
          1_700_000_000.125,
          asJsonStep(step),
          Number.isFinite(value) ? Math.fround(value) : String(value),
        ]),
      );
    }
    expect(await board.get('plugin/scalars/tags')).toMatchObject({
      [run]: { described: { displayName: 'Nice name', description: '<p>with <em>emphasis</em></p>' } },
    });

    for (const channels of [1, 2, 3, 4]) {
      const expected = Array.from({ length: 5 * 7 * channels }, (_, i) => (i * 37) % 256);
      expect(decodePng(await readImage(board, run, `pixels-${channels}`, 0))).toEqual({
        height: 5,
        width: 7,
        pixels: expected,
      });
    }
    expect(decodePng(await readImage(board, run, 'fractions', 0)).pixels).toEqual([0, 128, 255, 255, 0, 0]);
    expect(await readImage(board, run, 'jpeg', 1)).toEqual(new Uint8Array(image));

    const [clip] = (await board.get('plugin/audio/audio', { run, tag: 'int16', sample: 0 })) as AudioClip[];
    expect(clip).toMatchObject({ step: 4, contentType: 'audio/wav' });
    const bytes = await board.getBytes('plugin/audio/individualAudio', clip!.query);
    expect([...new Int16Array(bytes.slice(44).buffer)]).toEqual([...wav]);
    const [floats] = (await board.get('plugin/audio/audio', { run, tag: 'float', sample: 0 })) as AudioClip[];
    const floatBytes = await board.getBytes('plugin/audio/individualAudio', floats!.query);
    expect([...new Int16Array(floatBytes.slice(44).buffer)]).toEqual([0, 32_767, -32_768, 32_767, 0]);

    const histograms = (await board.get('plugin/histograms/histograms', {
      run,
      tag: 'values',
    })) as HistogramPoint[];
    expect(
      histograms.map(([, step, rows]) => [step, rows.length, rows.reduce((sum, row) => sum + row[2], 0)]),
    ).toEqual([
      [1, 30, 1000],
      [2, 30, 3],
      [3, 30, 0],
    ]);
    const { rows } = createHistogramRows(SINES);
    expect(histograms[0]?.[2].flat()).toEqual([...rows]);
    const [edges] = (await board.get('plugin/histograms/histograms', {
      run,
      tag: 'edges',
    })) as HistogramPoint[];
    expect(edges?.[2]).toEqual([
      [-1, 0, 3],
      [0, 2, 0],
      [2, 5, 1.5],
    ]);

    const texts = await board.get('plugin/text/text', { run, tag: 'note', markdown: 'false' });
    expect(texts).toEqual([expect.objectContaining({ step: 9, text: TEXT })]);
    expect(board.output()).not.toMatch(/warn|error|exception|traceback/i);
  });
});
