/** A watch while nothing happens. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { EVENT_FILE, makeRun } from '../support/run-tree.js';
import { createHarness } from '../support/sync-harness.js';
import { wrapFileSystem } from '../support/wrapped-file-system.js';

const RUNS = 40;
const FILES = {
  [EVENT_FILE]: '',
  'outputs/a': 'a',
  '.plx/heartbeat-main.json': '{}',
  '.plx/end-main.json': '{}',
};

it('F93: neither writes nor lists directories while all runs are complete, and still finds new files', async () => {
  const harness = createHarness(FILES);
  for (let index = 1; index < RUNS; index += 1)
    makeRun(harness.root, FILES, index.toString(16).padStart(32, '0'));
  const counts = { written: 0, listed: 0, checked: 0 };
  const fileSystem = wrapFileSystem({
    openForWriting: (...args) => {
      counts.written += 1;
      return nodeFileSystem.openForWriting(...args);
    },
    readDirectory: (path) => {
      if (path.toString().includes('/runs/')) counts.listed += 1;
      return nodeFileSystem.readDirectory(path);
    },
    lstatAll: (paths) => {
      if (paths.some((path) => path.toString().endsWith('/outputs'))) counts.checked += 1;
      return nodeFileSystem.lstatAll(paths);
    },
  });
  let aheadMs = 0;
  const clock = { ...nodeIo.clock, monotonicMs: () => nodeIo.clock.monotonicMs() + aheadMs };
  const running = harness.startWatch({ io: { fileSystem, clock } });
  const isComplete = () => harness.events.filter(({ kind }) => kind === 'run-complete').length === RUNS;
  await running.until('all runs are complete', isComplete);
  // Directories that have changed within the last minute are still visited.
  aheadMs = 100_000;
  const untilChecked = async (rounds: number) => {
    const from = counts.checked;
    for (let round = 0; round < rounds; round += 1) {
      aheadMs += 12_000;
      await running.until('a round is over', () => counts.checked > from + round);
    }
  };
  await untilChecked(5);
  const before = { ...counts };
  await untilChecked(1);
  expect(counts.written - before.written).toBeLessThanOrEqual(1);
  expect(counts.listed - before.listed).toBeLessThan(RUNS / 2);

  writeFileSync(join(harness.run, 'outputs/late'), 'late');
  await untilChecked(1);
  aheadMs += 12_000;
  await running.until('the new file is stored', () => harness.stored('outputs/late') === 'late');
  await running.stop();
});
