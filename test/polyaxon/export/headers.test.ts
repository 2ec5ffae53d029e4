import { describe, expect, it } from 'vitest';
import { readAudioHeader } from '../../../src/polyaxon/export/audio-header.js';
import { readImageHeader } from '../../../src/polyaxon/export/image-header.js';
import { readFixtureFile } from '../../support/polyaxon-fixture.js';

/** The first bytes of images of 7×5 pixels, written by Pillow 13.0.0. */
const HEADERS = {
  'PNG, gray': 'iVBORw0KGgoAAAANSUhEUgAAAAcAAAAFCAAAAACs8akEAAAADElEQVR4nGNg',
  'PNG, gray and alpha': 'iVBORw0KGgoAAAANSUhEUgAAAAcAAAAFCAQAAAAjkz5TAAAADElEQVR4nGNg',
  'PNG, palette': 'iVBORw0KGgoAAAANSUhEUgAAAAcAAAAFAQMAAACzVGSbAAAAA1BMVEUAAACn',
  'PNG, RGBA': 'iVBORw0KGgoAAAANSUhEUgAAAAcAAAAFCAYAAACJmvbYAAAADElEQVR4nGNg',
  'BMP, RGB': 'Qk2uAAAAAAAAADYAAAAoAAAABwAAAAUAAAABABgAAAAAAHgAAADEDgAAxA4A',
  'BMP, RGBA': 'Qk3CAAAAAAAAADYAAAAoAAAABwAAAAUAAAABACAAAAAAAIwAAADEDgAAxA4A',
  GIF: 'R0lGODdhBwAFAIAAAAAAAAAAACwAAAAABwAFAAAIDAABCBxIsKDBgwcDAgA7',
  WebP: 'UklGRiQAAABXRUJQVlA4IBgAAAAwAQCdASoHAAUAAUAmJaQAA3AA/v02aAA=',
} as const;
/** One grey pixel. */
const JPEG =
  '/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA=';

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

function wav(...chunks: readonly Buffer[]): Uint8Array {
  const riff = Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE', 'latin1'), ...chunks]);
  return new Uint8Array(riff);
}

function chunk(name: string, content: Buffer, sizeBytes = content.length): Buffer {
  const header = Buffer.alloc(8);
  header.write(name, 'latin1');
  header.writeUInt32LE(sizeBytes, 4);
  return Buffer.concat([header, content, Buffer.alloc(content.length % 2)]);
}

/** A stereo clip with 16 bits at 8,000 Hz. */
const FORMAT = chunk('fmt ', Buffer.from('01000200401f0000007d000004001000', 'hex'));

