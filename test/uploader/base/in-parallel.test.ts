import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mapInParallel } from '../../../uploader/base/in-parallel.js';

describe('mapInParallel', () => {
  it('F84: keeps the order, and works on far fewer items at a time than a process may open files', async () => {
    let working = 0;
    let most = 0;
    const items = Array.from({ length: 1000 }, (_, index) => index);

    const results = await mapInParallel(items, async (item) => {
      working += 1;
      most = Math.max(most, working);
      await tick();
      working -= 1;
      return -item;
    });

    expect(results).toEqual(items.map((item) => -item));
    expect(most).toBe(64);
  });
});
