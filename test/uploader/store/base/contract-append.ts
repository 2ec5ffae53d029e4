/** The contract for appends, as tests. */

import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type {
  AppendOutcome,
  AppendRequest,
  ByteSource,
  ObjectVersion,
  Store,
} from '../../../../uploader/store/base/store.js';
import {
  commit,
  newCommitId,
  readAll,
  type StoreUnderTest,
  sha256,
  someBytes,
  toSource,
} from './contract.js';

const MIB = 1024 * 1024;

export function describeAppend(open: () => Promise<StoreUnderTest>): void {
  describe('append', () => {
    it('extends objects of every size by tails of every size, reading and sending only the tail', async () => {
      const { store, tails } = await open();
      const min = store.capabilities.append!.minBaseBytes;
      for (const baseBytes of [min, min + 1, min + MIB])
        for (const tailBytes of tails) {
          const key = `run/${baseBytes}-${tailBytes}`;
          const { base, bytes } = await makeBase(store, key, baseBytes, tailBytes);
          let sentBytes = 0;
          const request = toAppend(key, base, bytes);
          const source: ByteSource = {
            read: (start, end) => {
              expect(start).toBeGreaterThanOrEqual(baseBytes);
              return request.source.read(start, end);
            },
          };

          const outcome = await store.append({
            ...request,
            source,
            onBytesSent: (sizeBytes) => {
              sentBytes += sizeBytes;
            },
          });

          expect(outcome.status).toBe('stored');
          expect(sha256(await readAll(store, key))).toBe(sha256(bytes));
          expect(sentBytes).toBe(tailBytes);
          const head = await store.head(key);
          expect(head).toMatchObject({ object: { sizeBytes: bytes.length, etag: etagOf(outcome) } });
          if (head.status === 'found') expect([null, crc32(bytes)]).toContain(head.object.crc32);
        }
    });

    it('reports unsupported for an object that is too small, and keeps it', async () => {
      const { store } = await open();
      const min = store.capabilities.append!.minBaseBytes;
      for (const baseBytes of [0, min - 1].filter((size) => size >= 0 && size < min)) {
        const { base, bytes } = await makeBase(store, `run/${baseBytes}`, baseBytes, 10);

        expect(await store.append(toAppend(`run/${baseBytes}`, base, bytes))).toEqual({
          status: 'unsupported',
        });
        expect((await readAll(store, `run/${baseBytes}`)).length).toBe(baseBytes);
      }
    });

    it('extends an object repeatedly', async () => {
      const { store } = await open();
      const min = minBytes(store);
      const all = someBytes(min + 1000);
      let base = (await makeBase(store, 'run/grows', min, 0)).base;
      const first = await readAll(store, 'run/grows');
      const bytes = Buffer.concat([first, all.subarray(min)]);
      for (let size = min + 100; size <= min + 1000; size += 100) {
        const outcome = await store.append(toAppend('run/grows', base, bytes.subarray(0, size)));
        base = { etag: etagOf(outcome), sizeBytes: size, crc32: crc32(bytes.subarray(0, size)) };
      }

      expect(sha256(await readAll(store, 'run/grows'))).toBe(sha256(bytes));
    });

    it('sends nothing for an empty tail, but checks the base', async () => {
      const { store } = await open();
      const { base, bytes } = await makeBase(store, 'run/same', store.capabilities.append!.minBaseBytes, 0);

      expect(await store.append(toAppend('run/same', base, bytes))).toEqual({
        status: 'stored',
        etag: base.etag,
      });
      const stale = { ...base, etag: '0123' };
      const other = { ...toAppend('run/same', stale, bytes), base: { ...stale, sizeBytes: bytes.length } };
      expect((await store.append({ ...other, key: 'run/none' })).status).toBe('conflict');
    });

    it('does not take an object for a target that has its size and other bytes', async () => {
      const { store } = await open();
      const { base, bytes } = await makeBase(store, 'run/equal', minBytes(store), 0);
      const changed = Buffer.from(bytes);
      changed[0]! ^= 1;

      expect(await store.append(toAppend('run/equal', base, changed))).toEqual({ status: 'changed' });
      expect(sha256(await readAll(store, 'run/equal'))).toBe(sha256(bytes));
    });

    it('reports a conflict and keeps the object when it is not the base', async () => {
      const { store, tails } = await open();
      const { base, bytes } = await makeBase(store, 'run/stale', minBytes(store), Math.max(...tails));
      await commit(store, 'run/stale', Buffer.from('theirs'), base);

      expect((await store.append(toAppend('run/stale', base, bytes))).status).toBe('conflict');
      expect((await store.append(toAppend('run/gone', base, bytes))).status).toBe('conflict');
      expect((await readAll(store, 'run/stale')).toString()).toBe('theirs');
      expect(await store.head('run/gone')).toEqual({ status: 'absent' });
    });

    it('reports a conflict and keeps the object when its bytes do not match the checksum of the base', async () => {
      const { store } = await open();
      const { base, bytes } = await makeBase(store, 'run/other', minBytes(store), 10);
      // The tail is correct, and base and tail make up the target. Only the store can detect the wrong base.
      const wrong = Buffer.from(bytes);
      wrong[0]! ^= 1;
      const claimed = { ...base, crc32: crc32(wrong.subarray(0, base.sizeBytes)) };

      expect((await store.append(toAppend('run/other', claimed, wrong))).status).toBe('conflict');
      expect(sha256(await readAll(store, 'run/other'))).toBe(sha256(bytes.subarray(0, base.sizeBytes)));
    });

    it('keeps the object when the source has a different or shorter tail', async () => {
      const { store, tails } = await open();
      for (const tailBytes of tails) {
        const key = `run/changed-${tailBytes}`;
        const { base, bytes } = await makeBase(store, key, minBytes(store), tailBytes);
        const changed = Buffer.from(bytes);
        changed[bytes.length - 1]! ^= 1;
        for (const found of [changed, bytes.subarray(0, bytes.length - 1)]) {
          const request = { ...toAppend(key, base, bytes), source: toSource(found) };

          expect(await store.append(request)).toEqual({ status: 'changed' });
          expect(await store.head(key)).toMatchObject({ object: { etag: base.etag } });
        }
      }
    });

    it('has one effect when it is repeated after a success', async () => {
      const { store, tails } = await open();
      for (const tailBytes of tails) {
        const key = `run/twice-${tailBytes}`;
        const { base, bytes } = await makeBase(store, key, minBytes(store), tailBytes);
        const request = toAppend(key, base, bytes);
        const first = await store.append(request);

        expect(await store.append(request)).toEqual(first);
        expect(sha256(await readAll(store, key))).toBe(sha256(bytes));
      }
    });

    it('resumes after a read error of the source, with the same commit id', async () => {
      const { store, tails } = await open();
      const { base, bytes } = await makeBase(store, 'run/again', minBytes(store), Math.max(...tails));
      const request = toAppend('run/again', base, bytes);
      let reads = 0;
      const failing: ByteSource = {
        read: (start, end) => {
          reads += 1;
          return reads === 2 ? Promise.reject(new Error('EIO')) : request.source.read(start, end);
        },
      };

      const first = await store.append({ ...request, source: failing }).catch((error: unknown) => error);
      expect(first).not.toMatchObject({ status: 'stored' });
      expect(await store.head('run/again')).toMatchObject({ object: { etag: base.etag } });
      expect((await store.append(request)).status).toBe('stored');
      expect(sha256(await readAll(store, 'run/again'))).toBe(sha256(bytes));
    });

    it('lets exactly one of several concurrent appends to a base succeed', async () => {
      const { store } = await open();
      const { base, bytes } = await makeBase(store, 'run/race', minBytes(store), 0);
      const grown = Array.from({ length: 6 }, (_, index) =>
        Buffer.concat([bytes, Buffer.from(`writer ${index}`)]),
      );

      const outcomes = await Promise.all(
        grown.map((each) => untilDecided(() => store.append(toAppend('run/race', base, each)))),
      );

      const winners = outcomes.flatMap(({ status }, index) => (status === 'stored' ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(outcomes.map(({ status }) => status).sort()).toEqual([...Array(5).fill('conflict'), 'stored']);
      expect(sha256(await readAll(store, 'run/race'))).toBe(sha256(grown[winners[0]!]!));
    });

    it('lets only one of a concurrent append and replacement succeed', async () => {
      const { store } = await open();
      for (let round = 0; round < 5; round += 1) {
        const key = `run/both-${round}`;
        const { base, bytes } = await makeBase(store, key, minBytes(store), 10);
        const other = Buffer.from('replaced');

        const [appended, replaced] = await Promise.all([
          untilDecided(() => store.append(toAppend(key, base, bytes))),
          untilDecided(() => commit(store, key, other, base)),
        ]);

        expect([appended.status, replaced.status].sort()).toEqual(['conflict', 'stored']);
        const expected = appended.status === 'stored' ? bytes : other;
        expect(sha256(await readAll(store, key))).toBe(sha256(expected));
      }
    });

    it('shows readers only complete versions of the object', async () => {
      const { store, tails, showsPartialTails } = await open();
      const min = minBytes(store);
      const tailBytes = Math.max(...tails);
      const { base: first, bytes } = await makeBase(store, 'run/read', min, 6 * tailBytes);
      const states = new Set([min]);
      let base = first;
      let isDone = false;
      const append = async (): Promise<void> => {
        for (let size = min + tailBytes; size <= bytes.length; size += tailBytes) {
          const outcome = await store.append(toAppend('run/read', base, bytes.subarray(0, size)));
          states.add(size);
          base = { etag: etagOf(outcome), sizeBytes: size, crc32: crc32(bytes.subarray(0, size)) };
        }
        isDone = true;
      };
      const seen = new Set<number>();
      const read = async (): Promise<void> => {
        while (!isDone) {
          const found = await readAll(store, 'run/read');
          expect(Buffer.compare(found, bytes.subarray(0, found.length))).toBe(0);
          seen.add(found.length);
        }
      };

      await Promise.all([append(), read()]);

      if (showsPartialTails !== true) expect([...seen].filter((size) => !states.has(size))).toEqual([]);
    });
  });

  it('does not collect objects or uploads in progress', async () => {
    const { store, sizes } = await open();
    await commit(store, 'run/object', Buffer.from('x'));
    const bytes = someBytes(Math.max(...sizes));
    let collected: unknown;
    const source: ByteSource = {
      read: async (start, end) => {
        if (start > 0) collected ??= await store.collect({ prefixes: ['run/'], olderThanMs: 0 });
        return bytes.subarray(start, end);
      },
    };
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };

    const outcome = await store.commit({
      key: 'run/now',
      source,
      target,
      base: null,
      commitId: newCommitId(),
    });

    expect(collected).toEqual({ status: 'collected', removed: 0, left: 0 });
    expect(outcome.status).toBe('stored');
    expect((await readAll(store, 'run/object')).toString()).toBe('x');
  });
}

type Base = ObjectVersion & { readonly crc32: number };

/** Commits the first `baseBytes` of some bytes. Returns the base and all bytes. */
async function makeBase(
  store: Store,
  key: string,
  baseBytes: number,
  tailBytes: number,
): Promise<{ base: Base; bytes: Buffer }> {
  const bytes = someBytes(baseBytes + tailBytes);
  const start = bytes.subarray(0, baseBytes);
  const outcome = await commit(store, key, start);
  return { base: { etag: etagOf(outcome), sizeBytes: baseBytes, crc32: crc32(start) }, bytes };
}

export function toAppend(key: string, base: Base, bytes: Buffer): AppendRequest {
  const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
  return { key, base, target, source: toSource(bytes), commitId: newCommitId() };
}

/** The size of a base that is not empty. */
function minBytes(store: Store): number {
  return Math.max(store.capabilities.append!.minBaseBytes, 100);
}

function etagOf(outcome: AppendOutcome): string {
  if (outcome.status !== 'stored') throw new Error(`not stored: ${JSON.stringify(outcome)}`);
  return outcome.etag;
}

async function untilDecided(call: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const outcome = await call();
    if (outcome.status !== 'retry') return outcome;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('only retries, no final outcome');
}
