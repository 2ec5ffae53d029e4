import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import {
  readRunClaim,
  readRunUuid,
  toImportedUuid,
  toRootOf,
  toUuidOfPlace,
} from '../../../uploader/run-directory/run-uuid.js';
import { createTempDir } from '../../support/temp-dir.js';

const UUID = '0123456789abcdef'.repeat(2);

describe('the uuid in a run file', () => {
  function makeRun(text: string): Buffer {
    const directory = createTempDir();
    writeFileSync(join(directory, 'run.plx.json'), text);
    return Buffer.from(directory);
  }

  it('is read', async () => {
    expect(await readRunUuid(nodeFileSystem, makeRun(JSON.stringify({ uuid: UUID })))).toBe(UUID);
  });

  it.each(['{"uuid":"short"}', '{"uuid":5}', '{}', 'null', '[]', '"text"'])(
    'is null for %s',
    async (text) => {
      expect(await readRunClaim(nodeFileSystem, makeRun(text))).toEqual({ uuid: null, damage: null });
    },
  );

  it('is null without a run file, and for a damaged one, of which the reason is known', async () => {
    const none = Buffer.from(createTempDir());

    expect(await readRunClaim(nodeFileSystem, none)).toEqual({ uuid: null, damage: null });
    expect(await readRunClaim(nodeFileSystem, makeRun('{'))).toEqual({
      uuid: null,
      damage: expect.any(SyntaxError),
    });
  });
});

describe('the uuid in a path', () => {
  it.each([
    [`/root/runs/${UUID}`, UUID, '/root'],
    [`/runs/${UUID}`, UUID, '/'],
    ['/root/runs/baseline', null, '/root'],
    [`/root/other/${UUID}`, null, null],
    [`/root/runs/${UUID}/outputs`, null, null],
    [`/root/runs/${UUID.toUpperCase()}`, null, '/root'],
  ])('of %s', (path, uuid, root) => {
    expect(toUuidOfPlace(Buffer.from(path))).toBe(uuid);
    expect(toRootOf(Buffer.from(path))?.toString() ?? null).toBe(root);
  });
});

describe('toImportedUuid', () => {
  it('is a uuid that depends on the seed and the path', () => {
    const uuids = [toImportedUuid('a', 'b/c'), toImportedUuid('a', 'b/d'), toImportedUuid('ab', '/c')];

    // printf 'a\0b/c' | sha256sum
    expect(uuids[0]).toBe('bd4f6d7ab68654c80343e52db8daa64c');
    for (const uuid of uuids) expect(uuid).toMatch(/^[0-9a-f]{32}$/);
    expect(new Set(uuids).size).toBe(3);
    expect(toImportedUuid('a', 'b')).not.toBe(toImportedUuid('ab', ''));
  });
});
