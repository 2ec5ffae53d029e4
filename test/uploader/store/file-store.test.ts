import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/io/node-file-system.js';
import { createFileStore } from '../../../uploader/store/file-store.js';
import { createTempDir } from '../../support/temp-dir.js';
import { failingWrites } from '../support/wrapped-file-system.js';
import { commit, describeStore } from './contract.js';

const MIB = 1024 * 1024;

describe('file store', () => {
  describeStore(async () => ({
    store: createFileStore(join(createTempDir(), 'store'), nodeFileSystem),
    sizes: [0, 1, MIB, 2 * MIB + 1],
    tails: [1, MIB, 17 * MIB],
    showsBeginnings: true,
  }));

  it('leaves nothing but objects behind, after failures too', async () => {
    const root = createTempDir();
    const isFull = (path: string): boolean => path.includes('/full/');
    const store = createFileStore(root, failingWrites(isFull, 'ENOSPC'));

    const outcome = await commit(store, 'full/a', Buffer.from('a'));
    await commit(store, 'run/b', Buffer.from('b'));

    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_DISK' } });
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(['full', 'run', 'run/b']);
  });

  it.each(['../out', 'run/../../out', '/etc/x', 'run//x', 'run/.', ''])('refuses the key %j', async (key) => {
    const store = createFileStore(createTempDir(), nodeFileSystem);

    await expect(commit(store, key, Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_PATH_INVALID' });
  });

  it('is not ready when a file is in its place', async () => {
    const path = join(createTempDir(), 'file');
    writeFileSync(path, '');

    expect(await createFileStore(path, nodeFileSystem).check()).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STORE_DISK' },
    });
  });

  it('stores nothing when a directory is in the place of an object', async () => {
    const root = createTempDir();
    mkdirSync(join(root, 'run/a'), { recursive: true });

    const outcome = await commit(createFileStore(root, nodeFileSystem), 'run/a', Buffer.from('x'));

    expect(outcome.status).not.toBe('stored');
  });
});
