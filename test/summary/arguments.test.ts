import { describe, expect, it } from 'vitest';
import { parseEventTime } from '../../src/summary/arguments.js';

describe('parseEventTime', () => {
  it.each([
    ['2024-01-02T03:04:05.678Z', 1_704_164_645.678],
    ['2024-01-02 03:04:05.123456+00:00', 1_704_164_645.123456],
    ['2024-01-02T03:04:05.123456', 1_704_164_645.123456],
    ['2024-01-02T05:34:05+02:30', 1_704_164_645],
    ['2024-01-01T22:04:05-05', 1_704_164_645],
    ['2024-01-02T03:04', 1_704_164_640],
    ['2024-01-02', 1_704_153_600],
    [' 1970-01-01t00:00:00z ', 0],
    ['2024-02-29T23:59:59,5Z', 1_709_251_199.5],
  ])('accepts %s', (timestamp, seconds) => {
    expect(parseEventTime({ timestamp })).toBe(seconds);
  });

  it('accepts a Date, seconds, or nothing', () => {
    expect(parseEventTime({ timestamp: new Date(1_704_164_645_678) })).toBe(1_704_164_645.678);
    expect(parseEventTime({ wallTime: 5.5 })).toBe(5.5);
    expect(parseEventTime({})).toBeUndefined();
    expect(parseEventTime({ wallTime: undefined, timestamp: undefined })).toBeUndefined();
  });

  it.each([
    '2024-02-30',
    '2023-02-29T00:00:00Z',
    '2024-13-01',
    '2024-01-02T24:00:00Z',
    '2024-01-02T03:60:00Z',
    'yesterday',
    '',
    '1969-12-31',
    new Date(Number.NaN),
    new Date(-1),
    1_704_164_645,
    null,
  ])('rejects %s', (timestamp) => {
    expect(() => parseEventTime({ timestamp: timestamp as string })).toThrow(
      expect.objectContaining({
        code: 'ERR_WALL_TIME_INVALID',
        message: expect.stringContaining('expected a Date or ISO 8601 text'),
      }),
    );
  });

  it('rejects a wall time together with a timestamp', () => {
    expect(() => parseEventTime({ wallTime: 1, timestamp: new Date(1000) })).toThrow(
      expect.objectContaining({
        code: 'ERR_WALL_TIME_INVALID',
        message: expect.stringContaining('wallTime is 1'),
      }),
    );
  });
});
