import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Io, nodeIo } from '../../../../uploader/base/io/io.js';
import { findStateDirectory } from '../../../../uploader/engine/context/state-in-memory.js';
import type { StoreNotice } from '../../../../uploader/store/base/store.js';
import { createTempDir } from '../../../support/temp-dir.js';

/** Node's file system, where all directories below `readOnly` fail with `code`. */
function withReadOnly(readOnly: string, code = 'EROFS'): Io {
  const fileSystem = Object.create(nodeIo.fileSystem, {
    makeDirectory: {
      value: async (path: string, mode: number) => {
        if (path.startsWith(readOnly)) throw Object.assign(new Error(`${code}: ${path}`), { code });
        await nodeIo.fileSystem.makeDirectory(path, mode);
      },
    },
  });
  return { ...nodeIo, fileSystem };
}

describe('findStateDirectory', () => {
  it('is the given directory, which is created, if it is writable', async () => {
    const directory = join(createTempDir(), 'a/b');

    expect(await findStateDirectory(directory, nodeIo, () => expect.fail())).toBe(directory);

    expect(readdirSync(directory)).toEqual([]);
  });

  it('is a new directory in the first writable temporary one on a read-only file system, with a notice', async () => {
    const [root, memory] = [createTempDir(), createTempDir()];
    const notices: StoreNotice[] = [];

    const io = withReadOnly(root);
    const found = await findStateDirectory(join(root, 'state'), io, (each) => notices.push(each), [
      root,
      memory,
    ]);

    expect(dirname(found)).toBe(memory);
    expect(existsSync(found)).toBe(true);
    expect(notices).toMatchObject([{ code: 'NOTICE_STATE_TEMPORARY' }]);
    expect(notices[0]?.message).toContain(found);
  });

  it('is the given directory if another problem than a read-only file system exists', async () => {
    const root = createTempDir();
    const io = withReadOnly(root, 'EACCES');

    expect(await findStateDirectory(join(root, 'state'), io, () => expect.fail(), [createTempDir()])).toBe(
      join(root, 'state'),
    );
  });

  it('is the given directory if no temporary one is writable', async () => {
    const root = createTempDir();

    expect(await findStateDirectory(root, withReadOnly(root), () => expect.fail(), [root])).toBe(root);
  });
});
