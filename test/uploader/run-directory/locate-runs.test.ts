import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { explainNoRuns, locate } from '../../../uploader/run-directory/locate-runs.js';
import { createTempDir } from '../../support/temp-dir.js';
import { systemError, wrapFileSystem } from '../support/wrapped-file-system.js';

const UUID = 'a'.repeat(32);

describe('locate', () => {
  const find = async (path: string, mayBeMissing = false) => {
    const { start, root } = await locate(nodeFileSystem, path, { mayBeMissing });
    return [start.toString(), root.toString()];
  };

  it('finds the root of a run by its place, of a root, and of any other directory', async () => {
    const root = createTempDir();
    const run = join(root, 'runs', UUID);
    mkdirSync(run, { recursive: true });
    expect(await find(run)).toEqual([run, root]);
    expect(await find(root)).toEqual([root, root]);
    expect(await find(join(root, 'runs'))).toEqual([join(root, 'runs'), join(root, 'runs')]);

    // A root that was once a run, or has a run file, is a root.
    writeFileSync(join(root, 'run.plx.json'), JSON.stringify({ uuid: UUID }));
    expect(await find(root)).toEqual([root, root]);
  });

  it('may be missing if the caller says so', async () => {
    const missing = join(createTempDir(), 'not/yet');

    expect((await find(missing, true))[0]).toBe(missing);
    await expect(find(missing)).rejects.toMatchObject({
      code: 'ERR_NOT_A_RUN',
      message: expect.stringContaining('the directory does not exist'),
    });
  });

  it('rejects what is no directory, and what cannot be read, with the reason', async () => {
    const root = createTempDir();
    writeFileSync(join(root, 'file'), '');
    await expect(find(join(root, 'file'))).rejects.toMatchObject({
      code: 'ERR_NOT_A_RUN',
      message: expect.stringContaining('is not a directory'),
    });
    const fileSystem = wrapFileSystem({ realPath: () => Promise.reject(systemError('EIO')) });
    await expect(locate(fileSystem, root, { mayBeMissing: true })).rejects.toMatchObject({
      code: 'ERR_NOT_A_RUN',
      message: expect.stringContaining('EIO'),
      cause: expect.objectContaining({ code: 'EIO' }),
    });
  });
});

describe('explainNoRuns', () => {
  const explain = async (path: string, fileSystem = nodeFileSystem) =>
    (await explainNoRuns(fileSystem, path))?.message;

  it('has nothing to explain for an empty root', async () => {
    const root = createTempDir();
    mkdirSync(join(root, 'runs'));

    expect(await explain(root)).toBeUndefined();
  });

  it('says what is missing, or what is wrong with the run file, or with the disk', async () => {
    const directory = createTempDir();
    expect(await explain(directory)).toContain(
      'the directory has neither run.plx.json nor runs/, and no event files',
    );
    writeFileSync(join(directory, 'runs'), 'a file');
    expect(await explain(directory)).toContain('neither');
    writeFileSync(join(directory, 'run.plx.json'), '{}');
    expect(await explain(directory)).toContain('its run.plx.json has no uuid of 32 hex digits');
    const fileSystem = wrapFileSystem({ lstat: () => Promise.reject(systemError('EIO')) });
    expect(await explain(directory, fileSystem)).toContain('EIO');
  });
});
