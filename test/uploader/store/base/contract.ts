/** The contract of stores, as tests. Each store runs all of them against a real server or directory. */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { OutcomeError } from '../../../../uploader/base/retry-table.js';
import type {
  ByteSource,
  CommitOutcome,
  ObjectVersion,
  Store,
} from '../../../../uploader/store/base/store.js';
import { describeAppend } from './contract-append.js';

export interface StoreUnderTest {
  readonly store: Store;
  /** Sizes around the limits of the store: empty, one byte, one request, several parts. */
  readonly sizes: readonly number[];
  /** Sizes of tails. At least one needs more than one part. */
  readonly tails: readonly number[];
  /** Readers may see a partial tail while it is written. */
  readonly showsPartialTails?: boolean;
}

/** Parts of the contract that a kind of store cannot meet. */
export type Lack =
  | 'append'
  /** Listings with more than one page. */
  | 'pages'
  /** Readers never see a part of an object while it is replaced. */
  | 'whole replacements';

let commits = 0;

export function describeStore(
  open: () => Promise<StoreUnderTest>,
  { lacks = [] }: { lacks?: readonly Lack[] } = {},
): void {
  describe('commit', () => {
    it('stores complete objects of every size', async () => {
      const { store, sizes } = await open();
      for (const size of sizes) {
        const bytes = someBytes(size);
        const outcome = await commit(store, `run/${size}.bin`, bytes);

        expect(sha256(await readAll(store, `run/${size}.bin`))).toBe(sha256(bytes));
        const head = await store.head(`run/${size}.bin`);
        expect(head).toMatchObject({ status: 'found', object: { sizeBytes: size, ...versionOf(outcome) } });
        if (head.status === 'found') expect([null, crc32(bytes)]).toContain(head.object.crc32);
      }
    });

    it('replaces the base object', async () => {
      const { store, sizes } = await open();
      for (const size of sizes) {
        const key = `run/replaced-${size}`;
        const base = { ...versionOf(await commit(store, key, Buffer.from('first'))), sizeBytes: 5 };

        expect((await commit(store, key, someBytes(size), base)).status).toBe('stored');
        expect((await readAll(store, key)).length).toBe(size);
      }
    });

    it('reports a conflict and keeps the object when it is not the base', async () => {
      const { store, sizes } = await open();
      for (const size of sizes.filter((each) => each > 0)) {
        const key = `run/contested-${size}`;
        const stale = { ...versionOf(await commit(store, key, Buffer.from('theirs, 1'))), sizeBytes: 9 };
        // Stores without conditions may distinguish objects only by size.
        const theirs = store.capabilities.conditionalReplace ? 'theirs, 2' : 'theirs, the second';
        expect((await commit(store, key, Buffer.from(theirs), stale)).status).toBe('stored');

        expect((await commit(store, key, someBytes(size), stale)).status).toBe('conflict');
        expect((await commit(store, key, someBytes(size), null)).status).toBe('conflict');
        expect((await readAll(store, key)).toString()).toBe(theirs);
      }
    });

    it('reports a conflict when the base no longer exists', async () => {
      const { store } = await open();
      const gone = { etag: 'd41d8cd98f00b204e9800998ecf8427e', sizeBytes: 3 };

      expect((await commit(store, 'run/gone', Buffer.from('new'), gone)).status).toBe('conflict');
      expect(await store.head('run/gone')).toEqual({ status: 'absent' });
    });

    it('succeeds when the object already has the target bytes, as after a lost response', async () => {
      const { store, sizes } = await open();
      for (const size of sizes) {
        const first = await commit(store, `run/twice-${size}`, someBytes(size));

        expect(await commit(store, `run/twice-${size}`, someBytes(size))).toEqual({
          status: 'stored',
          ...versionOf(first),
        });
      }
    });

    it('lets exactly one of several concurrent writers create an object', async () => {
      const { store } = await open();
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) => commit(store, 'run/race', Buffer.from(`writer ${index}`))),
      );

      const winners = outcomes.flatMap(({ status }, index) => (status === 'stored' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect((await readAll(store, 'run/race')).toString()).toBe(`writer ${winners[0]}`);
    });

    it('creates no object when the source has different or fewer bytes', async () => {
      const { store, sizes } = await open();
      for (const size of sizes.filter((each) => each > 0)) {
        const bytes = someBytes(size);
        const target = { sizeBytes: size, crc32: crc32(bytes) };
        const changed = Buffer.from(bytes);
        changed[size - 1]! ^= 1;

        for (const found of [changed, bytes.subarray(0, size - 1)]) {
          const key = `run/changed-${size}`;
          const request = { key, source: toSource(found), target, base: null, commitId: newCommitId() };
          expect(await store.commit(request)).toEqual({ status: 'changed' });
          expect(await store.head(key)).toEqual({ status: 'absent' });
        }
      }
    });

    if (!lacks.includes('whole replacements'))
      it('shows readers either the old or the new object during a replacement', async () => {
        const { store, sizes } = await open();
        const size = Math.max(...sizes);
        const versions = [someBytes(size), Buffer.alloc(size, 7)];
        const expected = versions.map(sha256);
        let base = { ...versionOf(await commit(store, 'run/both', versions[0]!)), sizeBytes: size };
        let isDone = false;
        const replaceRepeatedly = async (): Promise<void> => {
          for (let round = 1; round <= 6; round += 1)
            base = {
              ...versionOf(await commit(store, 'run/both', versions[round % 2]!, base)),
              sizeBytes: size,
            };
          isDone = true;
        };
        const readRepeatedly = async (): Promise<void> => {
          while (!isDone) {
            // Some servers cut a response off when its object is replaced; readers then read it again.
            const found = await readAll(store, 'run/both').catch((error: unknown) => {
              if (error instanceof OutcomeError && error.outcome.status === 'retry') return null;
              throw error;
            });
            if (found !== null) expect(expected).toContain(sha256(found));
          }
        };

        await Promise.all([replaceRepeatedly(), readRepeatedly()]);

        expect(sha256(await readAll(store, 'run/both'))).toBe(expected[0]);
      });

    it('resumes after a read error of the source, with the same commit id', async () => {
      const { store, sizes } = await open();
      const size = Math.max(...sizes);
      const bytes = someBytes(size);
      const whole = toSource(bytes);
      let reads = 0;
      const failing: ByteSource = {
        read: (start, end) => {
          reads += 1;
          if (reads !== 2) return whole.read(start, end);
          return Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }));
        },
      };
      const target = { sizeBytes: size, crc32: crc32(bytes) };
      const request = { key: 'run/again', target, base: null, commitId: newCommitId() };

      const first = await store.commit({ ...request, source: failing }).catch((error: unknown) => error);
      expect(first).not.toMatchObject({ status: 'stored' });
      expect(await store.head('run/again')).toEqual({ status: 'absent' });

      expect((await store.commit({ ...request, source: whole })).status).toBe('stored');
      expect(sha256(await readAll(store, 'run/again'))).toBe(sha256(bytes));
    });
  });

  if (!lacks.includes('append')) describeAppend(open);

  it('reports keys without an object as absent', async () => {
    const { store } = await open();
    await commit(store, 'run/dir/file', Buffer.from('x'));

    for (const key of ['run/none', 'run/dir', 'other/none'])
      expect(await store.head(key)).toEqual({ status: 'absent' });
  });

  describe('remove', () => {
    it('removes the given version, and succeeds when the object no longer exists', async () => {
      const { store, sizes } = await open();
      for (const sizeBytes of sizes) {
        const key = `run/removed-${sizeBytes}`;
        const version = { ...versionOf(await commit(store, key, someBytes(sizeBytes))), sizeBytes };

        expect(await store.remove({ key, version })).toEqual({ status: 'removed' });
        expect(await store.head(key)).toEqual({ status: 'absent' });
        expect(await store.remove({ key, version })).toEqual({ status: 'removed' });
      }
    });

    it('keeps the object when its version differs', async () => {
      const { store } = await open();
      const key = 'run/not-removed';
      const version = { ...versionOf(await commit(store, key, Buffer.from('old'))), sizeBytes: 3 };
      await commit(store, key, Buffer.from('newer'), version);

      expect(await store.remove({ key, version })).toEqual({ status: 'conflict' });
      expect((await readAll(store, key)).toString()).toBe('newer');
    });
  });

  describe('list', () => {
    it('returns the keys below a prefix in byte order, starting after any given key', async () => {
      const { store } = await open();
      const names = ['a.txt', 'a!', 'a/b', 'a/c/d', 'b c', 'b%25c', 'é', 'z'];
      const keys = names.map((name) => `run/${name}`);
      for (const key of [...keys, 'runner/x', 'other/y']) await commit(store, key, Buffer.from(key));
      const sorted = [...keys].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));

      expect(await listKeys(store, 'run/')).toEqual(sorted);
      for (const [index, after] of sorted.entries())
        expect(await listKeys(store, 'run/', after)).toEqual(sorted.slice(index + 1));
      expect(await listKeys(store, 'none/')).toEqual([]);
    });

    if (!lacks.includes('pages'))
      it('returns more than one page', async () => {
        const { store } = await open();
        const keys = Array.from({ length: 1010 }, (_, index) => `run/${String(index).padStart(5, '0')}`);
        for (let index = 0; index < keys.length; index += 50)
          await Promise.all(keys.slice(index, index + 50).map((key) => commit(store, key, Buffer.from(key))));

        expect(await listKeys(store, 'run/')).toEqual(keys);
      });

    it('returns the names before the first slash of keys', async () => {
      const { store } = await open();
      if (store.listFolders === undefined) return;
      const keys = ['a1/x', 'a1/y/z', 'a2/x', 'b1/x'];
      for (const key of keys) await commit(store, key, Buffer.from(key));
      const names = async (prefix: string): Promise<string[]> => {
        const found: string[] = [];
        for await (const name of store.listFolders!(prefix)) found.push(name);
        return found.filter((name) => /^[ab]\d$/.test(name)).sort();
      };

      expect(await names('')).toEqual(['a1', 'a2', 'b1']);
      expect(await names('a')).toEqual(['a1', 'a2']);
      expect(await names('c')).toEqual([]);
    });

    it('returns the same versions as commit', async () => {
      const { store } = await open();
      const outcome = await commit(store, 'run/one', Buffer.from('one'));

      const listed = [];
      for await (const object of store.list('run/')) listed.push(object);

      expect(listed).toEqual([{ key: 'run/one', sizeBytes: 3, ...versionOf(outcome) }]);
    });
  });

  it.each([
    [0, 1],
    [9_999, 10_000],
    [17, 4_711],
    [5, 5],
  ])('reads the range %d to %d', async (start, end) => {
    const { store } = await open();
    const bytes = someBytes(10_000);
    await commit(store, 'run/ranges', bytes);

    expect(await readAll(store, 'run/ranges', { start, end })).toEqual(bytes.subarray(start, end));
  });

  it('is ready while the store is empty', async () => {
    const { store } = await open();

    expect(await store.check()).toEqual({ status: 'ready' });
  });

  it('accepts every character that a key may contain', async () => {
    const { store } = await open();
    for (const name of ['a b+c', 'ü/日本', "q'uote", 'a&b=c?d#e', '100%', '%2F', '😀', '~', '*']) {
      expect((await commit(store, `run/${name}`, Buffer.from(name))).status).toBe('stored');
      expect((await readAll(store, `run/${name}`)).toString()).toBe(name);
    }
  });
}

