import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { lockRun, makeProcessDirectory } from '../../../uploader/run-directory/run-lock.js';
import { createTempDir } from '../../support/temp-dir.js';
import { systemError, wrapFileSystem } from '../support/wrapped-file-system.js';

describe('lockRun', () => {
  it('is held by one command at a time, which the error of another one names', async () => {
    const run = createTempDir();
    const lock = await lockRun(nodeIo, Buffer.from(run));
    expect(Math.abs(Date.now() - lock.takenMs)).toBeLessThan(60_000);

    await expect(lockRun(nodeIo, Buffer.from(run))).rejects.toMatchObject({
      code: 'ERR_RUN_LOCKED',
      message: expect.stringContaining(run),
    });
    await lock.release();
    await (await lockRun(nodeIo, Buffer.from(run))).release();
  });

  it('passes on the errors of the disk', async () => {
    const io = {
      ...nodeIo,
      fileSystem: wrapFileSystem({ openForWriting: () => Promise.reject(systemError('EROFS')) }),
    };

    const failed = lockRun(io, Buffer.from(createTempDir()));

    await expect(failed).rejects.not.toMatchObject({ code: 'ERR_RUN_LOCKED' });
    await expect(failed).rejects.toThrow('EROFS');
  });
});

describe('makeProcessDirectory', () => {
  it('creates .plx, keeps it, and fails for a file of that name or a run that is gone', async () => {
    const run = createTempDir();
    const make = (directory = run) => makeProcessDirectory(nodeFileSystem, Buffer.from(directory));
    await make();
    writeFileSync(join(run, '.plx/kept'), '');
    await make();
    expect(await nodeFileSystem.readDirectory(join(run, '.plx'))).toHaveLength(1);

    const other = createTempDir();
    writeFileSync(join(other, '.plx'), '');
    await expect(make(other)).rejects.toMatchObject({
      code: 'ENOTDIR',
      message: `ENOTDIR: ${join(other, '.plx')} is not a directory`,
    });
    await expect(make(join(other, 'gone'))).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(join(other, 'gone'));
    await make(join(other, 'gone'));
  });
});
