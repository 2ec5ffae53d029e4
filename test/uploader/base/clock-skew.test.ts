import { describe, expect, it } from 'vitest';
import { ClockSkew } from '../../../uploader/base/clock-skew.js';
import { FakeClock } from '../../support/fake-clock.js';

const NOW_S = 1_700_000_000;

function measure(aheadS: number, travelMs = 100): string[] {
  const clock = new FakeClock(NOW_S);
  const notices: string[] = [];
  const skew = new ClockSkew(clock, 'https://server', ({ message }) => notices.push(message));
  for (let request = 0; request < 3; request += 1)
    skew.observe(new Date((NOW_S - aheadS) * 1000).toUTCString(), clock.monotonicMs() - travelMs);
  return notices;
}

describe('ClockSkew', () => {
  it.each([
    [3_600, 'the clock of this host is 3600 s ahead of that of https://server'],
    [-40, 'the clock of this host is 40 s behind that of https://server'],
  ])('F96: reports once that the clock of this host is off by %d s', (aheadS, message) => {
    const notices = measure(aheadS);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain(message);
  });

  it('reports nothing that the resolution of the header or a slow answer explains', () => {
    expect(measure(0)).toEqual([]);
    expect(measure(-5)).toEqual([]);
    expect(measure(30, 40_000)).toEqual([]);
  });

  it('measures what to add to get the time of the server, and 0 if the clocks may agree', () => {
    const clock = new FakeClock(NOW_S);
    const skew = new ClockSkew(clock, 'https://server', () => undefined);
    const observe = (aheadS: number, travelMs: number): number => {
      const date = new Date((NOW_S - aheadS) * 1000).toUTCString();
      skew.observe(date, clock.monotonicMs() - travelMs);
      return skew.offsetMs;
    };
    // The header is cut to a whole second, and is written half-way through the request.
    expect(observe(7_200, 200)).toBe(-7_200_000 + 600);
    expect(observe(-7_200, 200)).toBe(7_200_000 + 600);
    expect(observe(100, 40_000)).toBe(7_200_000 + 600); // too slow to measure
    expect(observe(2, 200)).toBe(0);
  });

  it('reports again after the clock was set, and ignores answers without a date', () => {
    const clock = new FakeClock(NOW_S);
    const notices: string[] = [];
    const skew = new ClockSkew(clock, 'https://server', ({ message }) => notices.push(message));
    const observe = (aheadS: number) =>
      skew.observe(new Date((NOW_S - aheadS) * 1000).toUTCString(), clock.monotonicMs());
    observe(3_600);
    observe(7_200);
    skew.observe(undefined, 0);
    skew.observe('yesterday', 0);
    expect(notices).toHaveLength(2);
  });
});