export function newCommitId(): string {
  commits += 1;
  return commits.toString(16).padStart(32, '0');
}

export function commit(
  store: Store,
  key: string,
  bytes: Buffer,
  base: ObjectVersion | null = null,
): Promise<CommitOutcome> {
  const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
  return store.commit({ key, source: toSource(bytes), target, base, commitId: newCommitId() });
}

export function toSource(bytes: Buffer): ByteSource {
  return { read: async (start, end) => bytes.subarray(start, end) };
}

/** Bytes that differ from their neighbours and from the bytes for other sizes. */
export function someBytes(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let index = 0; index < size; index += 1)
    bytes[index] = (Math.imul(index, 2_654_435_761) + size) >>> 13;
  return bytes;
}

export async function readAll(
  store: Store,
  key: string,
  range?: { start: number; end: number },
): Promise<Buffer> {
  const chunks = [];
  const options = range === undefined ? { maxBytes: Number.POSITIVE_INFINITY } : { range };
  for await (const chunk of store.read(key, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function versionOf(outcome: CommitOutcome): { etag: string } {
  if (outcome.status !== 'stored') throw new Error(`not stored: ${JSON.stringify(outcome)}`);
  return { etag: outcome.etag };
}

export async function listKeys(store: Store, prefix: string, after?: string): Promise<string[]> {
  const keys = [];
  for await (const { key } of store.list(prefix, { after })) keys.push(key);
  return keys;
}
