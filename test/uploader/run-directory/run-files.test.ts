import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { readRunFiles } from '../../../uploader/run-directory/run-files.js';
import { createTempDir } from '../../support/temp-dir.js';

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
