import { describe, expect, it } from 'vitest';
import {
  findNameSeconds,
  isEventFileName,
  isHiddenFileName,
  toEventFileName,
  toHiddenFileName,
} from '../../src/format/event-file-name.js';

const NAME = { seconds: 1_700_000_000, hostname: 'tfevents-host', pid: 1, sequence: 0, suffix: '.tfevents' };

describe('toHiddenFileName', () => {
  const visible = toEventFileName(NAME);
  const hidden = toHiddenFileName(visible);

  it('returns a name that TensorBoard ignores, whatever the host and the suffix are called', () => {
    expect(hidden).toBe('system.out.plxevents.1700000000.plxevents-host.1.000000.plxevents');
  });

  it('sorts after all names of earlier versions', () => {
    expect(hidden > toEventFileName({ ...NAME, seconds: 9_999_999_999 })).toBe(true);
  });

  it('is the name of an event file with the same seconds', () => {
    for (const name of [visible, hidden]) {
      expect(isEventFileName(name)).toBe(true);
      expect(findNameSeconds(name)).toBe(1_700_000_000);
    }
    expect([visible, hidden].map(isHiddenFileName)).toEqual([false, true]);
    expect(isEventFileName('loss.plx')).toBe(false);
  });
});
