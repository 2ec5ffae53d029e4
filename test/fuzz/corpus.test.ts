import { describe, expect, it } from 'vitest';
import { readCorpus } from './corpus.js';
import { requireCode, TARGETS } from './targets.js';

/** Far more than any input takes, also while other programs keep all processors busy. */
const MAX_MS = 5_000;

describe('each input that the fuzzer has kept', () => {
  it.each(Object.keys(TARGETS))('is read without a failure by the target %s', async (target) => {
    const inputs = readCorpus(target);
    expect(inputs.length).toBeGreaterThan(0);

    for (const [index, input] of inputs.entries()) {
      const startMs = performance.now();
      try {
        await TARGETS[target]!.run(input);
      } catch (error) {
        requireCode(error);
      }
      expect(performance.now() - startMs, `input ${index}`).toBeLessThan(MAX_MS);
    }
  });
});
