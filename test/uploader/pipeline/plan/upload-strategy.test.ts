import { describe, expect, it } from 'vitest';
import {
  chooseStrategy,
  MIN_APPEND_BYTES,
  SINGLE_PUT_MAX_BYTES,
} from '../../../../uploader/pipeline/plan/upload-strategy.js';
import { UNPROBED_S3 } from '../../../../uploader/store/base/capabilities.js';

const MIB = 1024 * 1024;
const CAPABLE = { ...UNPROBED_S3, append: { minBaseBytes: 5 * MIB, maxBaseBytes: 1000 * MIB } };
const FACTS = {
  targetBytes: 100 * MIB,
  keptBytes: 0,
  sinceCommitMs: 10_000,
  isLive: true,
  isSlow: false,
  capabilities: CAPABLE,
  minAppendBytes: MIN_APPEND_BYTES,
};

describe('chooseStrategy', () => {
  it.each([
    ['put', 'a new small file', { targetBytes: SINGLE_PUT_MAX_BYTES }],
    ['mpu', 'a new large file', { targetBytes: SINGLE_PUT_MAX_BYTES + 1 }],
    ['put', 'a small file that grew', { targetBytes: 6 * MIB, keptBytes: MIN_APPEND_BYTES - 1 }],
    ['mpu', 'a large file that did not grow', { keptBytes: 100 * MIB }],
    [
      'append',
      'a file that grew, after its run has ended',
      { keptBytes: 50 * MIB, isLive: false, isSlow: true },
    ],
    ['append', 'a file that grew', { keptBytes: MIN_APPEND_BYTES }],
    [
      'mpu',
      'a file that is too large to copy, after its run has ended',
      { targetBytes: 1002 * MIB, keptBytes: 1001 * MIB, isLive: false },
    ],
    [
      'segment',
      'a growing file that is too large to copy',
      { targetBytes: 1002 * MIB, keptBytes: 1001 * MIB },
    ],
    ['segment', 'a file without append support', { keptBytes: 90 * MIB, capabilities: UNPROBED_S3 }],
    [
      'mpu',
      'a file without append support, after its run has ended',
      { keptBytes: 90 * MIB, capabilities: UNPROBED_S3, isLive: false },
    ],
    ['mpu', 'a quarter in segments, without append', { keptBytes: 80 * MIB, capabilities: UNPROBED_S3 }],
    [
      'mpu',
      'a file without append support, after ten minutes',
      { keptBytes: 99 * MIB, capabilities: UNPROBED_S3, sinceCommitMs: 600_000 },
    ],
    ['segment', 'a growing file whose extension takes too long', { keptBytes: 90 * MIB, isSlow: true }],
    ['append', 'a quarter in segments, with slow extensions', { keptBytes: 80 * MIB, isSlow: true }],
    ['append', 'an ended run with slow extensions', { keptBytes: 90 * MIB, isSlow: true, isLive: false }],
  ])('chooses %s for %s', (expected, _, changes) => {
    expect(chooseStrategy({ ...FACTS, ...changes }).strategy).toBe(expected);
  });
});
