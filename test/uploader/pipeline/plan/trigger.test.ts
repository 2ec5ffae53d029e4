import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isTooSlowToExtend,
  msUntilDue,
  type TriggerFacts,
} from '../../../../uploader/pipeline/plan/trigger.js';

const KIB = 1024;
const MIB = 1024 * KIB;

const growing: TriggerFacts = {
  isAppended: true,
  fileBytes: 300 * KIB,
  storedBytes: 290 * KIB,
  quietMs: 0,
  ageMs: 0,
  isStored: false,
  lastCommit: null,
  intervalMs: 10_000,
};
const waitOf = (changes: Partial<TriggerFacts>) => msUntilDue({ ...growing, ...changes });

describe('msUntilDue', () => {
  it.each([
    ['a new file is sent soon', { storedBytes: null, fileBytes: 10 }, 2_000],
    ['a file that began anew is sent at once', { storedBytes: 400 * KIB }, 0],
    ['a small file is sent at every interval', { storedBytes: 64 * KIB, fileBytes: 65 * KIB }, 10_000],
    ['one that has grown by a quarter, too', { storedBytes: 1 * MIB, fileBytes: 1.3 * MIB }, 10_000],
    [
      'at every interval since the last commit began, so that what comes late need not wait',
      {
        storedBytes: 64 * KIB,
        fileBytes: 65 * KIB,
        lastCommit: { agoMs: 5_000, durationMs: 1_000, repeatMs: 1_000 },
      },
      4_000,
    ],
    [
      'but what is written at once is sent at once',
      {
        storedBytes: 64 * KIB,
        fileBytes: 65 * KIB,
        lastCommit: { agoMs: 50_000, durationMs: 10, repeatMs: 10 },
      },
      2_000,
    ],
    [
      'one whose tail goes into segments, at every interval since the change',
      {
        storedBytes: 5 * MIB,
        fileBytes: 6 * MIB,
        lastCommit: { agoMs: 90_000, durationMs: 16_000, repeatMs: 16_000 },
      },
      10_000,
    ],
    [
      'one that has hardly grown costs no more than 128 KiB a second',
      { storedBytes: 4 * MIB, fileBytes: 4 * MIB + 1 },
      32_000,
    ],
    [
      'one that the store can extend is sent at every interval',
      { storedBytes: 5 * MIB, fileBytes: 5 * MIB + 1 },
      10_000,
    ],
    [
      'but the store is left in peace for four times as long as its last copy took',
      {
        storedBytes: 500 * MIB,
        fileBytes: 501 * MIB,
        lastCommit: { agoMs: 0, durationMs: 5_000, repeatMs: 5_000 },
      },
      20_000,
    ],
    [
      'however long the rest of it took, as that of the first',
      {
        storedBytes: 900 * MIB,
        fileBytes: 901 * MIB,
        lastCommit: { agoMs: 0, durationMs: 40_000, repeatMs: 0 },
      },
      2_000,
    ],
    [
      'and never for longer than the lag that is allowed',
      {
        storedBytes: 500 * MIB,
        fileBytes: 501 * MIB,
        ageMs: 20_000,
        lastCommit: { agoMs: 0, durationMs: 50_000, repeatMs: 50_000 },
      },
      40_000,
    ],
    ['a file of no known growth is sent once it is quiet', { isAppended: false, quietMs: 500 }, 1_500],
    ['or at the interval, when it never is', { isAppended: false, ageMs: 9_900 }, 100],
    ['what is stored is compared as a whole when it rests', { isStored: true, quietMs: 50_000 }, 10_000],
  ])('%s', (_title, changes, expected) => {
    expect(waitOf(changes)).toBe(expected);
  });

  it('is never more than a minute, and comes nearer with age', () => {
    fc.assert(
      fc.property(
        fc.record({
          storedBytes: fc.nat(20 * MIB),
          tailBytes: fc.integer({ min: 1, max: 20 * MIB }),
          ageMs: fc.nat(120_000),
          durationMs: fc.nat(60_000),
          agoMs: fc.nat(60_000),
        }),
        ({ storedBytes, tailBytes, ageMs, durationMs, agoMs }) => {
          const facts = {
            storedBytes,
            fileBytes: storedBytes + tailBytes,
            lastCommit: { durationMs, agoMs, repeatMs: durationMs },
          };
          const wait = waitOf({ ...facts, ageMs });
          expect(wait).toBeGreaterThanOrEqual(0);
          expect(wait + ageMs).toBeLessThanOrEqual(Math.max(60_000, ageMs));
          const later = {
            ageMs: ageMs + wait,
            lastCommit: { durationMs, agoMs: agoMs + wait, repeatMs: durationMs },
          };
          expect(waitOf({ ...facts, ...later })).toBeCloseTo(0, 6);
        },
      ),
    );
  });
});

describe('isTooSlowToExtend', () => {
  it('says so where a copy takes more than a quarter of the lag that is allowed', () => {
    expect([isTooSlowToExtend(15_000), isTooSlowToExtend(15_001)]).toEqual([false, true]);
  });
});
