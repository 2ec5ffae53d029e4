import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import {
  isMoved,
  isSameDirectory,
  parseRunOrigin,
  type RunOrigin,
  readRunOrigin,
  toConflict,
} from '../../../uploader/run-directory/run-origin.js';
import { createTempDir } from '../../support/temp-dir.js';

const UUID = 'a'.repeat(32);
const ORIGIN: RunOrigin = {
  ...{ host: 'id-1', hostname: 'gpu-3', directory: '/data/runs/a', ino: '42', birthNs: '1000' },
  createdAt: '2026-01-01T00:00:00+00:00',
};
const LATER = '2026-01-02T00:00:00+00:00';

function makeRun(record: unknown = { uuid: UUID, created_at: ORIGIN.createdAt }): Buffer {
  const directory = join(createTempDir(), 'runs', UUID);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'run.plx.json'),
    typeof record === 'string' ? record : JSON.stringify(record),
  );
  return Buffer.from(directory);
}

const read = (directory: Buffer): Promise<RunOrigin | null> =>
  readRunOrigin(nodeFileSystem, directory, 'id-1');

describe('readRunOrigin', () => {
  it('returns the directory, its host and when the run was created', async () => {
    const directory = makeRun();
    const stat = await nodeFileSystem.lstat(directory);

    expect(await read(directory)).toEqual({
      ...{ host: 'id-1', hostname: hostname(), directory: directory.toString(), ino: String(stat.ino) },
      ...{ birthNs: stat.birthNs === undefined ? null : String(stat.birthNs), createdAt: ORIGIN.createdAt },
    });
  });

  it.each([['{'], [[]], ['null'], [{ created_at: 5 }]])(
    'knows no time of creation from %j',
    async (record) => {
      expect(await read(makeRun(record))).toMatchObject({ createdAt: null });
    },
  );

  it('is null for what is missing, and for a link or a file', async () => {
    const directory = makeRun();
    const link = join(createTempDir(), 'link');
    symlinkSync(directory, link);

    expect(await read(Buffer.from(`${directory}-missing`))).toBeNull();
    expect(await read(Buffer.from(link))).toBeNull();
    expect(await read(Buffer.from(`${directory}/run.plx.json`))).toBeNull();
  });
});

describe('isSameDirectory', () => {
  it.each<[string, Partial<RunOrigin>, boolean]>([
    ['another path and host', { directory: '/mnt/a', host: 'id-2', hostname: 'gpu-4' }, true],
    ['another inode', { ino: '43' }, false],
    ['another time of its creation, as a copy has', { birthNs: '1001' }, false],
    ['another time of the run, but all else equal', { createdAt: LATER }, true],
    ['no time of its creation', { birthNs: null }, true],
    ['no time of its creation, and another path', { birthNs: null, directory: '/mnt/a' }, true],
    ['neither times nor the path', { birthNs: null, createdAt: null, directory: '/mnt/a' }, false],
    ['no times', { birthNs: null, createdAt: null }, true],
    ['no time of its creation, and another one of the run', { birthNs: null, createdAt: LATER }, false],
  ])('with %s', (_, changes, isSame) => {
    expect(isSameDirectory(ORIGIN, { ...ORIGIN, ...changes })).toBe(isSame);
    expect(isSameDirectory({ ...ORIGIN, ...changes }, ORIGIN)).toBe(isSame);
  });
});

describe('isMoved', () => {
  const check = async (named: Buffer, changes: Partial<RunOrigin> = {}): Promise<boolean> => {
    const known = { ...((await read(named)) ?? ORIGIN), directory: named.toString(), ...changes };
    return isMoved(nodeFileSystem, UUID, known, ORIGIN);
  };

  it('is true when the directory is gone, or is another one now', async () => {
    const [gone, replaced] = [makeRun(), makeRun()];
    const before = await read(replaced);
    rmSync(gone.toString(), { recursive: true });
    renameSync(replaced.toString(), `${replaced}-moved`);
    mkdirSync(replaced.toString());

    expect(await check(gone)).toBe(true);
    expect(await check(replaced, { ino: before!.ino, birthNs: before!.birthNs })).toBe(true);
  });

  it('is true when the directory has another run now', async () => {
    const directory = makeRun();
    const before = await read(directory);
    writeFileSync(join(directory.toString(), 'run.plx.json'), JSON.stringify({ uuid: 'b'.repeat(32) }));

    expect(await check(directory, { createdAt: before!.createdAt })).toBe(true);
  });

  it('is false while the directory has the run, also without a run file, because its path says so', async () => {
    const directory = makeRun();

    expect(await check(directory)).toBe(false);
    rmSync(join(directory.toString(), 'run.plx.json'));
    expect(await check(directory, { createdAt: null })).toBe(false);
  });

  it('is false for a directory of another host, and for another run', async () => {
    const missing = Buffer.from('/missing');

    expect(await check(missing, { host: 'id-2' })).toBe(false);
    expect(await check(missing, { createdAt: LATER })).toBe(false);
    expect(await check(missing, { createdAt: null })).toBe(true);
  });

  it('is false while it cannot be found out', async () => {
    const file = join(createTempDir(), 'x'.repeat(300));

    expect(await check(Buffer.from(file))).toBe(false);
  });
});

describe('toConflict', () => {
  const other = { ...ORIGIN, directory: '/mnt/a', hostname: 'gpu-4' };

  it('names both places, and what to do', () => {
    expect(toConflict('store', other, ORIGIN)).toEqual({
      found: 'the store has this run from /data/runs/a on host gpu-3; /mnt/a on host gpu-4 is not uploaded',
      hint: 'Sync it from there, or give one of them another uuid. To continue the run from /mnt/a, use --take-over: earlier content is kept below .plx/gen/.',
    });
    expect(toConflict('server', other, ORIGIN)).toEqual({
      found: 'the server has this run from /data/runs/a on host gpu-3; /mnt/a on host gpu-4 is not reported',
      hint: 'Sync it from there, or give one of them another uuid. To continue the run from /mnt/a, use --take-over.',
    });
  });

  it('says when the uuid was given to two runs', () => {
    expect(toConflict('store', { ...other, createdAt: LATER }, ORIGIN).found).toContain(
      `on host gpu-3, which was created at ${ORIGIN.createdAt}, not at ${LATER}; `,
    );
  });
});

describe('parseRunOrigin', () => {
  it('returns a valid one, without what does not belong to it', () => {
    expect(parseRunOrigin({ ...ORIGIN, other: 1 })).toEqual(ORIGIN);
    const unknown = { ...ORIGIN, birthNs: null, createdAt: null, ino: '-1' };
    expect(parseRunOrigin(unknown)).toEqual(unknown);
  });

  it.each<[string, unknown]>([
    ...['host', 'hostname', 'directory', 'ino'].flatMap((name): [string, unknown][] => [
      [name, ''],
      [name, null],
      [name, 7],
    ]),
    ['ino', 'x1'],
    ['ino', '1x'],
    ['ino', '1'.repeat(21)],
    ['birthNs', ''],
    ['birthNs', 5],
    ['birthNs', undefined],
    ['createdAt', ''],
    ['createdAt', 5],
  ])('returns null for %s %j', (name, value) => {
    expect(parseRunOrigin({ ...ORIGIN, [name]: value })).toBeNull();
  });
});