describe('readImageHeader', () => {
  it.each([
    ['PNG, gray', { extension: 'png', height: 5, width: 7, colorspace: 1 }],
    ['PNG, gray and alpha', { extension: 'png', height: 5, width: 7, colorspace: 2 }],
    ['PNG, palette', { extension: 'png', height: 5, width: 7, colorspace: 3 }],
    ['PNG, RGBA', { extension: 'png', height: 5, width: 7, colorspace: 4 }],
    ['BMP, RGB', { extension: 'bmp', height: 5, width: 7, colorspace: 3 }],
    ['BMP, RGBA', { extension: 'bmp', height: 5, width: 7, colorspace: 4 }],
    ['GIF', { extension: 'gif', height: 5, width: 7, colorspace: 3 }],
    ['WebP', { extension: 'webp' }],
  ] as const)('reads %s', (name, expected) => {
    expect(readImageHeader(bytesOf(HEADERS[name]))).toEqual(expected);
  });

  it('reads JPEG', () => {
    const expected = { extension: 'jpg', height: 1, width: 1, colorspace: 1 };

    expect(readImageHeader(bytesOf(JPEG))).toEqual(expected);
  });

  it.each([
    ['PNG, RGBA', 26],
    ['GIF', 10],
    ['BMP, RGB', 30],
    ['WebP', 12],
  ] as const)('reads all of %s from its first %d bytes, and only the format from fewer', (name, enough) => {
    const bytes = bytesOf(HEADERS[name]);
    const whole = readImageHeader(bytes);
    const { extension } = whole;
    const signature = name === 'WebP' ? 12 : 4;

    for (let length = 0; length < bytes.length; length++) {
      const expected = length >= enough ? whole : { extension: length >= signature ? extension : 'bin' };
      expect(readImageHeader(bytes.subarray(0, length))).toEqual(expected);
    }
  });

  it('reads the first frame of a JPEG: after other segments and fill bytes, and not a table', () => {
    const segment = (marker: number, ...content: number[]) => [
      0xff,
      marker,
      0,
      content.length + 2,
      ...content,
    ];
    const frame = (marker: number, components: number) => segment(marker, 8, 0, 5, 0, 7, components);
    const jpeg = (...parts: number[][]) =>
      readImageHeader(Uint8Array.from([0xff, 0xd8, ...parts.flat(), 0, 0]));
    const size = { extension: 'jpg', height: 5, width: 7 };

    for (const marker of [0xc0, 0xc1, 0xc2, 0xcf, 0xc5])
      expect(jpeg(segment(0xe0, 1, 2, 3), frame(marker, 3))).toEqual({ ...size, colorspace: 3 });
    for (const table of [0xc4, 0xc8, 0xcc])
      expect(jpeg(frame(table, 9), [0xff, 0xff], frame(0xc0, 1))).toEqual({ ...size, colorspace: 1 });
    expect(jpeg(frame(0xc0, 4))).toEqual(size);
    expect(jpeg(frame(0xbf, 3))).toEqual({ extension: 'jpg' });
    expect(jpeg(frame(0xd0, 3))).toEqual({ extension: 'jpg' });
    expect(jpeg(segment(0xe0, 1), [0, 0xc0], frame(0xc0, 3))).toEqual({ extension: 'jpg' });
  });

  it('reads any truncated header without an error', () => {
    for (const base64 of [...Object.values(HEADERS), JPEG]) {
      const bytes = bytesOf(base64);
      for (let length = 0; length <= bytes.length; length++) {
        expect(readImageHeader(bytes.subarray(0, length)).extension).toMatch(/^(png|bmp|gif|webp|jpg|bin)$/);
      }
    }
  });
});

describe('readAudioHeader', () => {
  it('reads WAV files written by Python', () => {
    expect(readAudioHeader(readFixtureFile('assets/audio/tone_5.wav'))).toEqual({
      extension: 'wav',
      contentType: 'audio/wav',
      sampleRateHz: 8000,
      channels: 1,
      lengthFrames: 45,
    });
  });

  it('finds the samples after other chunks, and counts only those that exist', () => {
    const list = chunk('LIST', Buffer.from('odd'));
    const expected = { extension: 'wav', contentType: 'audio/wav', sampleRateHz: 8000, channels: 2 };

    expect(readAudioHeader(wav(list, FORMAT, list, chunk('data', Buffer.alloc(12))))).toEqual({
      ...expected,
      lengthFrames: 3,
    });
    expect(readAudioHeader(wav(FORMAT, chunk('data', Buffer.alloc(8), 0xffffffff)))).toEqual({
      ...expected,
      lengthFrames: 2,
    });
    expect(readAudioHeader(wav(FORMAT))).toEqual(expected);
  });

  it.each([
    ['OggS\0', 'ogg', 'audio/ogg'],
    ['fLaC\0', 'flac', 'audio/flac'],
    ['ID3\x04\0', 'mp3', 'audio/mpeg'],
    ['\xff\xfb\x90\0', 'mp3', 'audio/mpeg'],
    ['????', 'bin', undefined],
    ['', 'bin', undefined],
  ])('recognises %j by its first bytes', (start, extension, contentType) => {
    expect(readAudioHeader(new Uint8Array(Buffer.from(start, 'latin1')))).toEqual({
      extension,
      ...(contentType === undefined ? {} : { contentType }),
    });
  });
});
