/**
 * Kills the uploader repeatedly while files of all sizes appear, grow and are replaced: `bench/kill.mjs` in its short form. No object is
 * ever incomplete, everything is equal in the end, and the store has no unfinished uploads.
 */

import { expect, it } from 'vitest';
import { runMeasurement } from '../support/measurement.js';
import { describeWithPeers } from '../support/peers.js';

describeWithPeers(['s3'], 'an uploader that is killed', () => {
  it('leaves no incomplete objects, loses nothing, and resends little', async () => {
    const seed = process.env.KILL_SEED ?? '11';
    const options = { kills: '22', size: '96MiB', span: '0.5', small: '40', seed };

    const { failures, figures } = await runMeasurement('kill', options);

    expect(failures).toEqual([]);
    expect(figures['versions checked']).toBeGreaterThan(0);
  });
});
