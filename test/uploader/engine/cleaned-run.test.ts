/** A sync of a run whose local files were deleted loses nothing that is stored, and does not call it complete elsewhere. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toFileDigest } from '../../../uploader/run-directory/cleaned-marker.js';
import { EVENT_FILE, RUN, writeFiles } from '../support/run-tree.js';
import { createHarness, type Harness, readStore } from '../support/sync-harness.js';

const FILES = {
  'run.plx.json': JSON.stringify({ uuid: RUN, status: 'succeeded' }),
  'outputs/model.bin': 'all weights',
  'plxlogs/logs.jsonl': '{"value":"one"}\n{"value":"two"}\n',
  'events/metric/loss.plx': 'timestamp|step\n1|1\n2|2\n',
};
const DELETED = ['outputs', 'plxlogs', 'events'];
const SHORTER = {
  'outputs/model.bin': 'weights',
  'plxlogs/logs.jsonl': '{"value":"three"}\n',
  'events/metric/loss.plx': 'timestamp|step\n3|3\n',
};

/** Deletes the files and marks the run as `clean` does. */
function clean({ run }: Harness, store: string): void {
  for (const name of DELETED) rmSync(join(run, name), { recursive: true });
  const digests = ['outputs/model.bin', 'plxlogs/logs.jsonl', 'events/metric/loss.plx'].map((path) =>
    toFileDigest({ path, sizeBytes: 1, sha256: '0'.repeat(64) }),
  );
  const marker = {
    version: 1,
    state: 'cleaned',
    run: RUN,
    store,
    storeId: store,
    manifest: '',
    files: 3,
    digests,
  };
  mkdirSync(join(run, '.plx'), { recursive: true });
  writeFiles(run, { '.plx/cleaned.json': JSON.stringify(marker) });
}

describe('sync of a run whose local files were deleted', () => {
  it.each([true, false])(
    'F108: stores new files, and replaces none by a shorter one, with a journal %s',
    async (hasJournal) => {
      const harness = createHarness(FILES);
      expect(await harness.sync()).toMatchObject({ isComplete: true });
      const before = readStore(harness.store);
      clean(harness, harness.store.id);
      const record = JSON.stringify({ uuid: RUN, status: 'running', tags: ['resumed'] });
      writeFiles(harness.run, { ...SHORTER, [EVENT_FILE]: '', 'run.plx.json': record });
      if (!hasJournal) rmSync(harness.stateDirectory, { recursive: true });

      const report = await harness.sync();

      expect(report.isComplete).toBe(false);
      expect(report.unsent.map(({ path, error }) => [error.code, path.slice(RUN.length + 1)]).sort()).toEqual(
        Object.keys(SHORTER)
          .map((path) => ['ERR_RUN_CLEANED', path])
          .sort(),
      );
      expect(readStore(harness.store)).toEqual({ ...before, [EVENT_FILE]: '', 'run.plx.json': record });
    },
  );

  it('F109: is incomplete in a store that is not proven to have the files', async () => {
    const harness = createHarness(FILES);
    clean(harness, 's3://another-store');

    const report = await harness.sync();

    expect(report.isComplete).toBe(false);
    expect(report.unsent[0]?.error.code).toBe('ERR_RUN_CONFLICT');
    expect(report.unsent[0]?.error.message).toMatch(/3 files that were deleted .* s3:\/\/another-store/);
  });
});
