/** The small parts that all stores share. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import { ByteBudget } from '../../../../uploader/store/base/byte-budget.js';
import {
  canAppend,
  FILE_STORE,
  UNPROBED_S3,
  withMinBase,
} from '../../../../uploader/store/base/capabilities.js';
import {
  fromBase64Crc,
  fromHexCrc,
  fromMetadata,
  toBase64Crc,
  toHexCrc,
  toMetadata,
} from '../../../../uploader/store/base/commit-metadata.js';
import { isBase, resolveConflict, toStoredOutcome } from '../../../../uploader/store/base/commit-outcome.js';
import { isPassing, readNumber, toRetryAfterMs } from '../../../../uploader/store/base/http-outcome.js';
import { KeyedQueue } from '../../../../uploader/store/base/keyed-queue.js';
import { LearnedAnswers } from '../../../../uploader/store/base/learned-answers.js';
import { PrefixSet } from '../../../../uploader/store/base/prefix-set.js';
import type { HeadOutcome } from '../../../../uploader/store/base/store.js';
import { toCredentialFacts } from '../../../../uploader/store/base/store-facts.js';
import { TimeLimit, withinTime } from '../../../../uploader/store/base/time-limit.js';
import { VirtualTime } from '../../support/virtual-time.js';

const crc = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('the metadata of an object', () => {
  it('returns what the commit has written, and nothing once the size differs', () => {
    fc.assert(
      fc.property(
        fc.nat(1e9),
        crc,
        fc.option(fc.nat(1e9), { nil: undefined }),
        (sizeBytes, crc32, generation) => {
          const metadata = toMetadata({ commitId: 'a1', target: { sizeBytes, crc32 }, generation });

          expect(fromMetadata(metadata, sizeBytes)).toEqual({
            commitId: 'a1',
            generation: generation ?? null,
            claimedCrc32: crc32,
          });
          expect(fromMetadata(metadata, sizeBytes + 1)).toEqual({
            commitId: null,
            generation: null,
            claimedCrc32: null,
          });
        },
      ),
    );
    expect(fromMetadata(undefined, 1)).toEqual({ commitId: null, generation: null, claimedCrc32: null });
  });

  it('has checksums as text, and takes nothing else for one', () => {
    fc.assert(
      fc.property(crc, (value) => {
        expect(fromHexCrc(toHexCrc(value))).toBe(value);
        expect(fromBase64Crc(toBase64Crc(value))).toBe(value);
      }),
    );
    for (const text of [undefined, '', 'abc', '0123456', '012345678', '0123456G', ' 01234567'])
      expect(fromHexCrc(text)).toBe(null);
    for (const text of [undefined, '', 'AAAAAA==-2', 'AAAAA==', 'AAAAAAA=', 'xAAAAAA==', 'AAAA?A=='])
      expect(fromBase64Crc(text)).toBe(null);
    for (const generation of ['', '-1', '1.5', 'x1', '1x', '1'.repeat(16)])
      expect(fromMetadata({ 'plx-generation': generation }, 1).generation).toBe(null);
  });
});

describe('a failed request', () => {
  it('is repeated after the seconds that the store names', () => {
    expect([toRetryAfterMs('0'), toRetryAfterMs('120'), toRetryAfterMs('999999')]).toEqual([
      0, 120_000, 999_999_000,
    ]);
    for (const other of [
      undefined,
      5,
      '',
      '-1',
      '1.5',
      '1000000',
      'a1',
      '1a',
      'Wed, 21 Oct 2015 07:28:00 GMT',
    ])
      expect(toRetryAfterMs(other)).toBe(undefined);
  });

  it('is temporary when its attempts are not limited', () => {
    const cause = new Error('503');
    expect(isPassing({ status: 'retry', cause })).toBe(true);
    expect(isPassing({ status: 'retry', cause, maxAttempts: 5 })).toBe(false);
    expect(isPassing({ status: 'failed', error: cause as never })).toBe(false);
  });

  it('may be any thrown value', () => {
    expect(readNumber({ status: 503 }, 'status')).toBe(503);
    for (const value of [null, undefined, 'text', { status: '503' }, {}])
      expect(readNumber(value, 'status')).toBe(undefined);
  });
});

it('names the source of credentials of which nothing else is known', () => {
  expect(toCredentialFacts(null)).toBe(null);
  expect(toCredentialFacts('the file')).toEqual({
    source: 'the file',
    accessKeyId: '…',
    isTemporary: false,
    expiresAt: null,
  });
});

describe('the outcome after a failed condition', () => {
  const target = { sizeBytes: 3, crc32: 7 };
  const base = { etag: 'base', sizeBytes: 1 };
  const request = {
    ...{ key: 'k', target, commitId: 'mine' },
    source: { read: async () => Buffer.alloc(0) },
  };
  const toFound = (object: object): HeadOutcome => ({
    status: 'found',
    object: { etag: 'e', sizeBytes: 3, crc32: 8, commitId: 'other', generation: null, ...object },
  });

  it('is stored for an object of this commit or with its bytes, and a conflict for any other', () => {
    const stored = { status: 'stored', etag: 'e' };
    expect(resolveConflict(toFound({ commitId: 'mine' }), { ...request, base })).toEqual(stored);
    expect(resolveConflict(toFound({ crc32: 7 }), { ...request, base })).toEqual(stored);
    for (const other of [{}, { crc32: 7, sizeBytes: 4 }, { crc32: null }])
      expect(resolveConflict(toFound(other), { ...request, base })).toEqual({ status: 'conflict' });
  });

  it('is a conflict without the base, and asked again while a new object is not visible', () => {
    expect(resolveConflict({ status: 'absent' }, { ...request, base })).toEqual({ status: 'conflict' });
    expect(resolveConflict({ status: 'absent' }, { ...request, base: null })).toMatchObject({
      status: 'retry',
      maxAttempts: 5,
    });
    const failed = { status: 'retry', cause: 'HEAD' } as const;
    expect(resolveConflict(failed, { ...request, base })).toBe(failed);
  });

  it('knows whether the object is still the base', () => {
    expect(isBase({ status: 'absent' }, { base: null })).toBe(true);
    expect(isBase({ status: 'absent' }, { base })).toBe(false);
    expect(isBase(toFound({ etag: 'base' }), { base })).toBe(true);
    expect(isBase(toFound({ etag: 'base' }), { base: null })).toBe(false);
    expect(isBase({ status: 'retry', cause: '' }, { base })).toBe(false);
  });

  it('has an ETag without quotes, or is a failure of something between', () => {
    expect(toStoredOutcome('put k', '"a"b"')).toEqual({ status: 'stored', etag: 'a"b' });
    expect(toStoredOutcome('put k', undefined)).toMatchObject({
      status: 'retry',
      cause: { message: 'put k: the response has no ETag' },
    });
  });
});

describe('LearnedAnswers', () => {
  it('returns the last answer, reports each change once, and passes its answers to the next process', () => {
    let now = 100;
    const answers = new LearnedAnswers({ ...systemClock, wallTime: () => now });
    let changes = 0;
    answers.onChange(() => {
      changes += 1;
    });
    expect(answers.get('append')).toBe(undefined);
    answers.learn('append', 'yes');
    now = 200;
    answers.learn('append', 'yes');
    expect([changes, answers.entries]).toEqual([1, [['append', { is: 'yes', atSeconds: 100 }]]]);
    answers.learn('append', 'no');
    expect([changes, answers.get('append')]).toEqual([2, 'no']);

    const next = new LearnedAnswers();
    next.onChange(() => {
      changes += 1;
    });
    next.adopt(answers.entries);
    expect([changes, next.get('append'), next.entries]).toEqual([3, 'no', answers.entries]);
  });
});

describe('canAppend', () => {
  it('needs a base within the limits, and range copies to keep only its beginning', () => {
    const store = { ...UNPROBED_S3, append: { minBaseBytes: 10, maxBaseBytes: 20 } };
    expect([9, 10, 20, 21].map((bytes) => canAppend(store, bytes))).toEqual([false, true, true, false]);
    expect(canAppend(store, 30, 15)).toBe(false);
    expect(canAppend({ ...store, rangeCopy: true }, 30, 15)).toBe(true);
    expect(canAppend({ ...store, rangeCopy: true }, 30, 9)).toBe(false);
    expect(canAppend(UNPROBED_S3, 15)).toBe(false);
    expect(withMinBase(store, 12).append).toEqual({ minBaseBytes: 12, maxBaseBytes: 20 });
    expect(withMinBase(UNPROBED_S3, 12).append).toBe(null);
    expect(canAppend(FILE_STORE, 0)).toBe(true);
  });
});

describe('PrefixSet', () => {
  const segment = fc.constantFrom('', 'a', 'b', 'ab');
  const name = fc.array(segment, { maxLength: 4 }).map((parts) => parts.join('/'));

  it('has the keys below its directories, and its keys', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 4 }), name, (prefixes, key) => {
        const isBelow = (prefix: string): boolean =>
          prefix === '' || key === prefix || (prefix.endsWith('/') && key.startsWith(prefix));

        expect(new PrefixSet(prefixes).has(key)).toBe(prefixes.some(isBelow));
      }),
    );
  });

  it('lists each prefix, or the whole store above eight directories', () => {
    const directories = Array.from({ length: 8 }, (_, index) => `${index}/`);
    expect(new PrefixSet([...directories, 'key']).toList).toEqual([...directories, 'key']);
    expect(new PrefixSet([...directories, '8/']).toList).toEqual(['']);
  });
});

describe('KeyedQueue', () => {
  it('runs work for one key in turn, after failures too, and work for other keys at once', async () => {
    const queue = new KeyedQueue();
    const log: string[] = [];
    const gates = new Map<string, () => void>();
    const start = (key: string, name: string, fails = false): Promise<void> =>
      queue.use(key, async () => {
        log.push(`${name} begins`);
        await new Promise<void>((resolve) => gates.set(name, resolve));
        log.push(`${name} ends`);
        if (fails) throw new Error(name);
      });
    const first = start('a', 'a1', true);
    const second = start('a', 'a2');
    const other = start('b', 'b1');
    await settled();
    expect(log).toEqual(['a1 begins', 'b1 begins']);

    gates.get('a1')!();
    await expect(first).rejects.toThrow('a1');
    await settled();
    const third = start('a', 'a3');
    await settled();
    expect(log).toEqual(['a1 begins', 'b1 begins', 'a1 ends', 'a2 begins']);

    gates.get('a2')!();
    await second;
    await settled();
    gates.get('a3')!();
    gates.get('b1')!();
    await Promise.all([third, other]);
    expect(log.slice(4)).toEqual(['a2 ends', 'a3 begins', 'a3 ends', 'b1 ends']);
  });
});

describe('ByteBudget', () => {
  it('never hands out more than its capacity, starts work in order, and loses nothing to failures', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(15), { maxLength: 12 }),
        fc.array(fc.nat(3)),
        async (sizes, choices) => {
          const budget = new ByteBudget(10);
          const running = new Map<number, () => void>();
          const started: number[] = [];
          const all = sizes.map((size, index) =>
            budget
              .use(size, async () => {
                started.push(index);
                await new Promise<void>((resolve) => running.set(index, resolve));
                if (index % 2 === 0) throw new Error('failed');
              })
              .catch(() => undefined),
          );
          for (let turn = 0; ; turn += 1) {
            await settled();
            const held = [...running.keys()].reduce((sum, index) => sum + Math.min(sizes[index]!, 10), 0);
            expect(held).toBeLessThanOrEqual(10);
            const next = sizes[started.length];
            if (next !== undefined) expect(held + Math.min(next, 10)).toBeGreaterThan(10);
            const [index, end] = [...running][(choices[turn] ?? 0) % Math.max(running.size, 1)] ?? [];
            if (index === undefined) break;
            running.delete(index);
            end?.();
          }
          await Promise.all(all);
          expect(started).toEqual(sizes.map((_, index) => index));
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('TimeLimit', () => {
  const timeouts = { silenceMs: 1000, totalMs: 5000 };

  async function measure(
    options: { readonly sizeBytes?: number; readonly touchEveryMs?: number; readonly pauses?: boolean },
    limitMs = 200_000,
  ): Promise<{ readonly ms: number | null; readonly error: unknown }> {
    const time = new VirtualTime();
    const limit = new TimeLimit({ clock: time.createClock(), timeouts, sizeBytes: options.sizeBytes });
    if (options.pauses) limit.pause();
    for (let ms = 0; ms < limitMs; ms += 100) {
      if (limit.signal.aborted) return { ms, error: limit.toError(new Error('aborted')) };
      if (options.touchEveryMs !== undefined && ms % options.touchEveryMs === 0) limit.touch();
      await time.pass(100);
    }
    const error = limit.toError('none');
    limit.end();
    return { ms: null, error };
  }

  it('ends a request that is silent, or takes longer in total than its size explains', async () => {
    expect(await measure({})).toMatchObject({
      ms: 1000,
      error: { name: 'TimeoutError', message: 'no response within 1 s', cause: { message: 'aborted' } },
    });
    expect(await measure({ touchEveryMs: 500 })).toEqual({ ms: null, error: 'none' });
    expect(await measure({ touchEveryMs: 500, sizeBytes: 1 })).toMatchObject({
      ms: 5000,
      error: { message: 'no response within 5 s' },
    });
    expect(await measure({ touchEveryMs: 500, sizeBytes: 100 * 256 * 1024 })).toMatchObject({ ms: 100_000 });
    expect(await measure({ pauses: true, sizeBytes: 1 })).toMatchObject({ ms: 5000 });
    expect(await measure({ pauses: true })).toEqual({ ms: null, error: 'none' });
  });

  it('passes on the abort of the caller, with its reason, until it ends', async () => {
    const time = new VirtualTime();
    const caller = new AbortController();
    const limit = new TimeLimit({ clock: time.createClock(), timeouts, signal: caller.signal });
    caller.abort(new Error('stopped'));
    expect(limit.signal.reason).toEqual(new Error('stopped'));
    expect(() => limit.toError(new Error('other'))).toThrow('stopped');
    expect(() => new TimeLimit({ clock: time.createClock(), timeouts, signal: caller.signal })).toThrow(
      'stopped',
    );

    const later = new AbortController();
    const ended = new TimeLimit({ clock: time.createClock(), timeouts, signal: later.signal });
    ended.end();
    later.abort();
    await time.pass(10_000);
    expect(ended.signal.aborted).toBe(false);
  });

  it('runs work within the limit, and throws the error of the limit', async () => {
    const time = new VirtualTime();
    const clock = time.createClock();
    expect(await withinTime({ clock, timeouts }, async () => 'done')).toBe('done');
    const late = withinTime({ clock, timeouts }, async ({ signal }) => {
      await clock.sleep(60_000, signal);
    });
    const failed = expect(late).rejects.toMatchObject({ name: 'TimeoutError' });
    await time.pass(2_000);
    await failed;
  });
});

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
