import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RepeatBudget } from '../../../../uploader/base/limits/repeat-budget.js';

const INTERVAL_MS = 10_000;
const MAX_SENT_RATIO = 1.3;

interface GrowingFile {
  bytes: number;
  storedBytes: number;
  readonly bytesPerSecond: number;
  readonly endS: number;
}

/** Sends each file whole at every interval that the budget allows, and once at its end. Returns the bytes sent and stored. */
function simulate(files: GrowingFile[], seconds: number): { sent: number; stored: number } {
  const budget = new RepeatBudget(INTERVAL_MS, 0);
  let sent = 0;
  for (let second = 1; second <= seconds; second += 1)
    for (const file of files) {
      if (second > file.endS) continue;
      file.bytes += file.bytesPerSecond;
      const isLast = second === file.endS || second === seconds;
      const isDue =
        isLast || (second % (INTERVAL_MS / 1000) === 0 && budget.msUntil(file.bytes, second * 1000) === 0);
      if (!isDue) continue;
      if (!isLast) budget.spend(file.bytes);
      budget.earn(file.bytes - file.storedBytes);
      sent += file.bytes;
      file.storedBytes = file.bytes;
    }
  return { sent, stored: files.reduce((sum, { storedBytes }) => sum + storedBytes, 0) };
}

describe('RepeatBudget', () => {
  it('F95: keeps the bytes sent below 1.3 times the bytes stored, for any files that grow for minutes', () => {
    const file = fc.record({
      bytesPerSecond: fc.integer({ min: 1_000, max: 20_000 }),
      endS: fc.integer({ min: 20, max: 1_200 }),
    });
    fc.assert(
      fc.property(fc.array(file, { minLength: 20, maxLength: 40 }), (files) => {
        const growing = files.map((each) => ({ ...each, bytes: 0, storedBytes: 0 }));
        const { sent, stored } = simulate(growing, 1_200);
        expect(sent / stored).toBeLessThan(MAX_SENT_RATIO);
      }),
      { numRuns: 30 },
    );
  });

  it('lets a small file be sent at every interval', () => {
    const budget = new RepeatBudget(INTERVAL_MS, 0);
    for (let seconds = 10; seconds < 3_600; seconds += 10) {
      expect(budget.msUntil(20_000, seconds * 1000)).toBe(0);
      budget.spend(20_000);
    }
  });

  it('allows more at a shorter interval', () => {
    const waits = [1_000, 10_000, 60_000].map((intervalMs) =>
      new RepeatBudget(intervalMs, 0).msUntil(10_000_000, 0),
    );
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(new Set(waits).size).toBe(3);
  });

  it('lets a thousand files of a kilobyte be sent at every interval, if each second pays for a mebibyte', () => {
    const budget = new RepeatBudget(INTERVAL_MS, 0, 1024 * 1024);
    let waitedMs = 0;
    for (let seconds = 10; seconds < 3_600; seconds += 10)
      for (let file = 0; file < 1_000; file += 1) {
        waitedMs += budget.msUntil(1_000, seconds * 1000);
        budget.spend(1_000);
      }
    expect(waitedMs).toBe(0);
  });

  it('makes later files wait after one that exceeded the budget', () => {
    const budget = new RepeatBudget(INTERVAL_MS, 0);
    budget.spend(1_000_000);
    expect(budget.msUntil(1, 0)).toBeGreaterThan(400_000);
    budget.earn(10_000_000);
    expect(budget.msUntil(1, 0)).toBe(0);
  });
});
