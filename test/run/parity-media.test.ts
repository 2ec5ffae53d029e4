/** Every argument of Python's methods for images, videos, audio and tables, from the call to the files that Polyaxon reads. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import type { ImagePixels } from '../../src/index.js';
import { logForPolyaxon, readAsset, readPlx, readPlxValues } from '../support/polyaxon-run.js';
import { createTempDir } from '../support/temp-dir.js';

function write(name: string, content: string | Uint8Array): string {
  const path = join(createTempDir(), name);
  writeFileSync(path, content);
  return path;
}

/** Two rows of three pixels with different values for red, green and blue. */
const PIXELS = Uint8Array.from({ length: 18 }, (_, i) => i * 10);
const PICTURE: ImagePixels = { pixels: PIXELS, height: 2, width: 3 };
/** The same image, channel after channel. */
const PLANES = Uint8Array.from({ length: 18 }, (_, i) => PIXELS[(i % 6) * 3 + Math.floor(i / 6)]!);

/** The colours of a PNG, without its alpha channel. */
function readColors(png: Uint8Array): { height: number; width: number; colors: number[] } {
  const { height, width, data } = PNG.sync.read(Buffer.from(png));
  return { height, width, colors: [...data].filter((_, i) => i % 4 !== 3) };
}

describe('images', () => {
  it('are stored in assets under their name and step, with their size in the event', async () => {
    const directory = await logForPolyaxon((run) => run.logImage('an image', PICTURE, { step: 3 }));

    expect(readPlx(directory, 'image', 'an-image')).toMatchObject([
      { step: '3', value: { height: 2, width: 3, colorspace: 3, path: 'assets/image/an-image_3.png' } },
    ]);
    expect(readColors(readAsset(directory, 'image/an-image_3.png')).colors).toEqual([...PIXELS]);
  });

  it('can be pixels in any order of dimensions', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logImage('planes', { ...PICTURE, pixels: PLANES, dataFormat: 'CHW' }, { step: 0 });
      run.logImage('gray', { pixels: PIXELS, height: 3, width: 6, dataFormat: 'HW' }, { step: 0 });
      run.logImageWithBoxes('boxes', { ...PICTURE, pixels: PLANES, dataFormat: 'CHW' }, [], { step: 0 });
    });

    expect(readColors(readAsset(directory, 'image/planes_0.png')).colors).toEqual([...PIXELS]);
    expect(readColors(readAsset(directory, 'image/boxes_0.png')).colors).toEqual([...PIXELS]);
    expect(readColors(readAsset(directory, 'image/gray_0.png'))).toEqual({
      height: 3,
      width: 6,
      colors: [...PIXELS].flatMap((value) => [value, value, value]),
    });
  });

  it('are scaled by the given factor, also with boxes', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logImage('i', PICTURE, { rescale: 2 });
      run.logImageWithBoxes('b', PICTURE, [[0, 0, 1, 1]], { rescale: 2 });
    });

    for (const name of ['i', 'b']) {
      expect(readPlxValues(directory, 'image', name)).toMatchObject([{ height: 4, width: 6 }]);
    }
  });

  it('can be files, stored under the given name', async () => {
    const png = PNG.sync.write(new PNG({ width: 1, height: 1 }));
    const directory = await logForPolyaxon((run) =>
      run.logImage('shown', write('figure.PNG', png), { step: 1 }),
    );

    expect(readPlxValues(directory, 'image', 'shown')).toMatchObject([{ path: 'assets/image/shown_1.png' }]);
    expect(Buffer.compare(readAsset(directory, 'image/shown_1.png'), png)).toBe(0);
  });

  it('have the given format if their bytes do not identify one', async () => {
    const directory = await logForPolyaxon((run) =>
      run.logImage('i', Uint8Array.of(1, 2), { step: 1, ext: 'avif' }),
    );

    expect(readPlxValues(directory, 'image', 'i')).toEqual([{ path: 'assets/image/i_1.avif' }]);
    expect([...readAsset(directory, 'image/i_1.avif')]).toEqual([1, 2]);
  });

  it('have boxes drawn on them, from top left to bottom right', async () => {
    const white: ImagePixels = { pixels: new Uint8Array(8 * 8 * 3).fill(255), height: 8, width: 8 };
    const directory = await logForPolyaxon((run) =>
      run.logImageWithBoxes('b', white, [[1, 2, 6, 5]], { step: 0 }),
    );

    const { colors } = readColors(readAsset(directory, 'image/b_0.png'));
    const drawn = Array.from({ length: 64 }, (_, i) => i).filter((i) => colors[i * 3 + 1] !== 255);
    const rows = drawn.map((i) => Math.floor(i / 8));
    const columns = drawn.map((i) => i % 8);
    expect([Math.min(...columns), Math.min(...rows), Math.max(...columns), Math.max(...rows)]).toEqual([
      1, 2, 6, 5,
    ]);
    expect(colors[(3 * 8 + 3) * 3 + 1]).toBe(255);
  });
});

