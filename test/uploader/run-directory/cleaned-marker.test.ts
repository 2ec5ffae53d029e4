import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import {
  type CleanedMarker,
  countMissing,
  findCleanedMarker,
  isMarkedFor,
  toCleanedError,
  toFileDigest,
  writeCleanedMarker,
} from '../../../uploader/run-directory/cleaned-marker.js';
import { createTempDir } from '../../support/temp-dir.js';

const FILES = ['a', 'b', 'c'].map((path) => ({ path, sizeBytes: 3, sha256: path.repeat(64) }));
const MARKER: CleanedMarker = {
  ...{
    version: 1,
    state: 'cleaned',
    run: 'a'.repeat(32),
    store: 's3://bucket/team',
    storeId: 's3://bucket/team',
  },
  ...{ manifest: 'manifest', at: '2026-01-01T00:00:00Z', files: 3, bytes: 9 },
  digests: FILES.map(toFileDigest).sort(),
};

function makeDirectory(text?: string): Buffer {
  const directory = createTempDir();
  mkdirSync(join(directory, '.plx'));
  if (text !== undefined) writeFileSync(join(directory, '.plx/cleaned.json'), text);
  return Buffer.from(directory);
}

describe('the marker of a cleaned run', () => {
  it('is found as it was written', async () => {
    const directory = makeDirectory();
    expect(await findCleanedMarker(nodeFileSystem, directory)).toBeNull();
    await writeCleanedMarker(nodeFileSystem, directory, MARKER);

    expect(await findCleanedMarker(nodeFileSystem, directory)).toEqual(MARKER);
  });

  it.each(['', '{', '"text"'])('still says that files were deleted if it is damaged: %j', async (text) => {
    const found = await findCleanedMarker(nodeFileSystem, makeDirectory(text));

    expect(found).toMatchObject({
      state: 'cleaning',
      run: '',
      store: '',
      manifest: '',
      at: '',
      files: 0,
      bytes: 0,
    });
    expect(isMarkedFor(found!, '', 's3://bucket/team')).toBe(false);
  });

  it('belongs to the store with its id, however its URL is written', () => {
    expect(isMarkedFor(MARKER, 's3://elsewhere', 's3://bucket/team')).toBe(true);
    expect(isMarkedFor(MARKER, 's3://bucket/team', 's3://bucket/other')).toBe(false);
  });

  it('belongs to the store with its URL if it has no id', () => {
    const { storeId: _, ...old } = MARKER;

    expect(isMarkedFor(old, 's3://bucket/team//', 'any')).toBe(true);
    expect(isMarkedFor({ ...old, store: 's3://bucket/team/' }, 's3://bucket/team', 'any')).toBe(true);
    expect(isMarkedFor(old, 's3://bucket/tea', 'any')).toBe(false);
  });

  it('counts the deleted files that a store lacks: by path, size and content', () => {
    const [a, b, c] = FILES;

    expect(countMissing(MARKER, FILES)).toBe(0);
    expect(countMissing(MARKER, [a!, b!])).toBe(1);
    expect(countMissing(MARKER, [a!, b!, { ...c!, path: 'd' }])).toBe(1);
    expect(countMissing(MARKER, [a!, { ...b!, sizeBytes: 4 }, { ...c!, sha256: 'd'.repeat(64) }])).toBe(2);
    expect(countMissing({ ...MARKER, digests: undefined }, FILES)).toBeNull();
  });

  it('says in its error how many files are missing, and where they are', () => {
    const directory = Buffer.from('/root/runs/a');

    expect(toCleanedError(directory, MARKER, 2)).toMatchObject({
      code: 'ERR_RUN_CLEANED',
      message:
        '/root/runs/a: 2 files that were deleted on this disk, of which s3://bucket/team has a copy, are not in this store',
    });
    expect(toCleanedError(directory, { ...MARKER, store: '' }, null).message).toContain(
      '3 files that were deleted on this disk, of which another store has a copy,',
    );
  });
});
