import { describe, expect, it } from 'vitest';
import { isChangedWithin, toQuietMs } from '../../../../uploader/base/io/file-version.js';

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** Timestamps relative to the clock of this host. */
function toTimes(mtimeMs: number, ctimeMs: number) {
  const [mtimeNs, ctimeNs] = [mtimeMs, ctimeMs].map((ms) => BigInt(NOW_MS + ms) * 1_000_000n);
  return { mtimeNs: mtimeNs!, ctimeNs: ctimeNs! };
}

describe('isChangedWithin', () => {
  it.each([
    ['just now', 0, 0, true],
    ['by a slightly faster clock just now', 900, 900, true],
    ['three seconds ago', -3_000, -3_000, false],
    ['an hour ago, and got its timestamps just now', -HOUR_MS, 0, false],
    ['just now, and got a modification time in the future', HOUR_MS, 0, true],
    ['an hour ago, and got a modification time in the future then', HOUR_MS, -HOUR_MS, false],
    ['on a file server whose clock is an hour ahead', HOUR_MS, HOUR_MS, false],
    ['on a file server whose clock is 30 s ahead', 30_000, 30_000, false],
  ])('F91: judges a file that was changed %s', (_when, mtimeMs, ctimeMs, isRecent) => {
    expect(isChangedWithin(toTimes(mtimeMs, ctimeMs), NOW_MS, 2_000)).toBe(isRecent);
  });
});

describe('toQuietMs', () => {
  it.each([
    [-5_000, -5_000, 5_000],
    [HOUR_MS, -5_000, 5_000],
    [HOUR_MS, HOUR_MS, 0],
  ])('is never negative, for a modification at %d ms and a change at %d ms', (mtimeMs, ctimeMs, quietMs) => {
    expect(toQuietMs(toTimes(mtimeMs, ctimeMs), NOW_MS)).toBe(quietMs);
  });
});
