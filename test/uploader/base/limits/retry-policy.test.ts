import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../../../src/base/clock.js';
import { ConcurrencyLimit } from '../../../../uploader/base/limits/concurrency-limit.js';
import { RateLimit } from '../../../../uploader/base/limits/rate-limit.js';
import { RetryPolicy } from '../../../../uploader/base/limits/retry-policy.js';
import type { RetryOutcome } from '../../../../uploader/base/retry-table.js';
import { FakeClock } from '../../../support/fake-clock.js';

const randomness = { fraction: () => 0.5, id: () => 'id' };
const unavailable: RetryOutcome = { status: 'retry', cause: new Error('connection refused') };

/** Virtual time, which advances when all callers sleep. */
class VirtualClock implements Clock {
  #nowMs = 0;
  readonly #sleepers: { untilMs: number; wake: () => void }[] = [];
  #isScheduled = false;

  wallTime(): number {
    return this.#nowMs / 1000;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((wake) => {
      this.#sleepers.push({ untilMs: this.#nowMs + ms, wake });
      if (!this.#isScheduled) setImmediate(() => this.#advance());
      this.#isScheduled = true;
    });
  }

  #advance(): void {
    this.#isScheduled = false;
    this.#sleepers.sort((a, b) => a.untilMs - b.untilMs);
    const next = this.#sleepers.shift();
    if (next === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, next.untilMs);
    next.wake();
    if (this.#sleepers.length > 0) {
      this.#isScheduled = true;
      setImmediate(() => this.#advance());
    }
  }
}

describe('RetryPolicy', () => {
  it('lets any number of calls listen to the signal of a program, without a warning', async () => {
    const warnings: string[] = [];
    const listener = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', listener);
    onTestFinished(() => void process.off('warning', listener));
    const { signal } = new AbortController();
    const retryPolicy = new RetryPolicy({ clock: new FakeClock(), randomness, retryTimeoutMs: 5_000 });
    const call = async () => {
      signal.addEventListener('abort', () => undefined);
      return { status: 'found' as const };
    };

    await Promise.all(Array.from({ length: 40 }, () => retryPolicy.withRetry('check a', call, { signal })));
    await new Promise((resolve) => setImmediate(resolve));

    expect(warnings).toEqual([]);
  });

  it('gives up after the retry timeout, and reports that the outage concerns all files', async () => {
    const clock = new FakeClock();
    const retryPolicy = new RetryPolicy({ clock, randomness, retryTimeoutMs: 5_000 });

    const outcome = await retryPolicy.withRetry('store a', async () => unavailable);

    expect(outcome).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STORE_UNAVAILABLE', concernsAllFiles: true },
    });
  });

  it('gives up after the maximum number of attempts, and reports that only this file is concerned', async () => {
    const retryPolicy = new RetryPolicy({ clock: new FakeClock(), randomness, retryTimeoutMs: 60_000 });
    let attempts = 0;

    const outcome = await retryPolicy.withRetry('store a', async (): Promise<RetryOutcome> => {
      attempts += 1;
      return { ...unavailable, maxAttempts: 3 };
    });

    expect(attempts).toBe(3);
    expect(outcome).toMatchObject({ status: 'failed', error: { concernsAllFiles: false } });
  });

  it('F38: sends one request at a time during an outage, and resumes all waiting calls after it', async () => {
    const clock = new VirtualClock();
    const retryPolicy = new RetryPolicy({ clock, randomness, retryTimeoutMs: Number.POSITIVE_INFINITY });
    const endMs = 600_000;
    let attempts = 0;
    let inFlight = 0;
    let mostInFlight = 0;
    const call = async () => {
      attempts += 1;
      inFlight += 1;
      if (attempts > 50) mostInFlight = Math.max(mostInFlight, inFlight);
      await clock.sleep(20);
      inFlight -= 1;
      return clock.monotonicMs() < endMs ? unavailable : ({ status: 'done' } as const);
    };

    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) => retryPolicy.withRetry(`store ${index}`, call)),
    );

    expect(outcomes.every(({ status }) => status === 'done')).toBe(true);
    // Ten minutes, 50 callers: 50 requests in flight at the start of the outage, then one at a time, then 50 that succeed.
    expect(attempts).toBeLessThan(50 + 150 + 50);
    expect(clock.monotonicMs()).toBeLessThan(endMs + 40_000);
    expect(mostInFlight).toBeLessThanOrEqual(50);
  });

  it('F37: waits for the delay that the store asks for', async () => {
    const clock = new FakeClock();
    const retryPolicy = new RetryPolicy({ clock, randomness, retryTimeoutMs: 600_000 });
    const startMs = clock.monotonicMs();
    let isFirst = true;

    await retryPolicy.withRetry('store a', async () => {
      if (!isFirst) return { status: 'done' } as const;
      isFirst = false;
      return { ...unavailable, afterMs: 45_000 };
    });

    expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(45_000);
  });
});

describe('ConcurrencyLimit', () => {
  it('F37: halves the limit once for simultaneous overloads, and raises it again by one', () => {
    const limit = new ConcurrencyLimit(8);

    limit.onTrouble(1_000);
    limit.onTrouble(1_200);
    expect(limit.at(1_300)).toBe(4);
    limit.onTrouble(3_000);
    limit.onTrouble(5_000);
    limit.onTrouble(7_000);
    expect(limit.at(7_100)).toBe(1);
    expect(limit.at(17_000)).toBe(2);
    expect(limit.at(77_000)).toBe(8);
  });
});

describe('RateLimit', () => {
  it('keeps the limit for amounts of all sizes', async () => {
    const clock = new VirtualClock();
    const limit = new RateLimit(clock, 1000);
    let sent = 0;

    for (const size of [100, 5_000, 1, 3_000, 2_000]) {
      await limit.take(size, 'small');
      sent += size;
    }
    await limit.take(1, 'small');

    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(sent - 1_000 - 1);
    expect(clock.monotonicMs()).toBeLessThan(sent + 1_000);
  });

  it('divides the rate by the weights of the lanes, so that events overtake a checkpoint', async () => {
    const clock = new VirtualClock();
    const limit = new RateLimit(clock, 1_000);
    const order: string[] = [];
    const take = async (lane: 'events' | 'large', count: number) => {
      for (let index = 0; index < count; index += 1) {
        await limit.take(1_000, lane);
        order.push(lane);
      }
    };

    await Promise.all([take('large', 20), take('events', 10)]);

    // Weights 60 to 5: all ten events are sent before the third piece of the large file.
    expect(order.slice(0, 12).filter((lane) => lane === 'events')).toHaveLength(10);
  });

  it('does not limit by default, and rejects when the signal is aborted', async () => {
    const abort = new AbortController();
    const limit = new RateLimit(new VirtualClock(), 1);
    await new RateLimit(new VirtualClock()).take(1e12, 'large');
    await limit.take(1_000_000, 'large');
    const waiting = limit.take(1, 'events', abort.signal);
    abort.abort(new Error('stop'));

    await expect(waiting).rejects.toThrow('stop');
  });
});