describe('videos', () => {
  it('can be frames with a given number per second', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logVideo('slow', [PICTURE, PICTURE], { step: 0 });
      run.logVideo('fast', [PICTURE, PICTURE], { step: 0, fps: 20 });
    });

    expect(readPlxValues(directory, 'video', 'slow')).toEqual([
      { height: 2, width: 3, colorspace: 3, path: 'assets/video/slow_0.gif', content_type: 'gif' },
    ]);
    expect(readDelays(readAsset(directory, 'video/slow_0.gif'))).toEqual([25, 25]);
    expect(readDelays(readAsset(directory, 'video/fast_0.gif'))).toEqual([5, 5]);
  });

  it('can be bytes of a given format, or files', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logVideo('bytes', { bytes: Uint8Array.of(1), contentType: 'video/webm' }, { step: 1 });
      run.logVideo('file', write('clip.mp4', 'mp4'), { step: 1 });
    });

    expect(readPlxValues(directory, 'video', 'bytes')).toEqual([
      { path: 'assets/video/bytes_1.webm', content_type: 'webm' },
    ]);
    expect(readPlxValues(directory, 'video', 'file')).toEqual([
      { path: 'assets/video/file_1.mp4', content_type: 'mp4' },
    ]);
    expect(readAsset(directory, 'video/file_1.mp4').toString()).toBe('mp4');
  });
});

describe('audio clips', () => {
  it('can be samples at a given rate', async () => {
    const directory = await logForPolyaxon((run) =>
      run.logAudio('tone', { samples: Float32Array.of(0, 0.5, -0.5), sampleRateHz: 8000 }, { step: 2 }),
    );

    expect(readPlxValues(directory, 'audio', 'tone')).toEqual([
      {
        sample_rate: 8000,
        num_channels: 1,
        length_frames: 3,
        path: 'assets/audio/tone_2.wav',
        content_type: 'audio/wav',
      },
    ]);
    expect(readAsset(directory, 'audio/tone_2.wav').readUInt32LE(24)).toBe(8000);
  });

  it('can be files, in the format of their file extension', async () => {
    const directory = await logForPolyaxon((run) =>
      run.logAudio('song', write('song.mp3', 'mp3'), { step: 2 }),
    );

    expect(readPlxValues(directory, 'audio', 'song')).toEqual([
      { path: 'assets/audio/song_2.mp3', content_type: 'audio/mpeg' },
    ]);
  });
});

describe('tables', () => {
  it('are stored as CSV or HTML files', async () => {
    const directory = await logForPolyaxon((run) => {
      run.logDataframe(
        'rows',
        [
          { a: 1, b: 'é,"' },
          { a: 2, b: null },
        ],
        { step: 1 },
      );
      run.logDataframe('columns', { a: [1, 2] }, { step: 1, contentType: 'html' });
    });

    expect(readPlxValues(directory, 'dataframe', 'rows')).toEqual([
      { path: 'assets/dataframe/rows_1.csv', content_type: 'csv' },
    ]);
    expect(readAsset(directory, 'dataframe/rows_1.csv').toString()).toBe(',a,b\n0,1,"é,"""\n1,2,\n');
    expect(readPlxValues(directory, 'dataframe', 'columns')).toEqual([
      { path: 'assets/dataframe/columns_1.html', content_type: 'html' },
    ]);
    expect(readAsset(directory, 'dataframe/columns_1.html').toString()).toMatch(/^<table .*<td>2<\/td>/s);
  });
});

/** Reads the delay of each frame of a GIF, in hundredths of a second. */
function readDelays(gif: Buffer): number[] {
  const delays: number[] = [];
  for (let at = gif.indexOf('21f904', 0, 'hex'); at >= 0; at = gif.indexOf('21f904', at + 1, 'hex'))
    delays.push(gif.readUInt16LE(at + 4));
  return delays;
}
