/**
 * The store has an outage while a run is written: `bench/outage.mjs` in its short form. Afterwards the uploader catches up with no more
 * requests than without the outage, and loses nothing.
 */

import { expect, it } from 'vitest';
import { runMeasurement } from '../support/measurement.js';
import { describeWithPeers } from '../support/peers.js';

describeWithPeers(['s3'], 'a store with an outage', () => {
  it('receives all files after the outage without a burst of requests', async () => {
    const options = { outage: '20', before: '5', after: '8', rate: '512KiB', interval: '0.5' };

    const { failures, figures } = await runMeasurement('outage', options);

    expect(failures).toEqual([]);
    expect(figures['failed connections']).toBeGreaterThan(0);
  });
});
