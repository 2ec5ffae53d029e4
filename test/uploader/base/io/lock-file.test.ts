import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../../../uploader/base/io/file-system.js';
import { type Io, nodeIo } from '../../../../uploader/base/io/io.js';
import { takeLock } from '../../../../uploader/base/io/lock-file.js';
import { createTempDir } from '../../../support/temp-dir.js';

const OPTIONS = { refreshMs: 60_000 };
const TOKENS = ['0', 'a'].map((digit) => digit.repeat(32));

/** The first link does what `link` does. */
function withFirstLink(link: FileSystem['link']): Io {
  const real = nodeIo.fileSystem;
  let calls = 0;
  const fileSystem: FileSystem = Object.create(real, {
    link: { value: (from: string, to: string) => (calls++ === 0 ? link(from, to) : real.link(from, to)) },
  });
  return { ...nodeIo, fileSystem };
}

function fail(code: string): never {
  throw Object.assign(new Error(code), { code });
}

describe('takeLock', () => {
  it('removes what killed processes left, and nothing else', async () => {
    const directory = createTempDir();
    const others = ['lock.partial', 'lock.txt.partial', `other.${TOKENS[0]}.partial`, `lock.${TOKENS[0]}`];
    const left = [`lock.${TOKENS[0]}.partial`, `lock.${TOKENS.join('.')}.partial`];
    for (const name of [...others, ...left]) writeFileSync(join(directory, name), '');

    const lock = await takeLock(join(directory, 'lock'), nodeIo, OPTIONS);

    expect(readdirSync(directory).sort()).toEqual(['lock', ...others].sort());
    await lock.release();
    expect(readdirSync(directory).sort()).toEqual(others.sort());
  });

  it('tries again when a process that had the lock has removed its temporary file', async () => {
    const directory = createTempDir();
    const io = withFirstLink(async (from) => {
      await nodeIo.fileSystem.unlink(from);
      fail('ENOENT');
    });

    const lock = await takeLock(join(directory, 'lock'), io, OPTIONS);

    expect(await lock.isHeld()).toBe(true);
    expect(readdirSync(directory)).toEqual(['lock']);
    await lock.release();
  });

  it('has the lock on NFS when the answer to the link is lost, so that its repetition fails', async () => {
    const directory = createTempDir();
    const io = withFirstLink(async (from, to) => {
      await nodeIo.fileSystem.link(from, to);
      fail('EEXIST');
    });

    const lock = await takeLock(join(directory, 'lock'), io, OPTIONS);

    expect(await lock.isHeld()).toBe(true);
    await lock.release();
  });

  it.each([-7200, 7200])('takes over a damaged lock whose time is %i s from the clock', async (seconds) => {
    const path = join(createTempDir(), 'lock');
    writeFileSync(path, '');
    await expect(takeLock(path, nodeIo, OPTIONS)).rejects.toThrow('another uploader');
    const time = nodeIo.clock.wallTime() + seconds;
    utimesSync(path, time, time);

    const lock = await takeLock(path, nodeIo, OPTIONS);

    expect(await lock.isHeld()).toBe(true);
    await lock.release();
  });

  it('fails in a directory that does not exist, or is no directory', async () => {
    const directory = createTempDir();
    writeFileSync(join(directory, 'file'), '');

    await expect(takeLock(join(directory, 'missing/lock'), nodeIo, OPTIONS)).rejects.toThrow('ENOENT');
    await expect(takeLock(join(directory, 'file/lock'), nodeIo, OPTIONS)).rejects.toThrow('ENOTDIR');
  });
});
