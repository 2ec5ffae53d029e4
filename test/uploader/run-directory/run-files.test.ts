import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { listProcessFiles, readRunFiles, readSignature } from '../../../uploader/run-directory/run-files.js';
import { createTempDir } from '../../support/temp-dir.js';
import { systemError, wrapFileSystem } from '../support/wrapped-file-system.js';

describe('readRunFiles', () => {
  it.each(['run.plx.json', 'lineages.plx.json', '.plx/worker-one.json'])(
    'F80: reports %s if it is huge, instead of reading it',
    async (name) => {
      const directory = createTempDir();
      mkdirSync(join(directory, '.plx'));
      writeFileSync(join(directory, name), '[]');
      truncateSync(join(directory, name), 2 ** 40);

      await expect(readRunFiles(nodeFileSystem, Buffer.from(directory))).rejects.toMatchObject({
        code: 'ERR_FILE_TOO_LARGE',
        message: expect.stringContaining(`has ${2 ** 40} bytes, expected at most`),
      });
    },
  );

  it('returns nothing for now while a file is not valid JSON', async () => {
    const directory = createTempDir();
    writeFileSync(join(directory, 'run.plx.json'), '{');
    const errors: unknown[] = [];

    const files = await readRunFiles(nodeFileSystem, Buffer.from(directory), (error) => errors.push(error));

    expect(files).toBeNull();
    expect(errors).toMatchObject([{ code: 'ERR_FILE_UNREADABLE', path: join(directory, 'run.plx.json') }]);
  });
});

/** A run directory with these files of JSON. */
function write(files: Readonly<Record<string, unknown>>): Buffer {
  const directory = createTempDir();
  mkdirSync(join(directory, '.plx'));
  for (const [name, value] of Object.entries(files))
    writeFileSync(join(directory, name), JSON.stringify(value));
  return Buffer.from(directory);
}

describe('readRunFiles: workers and end', () => {
  it('has the workers in the order of their names, whatever that of the file system is', async () => {
    const directory = write({
      'run.plx.json': { uuid: 'a'.repeat(32), name: 'run' },
      '.plx/worker-b.json': { inputs: { from: 'b' } },
      '.plx/worker-a.json': { inputs: { from: 'a' } },
      '.plx/other.json': { inputs: { from: 'other' } },
      '.plx/end-main.json': { status: 'succeeded', ended_at: '2026-01-01T00:00:00Z' },
      '.plx/end-a.json': { status: 'failed', ended_at: '2026-01-01T00:00:00Z' },
    });
    const fileSystem = wrapFileSystem({
      readDirectory: async (path) => (await nodeFileSystem.readDirectory(path)).sort().reverse(),
    });

    const files = await readRunFiles(fileSystem, directory);

    expect(files?.record?.name).toBe('run');
    expect(files?.workers.map(({ inputs }) => inputs.from)).toEqual(['a', 'b']);
    expect(files?.end).toMatchObject({ type: 'succeeded' });
  });

  it.each(['.plx/worker-one.json', '.plx/order-main.json', 'lineages.plx.json'])(
    'names %s if it is damaged, and what to do',
    async (name) => {
      const directory = write({ 'run.plx.json': {} });
      writeFileSync(join(directory.toString(), name), '[');
      const errors: unknown[] = [];

      expect(await readRunFiles(nodeFileSystem, directory, (error) => errors.push(error))).toBeNull();

      expect(errors).toMatchObject([
        {
          path: join(directory.toString(), name),
          message: expect.stringContaining(`${name}: cannot be read: `),
          hint: 'Restore the file. Or delete it: the run is then reported without what it says.',
          cause: expect.any(Error),
        },
      ]);
      expect(await readRunFiles(nodeFileSystem, directory)).toBeNull();
    },
  );
});

describe('readSignature', () => {
  it.each([
    ['run.plx.json', true],
    ['lineages.plx.json', true],
    ['.plx/order-main.json', true],
    ['.plx/worker-1.json', true],
    ['.plx/end-main.json', true],
    ['.plx/end-1.json', false],
    ['.plx/heartbeat-main.json', false],
    ['outputs.json', false],
  ])('changes when %s appears, grows and disappears: %s', async (name, expected) => {
    const directory = write({});
    const path = join(directory.toString(), name);
    const read = () => readSignature(nodeFileSystem, directory);
    const before = await read();
    expect(await read()).toBe(before);

    writeFileSync(path, '{}');
    const first = await read();
    writeFileSync(path, '{"a": 1}');
    const second = await read();
    rmSync(path);

    expect([first !== before, second !== first, (await read()) === before]).toEqual([
      expected,
      expected,
      true,
    ]);
  });

  it('does not need the directory of the processes', async () => {
    const directory = write({ 'run.plx.json': {} });
    const fileSystem = wrapFileSystem({ readDirectory: () => Promise.reject(systemError('EIO')) });

    expect(await readSignature(fileSystem, directory)).toBe(await readSignature(nodeFileSystem, directory));
  });
});

describe('listProcessFiles', () => {
  it('is sorted, empty without the directory, and fails if that cannot be read', async () => {
    const directory = write({ '.plx/b': 1, '.plx/a': 1 });

    expect(await listProcessFiles(nodeFileSystem, directory)).toEqual(['a', 'b']);
    expect(await listProcessFiles(nodeFileSystem, Buffer.from(createTempDir()))).toEqual([]);
    const fileSystem = wrapFileSystem({ readDirectory: () => Promise.reject(systemError('EIO')) });
    await expect(listProcessFiles(fileSystem, directory)).rejects.toMatchObject({ code: 'EIO' });
  });
});
