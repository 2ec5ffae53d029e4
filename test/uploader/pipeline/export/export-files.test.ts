import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { ExportFiles } from '../../../../uploader/pipeline/export/export-files.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { systemError, wrapFileSystem } from '../../support/wrapped-file-system.js';

const METRIC = 'events/metric/loss.plx';
const IMAGE = 'assets/image/a_1.png';
const bytes = (text: string) => Buffer.from(text);
const content = (text: string) => ({ sizeBytes: text.length, crc32: crc32(text) });

let directory: string;
let files: ExportFiles;
beforeEach(() => {
  directory = createTempDir();
  files = new ExportFiles(nodeFileSystem, directory);
});

const text = (path: string) => readFileSync(join(directory, path), 'utf8');
function put(path: string, value: string): void {
  mkdirSync(join(directory, path, '..'), { recursive: true });
  writeFileSync(join(directory, path), value);
}

describe('ExportFiles.write', () => {
  it('writes assets and appends, and knows their contents', async () => {
    await files.write({
      appends: [{ path: METRIC, offset: 0, bytes: bytes('first\n') }],
      assets: [{ path: IMAGE, bytes: bytes('png') }],
    });
    await files.write({ appends: [{ path: METRIC, offset: 6, bytes: bytes('second\n') }], assets: [] });

    expect(text(METRIC)).toBe('first\nsecond\n');
    expect(text(IMAGE)).toBe('png');
    expect([...files.files]).toEqual([[METRIC, content('first\nsecond\n')]]);
    expect([...files.assets]).toEqual([[IMAGE, content('png')]]);
  });

  it('replaces files of an earlier process, and a file that begins again', async () => {
    put(METRIC, 'a much longer text of an earlier process');
    put(IMAGE, 'a much longer image');
    const image = { path: IMAGE, bytes: bytes('png') };
    for (const value of ['one\n', 'two\n'])
      await files.write({ appends: [{ path: METRIC, offset: 0, bytes: bytes(value) }], assets: [image] });

    expect(text(METRIC)).toBe('two\n');
    expect(text(IMAGE)).toBe('png');
    expect([...files.files]).toEqual([[METRIC, content('two\n')]]);
  });

  it.each([1, 5, 7])('rejects an append at %d that is not the end of the file', async (offset) => {
    await files.write({ appends: [{ path: METRIC, offset: 0, bytes: bytes('first\n') }], assets: [] });

    await expect(
      files.write({ appends: [{ path: METRIC, offset, bytes: bytes('x') }], assets: [] }),
    ).rejects.toThrow(`${METRIC} has 6 bytes, the export continues at ${offset}`);
    expect(text(METRIC)).toBe('first\n');
  });
});

describe('ExportFiles.restore', () => {
  const saved = {
    files: new Map([[METRIC, content('first\n')]]),
    assets: new Map([[IMAGE, content('png')]]),
  };
  const restore = (isStored = () => false, fileSystem = nodeFileSystem) => {
    files = new ExportFiles(fileSystem, directory);
    return files.restore(saved as unknown as Parameters<ExportFiles['restore']>[0], isStored);
  };

  it('continues files that are as they were, cuts longer ones, and removes all others', async () => {
    put(METRIC, 'first\nafter the last save');
    put(IMAGE, 'png');
    put('events/metric/other.plx', 'unknown');
    put('assets/image/other.png', 'unknown');

    expect(await restore()).toBe(true);

    expect(text(METRIC)).toBe('first\n');
    expect(text(IMAGE)).toBe('png');
    expect(readdirSync(join(directory, 'events/metric'))).toEqual(['loss.plx']);
    expect(readdirSync(join(directory, 'assets/image'))).toEqual(['a_1.png']);
    await files.write({ appends: [{ path: METRIC, offset: 6, bytes: bytes('second\n') }], assets: [] });
    expect([...files.files]).toEqual([[METRIC, content('first\nsecond\n')]]);
  });

  it.each([
    ['a shorter file', 'first', 'png'],
    ['a file with other bytes', 'FIRST\n', 'png'],
    ['an asset with other bytes', 'first\n', 'gif'],
    ['no asset', 'first\n', null],
    ['no file', null, 'png'],
  ])('must begin again with %s', async (_, metric, image) => {
    if (metric !== null) put(METRIC, metric);
    if (image !== null) put(IMAGE, image);

    expect(await restore()).toBe(false);
  });

  it('needs no file that is stored, but cannot append to it', async () => {
    expect(await restore(() => true)).toBe(true);

    expect(files.areAllRemoved).toBe(true);
    expect(files.canAppend([{ path: METRIC, offset: 6, bytes: bytes('x') }])).toBe(false);
    expect(files.canAppend([{ path: 'events/metric/new.plx', offset: 0, bytes: bytes('x') }])).toBe(true);
    await files.clear();
    expect(files.canAppend([{ path: METRIC, offset: 0, bytes: bytes('x') }])).toBe(true);
    expect([files.files.size, files.assets.size]).toEqual([0, 0]);
  });

  it('passes on the errors of the disk', async () => {
    const fileSystem = wrapFileSystem({ openForUpdate: () => Promise.reject(systemError('EIO')) });

    await expect(restore(() => true, fileSystem)).rejects.toMatchObject({ code: 'EIO' });
  });
});

describe('ExportFiles: files on disk', () => {
  it('removes the local copy of a file that is stored, and finds those that are left', async () => {
    await files.write({
      appends: [{ path: METRIC, offset: 0, bytes: bytes('x') }],
      assets: [{ path: IMAGE, bytes: bytes('png') }],
    });
    expect(files.areAllRemoved).toBe(false);

    await files.removeStored(IMAGE);
    expect(files.canAppend([{ path: METRIC, offset: 1, bytes: bytes('x') }])).toBe(true);
    expect((await files.check([METRIC, IMAGE])).map(([path, { sizeBytes }]) => [path, sizeBytes])).toEqual([
      [METRIC, 1],
    ]);
    await files.removeStored(METRIC);

    expect(existsSync(join(directory, METRIC))).toBe(false);
    expect(files.areAllRemoved).toBe(true);
    expect(files.canAppend([{ path: METRIC, offset: 1, bytes: bytes('x') }])).toBe(false);
  });

  it('removes everything when it is cleared', async () => {
    put('events/metric/old.plx', 'x');
    put('outputs/mine.txt', 'kept');
    await files.write({ appends: [{ path: METRIC, offset: 0, bytes: bytes('x') }], assets: [] });

    await files.clear();

    expect(existsSync(join(directory, METRIC))).toBe(false);
    expect(existsSync(join(directory, 'events/metric/old.plx'))).toBe(false);
    expect(text('outputs/mine.txt')).toBe('kept');
  });
});
