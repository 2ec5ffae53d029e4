/**
 * The store goes away under a run that is being written, and comes back: `bench/outage.mjs` in its short form. The uploader catches up, with no
 * more requests than without the outage, and loses nothing.
 */

import { expect, it } from 'vitest';
import { runMeasurement } from '../support/measurement.js';
import { describeWithPeers } from '../support/peers.js';

const TIMEOUT_MS = 240_000;

describeWithPeers(['s3'], 'a store that goes away', () => {
  it(
    'is caught up with when it comes back, without a storm of requests',
    async () => {
      const options = { outage: '20', before: '5', after: '8', rate: '512KiB', interval: '0.5' };

      const { failures, figures } = await runMeasurement('outage', options);

      expect(failures).toEqual([]);
      expect(figures['connections in vain']).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
