import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { createTempDir } from '../../../support/temp-dir.js';

const LARGE_BYTES = 8 * 1024 * 1024;

describe('NodeReadableFile', () => {
  it('closes only after reads in flight', async () => {
    const directory = createTempDir();
    writeFileSync(join(directory, 'one'), Buffer.alloc(LARGE_BYTES, 'one'));
    writeFileSync(join(directory, 'other'), Buffer.alloc(LARGE_BYTES, 'other'));
    const buffer = Buffer.alloc(LARGE_BYTES);

    const file = await nodeFileSystem.openForReading(join(directory, 'one'));
    const reading = file.read(buffer, 0);
    const closing = file.close();
    // This file would get the descriptor of a closed file.
    const other = await nodeFileSystem.openForReading(join(directory, 'other'));

    expect(await reading).toBe(LARGE_BYTES);
    expect(buffer.equals(Buffer.alloc(LARGE_BYTES, 'one'))).toBe(true);
    await Promise.all([closing, other.close()]);
  });

  it('fails to read after close, and accepts a second close', async () => {
    const path = join(createTempDir(), 'file');
    writeFileSync(path, 'content');
    const file = await nodeFileSystem.openForReading(path);

    await file.close();
    await file.close();

    await expect(file.read(Buffer.alloc(1), 0)).rejects.toMatchObject({ code: 'EBADF' });
    await expect(file.stat()).rejects.toMatchObject({ code: 'EBADF' });
  });

  it('returns the current path after a rename', async () => {
    const directory = createTempDir();
    mkdirSync(join(directory, 'there'));
    writeFileSync(join(directory, 'file'), 'content');
    const file = await nodeFileSystem.openForReading(join(directory, 'file'));

    renameSync(join(directory, 'file'), join(directory, 'there', 'file'));

    if (process.platform === 'linux')
      expect((await file.realPath()).toString()).toBe(join(directory, 'there', 'file'));
    expect(await file.stat()).toMatchObject({ kind: 'file', sizeBytes: 7 });
    await file.close();
  });
});

describe('NodeUpdatableFile', () => {
  it('writes, truncates and reads in place', async () => {
    const path = join(createTempDir(), 'file');
    writeFileSync(path, 'content');
    const file = await nodeFileSystem.openForUpdate(path);
    const buffer = Buffer.alloc(16);

    await file.write(Buffer.from('ADDED'), 5);
    await file.truncate(8);
    await file.sync();

    expect(buffer.toString('latin1', 0, await file.read(buffer, 0))).toBe('conteADD');
    await file.close();
  });
});
