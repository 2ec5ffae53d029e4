import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { toGrowthLimits } from '../../../uploader/engine/schedule.js';
import { openStore } from '../../../uploader/store/open-store.js';
import { MemoryStore } from '../support/memory-store.js';

describe('toGrowthLimits', () => {
  it('updates more event files on a Polyaxon server than in a bucket, where each request costs money', async () => {
    const polyaxon = await openStore('polyaxon+http://127.0.0.1:9', { ...nodeIo, onNotice: () => {} });
    try {
      const [ofBucket, ofServer] = [new MemoryStore(), polyaxon].map((store) =>
        toGrowthLimits(store, undefined),
      );
      expect(ofBucket).toEqual({ exportRate: 10, repeatedBytesPerSecond: undefined });
      expect(ofServer).toEqual({ exportRate: 100, repeatedBytesPerSecond: 1024 * 1024 });
    } finally {
      await polyaxon.close();
    }
  });

  it('prefers the rate of the user', () => {
    expect(toGrowthLimits(new MemoryStore(), 3).exportRate).toBe(3);
  });
});
