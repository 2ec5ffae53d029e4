import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { findLogDirectory } from '../../../../uploader/operations/tensorboard/find-log-directory.js';
import { startRun } from '../../../support/start-run.js';
import { createTempDir } from '../../../support/temp-dir.js';

describe('findLogDirectory', () => {
  let home: string;
  let root: string;
  const find = (argument: string | undefined): Promise<string> =>
    findLogDirectory(argument, {
      io: nodeIo,
      environment: { POLYAXON_OFFLINE_ROOT: root },
      signal: new AbortController().signal,
    });

  beforeEach(async () => {
    home = createTempDir();
    root = join(home, 'root');
  });

  it('returns the links of a root, the default root included', async () => {
    const { run } = startRun({ root, name: 'first' });
    await run.end();

    expect(await find(root)).toBe(run.paths.links);
    expect(await find(undefined)).toBe(run.paths.links);
  });

  it('returns the root itself if it has no links, or a run without one', async () => {
    const { run } = startRun({ root });
    await run.end();
    mkdirSync(join(root, 'runs', 'f'.repeat(32)));

    expect(await find(root)).toBe(root);
    rmSync(join(root, 'runs', 'f'.repeat(32)), { recursive: true });
    expect(await find(root)).toBe(run.paths.links);
    rmSync(run.paths.links, { recursive: true });
    expect(await find(root)).toBe(root);
  });

  it('returns the event files of a run, which has a name, a uuid, a path or is the latest', async () => {
    const { run } = startRun({ root, name: 'first' });
    await run.end();

    for (const name of ['first', run.uuid.slice(0, 6), 'latest', run.paths.run, join(root, 'first')])
      expect(await find(name)).toBe(run.paths.tensorboard);
  });

  it('returns any other directory, with links resolved', async () => {
    mkdirSync(join(home, 'logs'));
    symlinkSync(join(home, 'logs'), join(home, 'link'));

    expect(await find(join(home, 'logs'))).toBe(join(home, 'logs'));
    expect(await find(join(home, 'link'))).toBe(join(home, 'logs'));
  });

  it('rejects what TensorBoard cannot show', async () => {
    writeFileSync(join(home, 'file'), '');

    await expect(find(join(home, 'file'))).rejects.toThrow('is a file, expected a directory');
    await expect(find('./none')).rejects.toThrow('the directory does not exist');
    await expect(find('s3://bucket/prefix')).rejects.toThrow('is a store, expected a directory');
    await expect(find(undefined)).rejects.toThrow('none of them contains runs/');
  });
});
