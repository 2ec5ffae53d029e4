import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isTooSlowToExtend,
  limitRepeatWait,
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
  minAppendBytes: 5 * MIB,
  intervalMs: 10_000,
};
const waitOf = (changes: Partial<TriggerFacts>) => msUntilDue({ ...growing, ...changes });

describe('msUntilDue', () => {
  it.each([
    ['sends a new file after 2 s', { storedBytes: null, fileBytes: 10 }, 2_000],
    ['sends a file that was truncated and restarted immediately', { storedBytes: 400 * KIB }, 0],
    [
      'sends a small file at every interval, however long its last commit took',
      {
        storedBytes: 64 * KIB,
        fileBytes: 65 * KIB,
        ageMs: 10_000,
        lastCommit: { agoMs: 10_000, durationMs: 9_000, repeatMs: 9_000 },
      },
      0,
    ],
    [
      'compares a file again whose bytes are stored 2 s after its last change, whatever the interval',
      { isStored: true, isAppended: false, quietMs: 500, intervalMs: 1_000 },
      1_500,
    ],
    ['sends a small file at every interval', { storedBytes: 64 * KIB, fileBytes: 65 * KIB }, 10_000],
    [
      'measures the interval from the start of the last commit, so that a later change waits less',
      {
        storedBytes: 64 * KIB,
        fileBytes: 65 * KIB,
        lastCommit: { agoMs: 5_000, durationMs: 1_000, repeatMs: 1_000 },
      },
      4_000,
    ],
    [
      'waits at least 2 s after a change long after the last commit',
      {
        storedBytes: 64 * KIB,
        fileBytes: 65 * KIB,
        lastCommit: { agoMs: 50_000, durationMs: 10, repeatMs: 10 },
      },
      2_000,
    ],
    [
      'measures the interval of segments from the change',
      {
        storedBytes: 5 * MIB,
        fileBytes: 6 * MIB,
        lastCommit: { agoMs: 90_000, durationMs: 16_000, repeatMs: 16_000 },
      },
      10_000,
    ],
    ['extends an object at every interval', { storedBytes: 5 * MIB, fileBytes: 5 * MIB + 1 }, 10_000],
    [
      'waits four times the duration of the last copy before it extends an object again',
      {
        storedBytes: 500 * MIB,
        fileBytes: 501 * MIB,
        lastCommit: { agoMs: 0, durationMs: 5_000, repeatMs: 5_000 },
      },
      20_000,
    ],
    [
      'ignores the time of the last commit that was not spent on copying',
      {
        storedBytes: 900 * MIB,
        fileBytes: 901 * MIB,
        lastCommit: { agoMs: 0, durationMs: 40_000, repeatMs: 0 },
      },
      2_000,
    ],
    [
      'never waits for longer than the lag budget',
      {
        storedBytes: 500 * MIB,
        fileBytes: 501 * MIB,
        ageMs: 20_000,
        lastCommit: { agoMs: 0, durationMs: 50_000, repeatMs: 50_000 },
      },
      40_000,
    ],
    ['sends an artifact once it has not changed for 2 s', { isAppended: false, quietMs: 500 }, 1_500],
    ['sends an artifact that keeps changing at the interval', { isAppended: false, ageMs: 9_900 }, 100],
    ['compares a stored file after a minute without changes', { isStored: true, quietMs: 50_000 }, 10_000],
  ])('%s', (_title, changes, expected) => {
    expect(waitOf(changes)).toBe(expected);
  });

  it('returns at most one minute, and less as the file ages', () => {
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

describe('limitRepeatWait', () => {
  it.each([
    ['for the budget', 5_000, { ageMs: 0, quietMs: 0 }, 5_000],
    ['no longer than ten minutes', 3_600_000, { ageMs: 590_000, quietMs: 0 }, 10_000],
    [
      'no longer than a minute after the file has stopped growing',
      3_600_000,
      { ageMs: 90_000, quietMs: 55_000 },
      5_000,
    ],
    ['never for less than nothing', 5_000, { ageMs: 700_000, quietMs: 0 }, 0],
  ])('waits %s', (_title, waitMs, facts, expected) => {
    expect(limitRepeatWait(waitMs, facts)).toBe(expected);
  });
});

describe('isTooSlowToExtend', () => {
  it('is true when a copy takes more than a quarter of the lag budget', () => {
    expect([isTooSlowToExtend(15_000), isTooSlowToExtend(15_001)]).toEqual([false, true]);
  });
});
