import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { homeDirectory } from '../../../../uploader/base/io/home-directory.js';
import { createTempDir } from '../../../support/temp-dir.js';

const CLI = join(import.meta.dirname, '../../../../dist/uploader/cli.js');
const isRoot = process.getuid?.() === 0;

describe('homeDirectory', () => {
  it('is HOME, else that of the user database', () => {
    expect(homeDirectory({ HOME: '/home/a' })).toBe('/home/a');
    expect(homeDirectory({ HOME: '' })).toBe(homedir());
    expect(homeDirectory({})).toBe(homedir());
  });

  // Only root can become a user that the user database does not name.
  it.runIf(isRoot)('may be absent: the uploader works for a user of a container without HOME', async () => {
    const root = createTempDir();
    mkdirSync(join(root, 'runs'));
    chmodSync(root, 0o777);
    const call = promisify(execFile)(
      process.execPath,
      [CLI, 'sync', root, '--store', `file://${join(root, 'store')}`, '--state-dir', join(root, 'state')],
      { env: { PATH: process.env.PATH }, uid: 65_532, gid: 65_532 },
    );

    await expect(call).resolves.toMatchObject({ stdout: expect.not.stringContaining('homedir') });
  });
});
