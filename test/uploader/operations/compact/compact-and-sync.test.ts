/** The uploader after a log directory was compacted in place: nothing that was stored is lost, and the store shows the same. */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { resolveConfig, sync } from '../../../../uploader/index.js';
import { compact } from '../../../../uploader/operations/compact/compact.js';
import { startRun } from '../../../support/start-run.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { describeShown, readShown } from './shown-series.js';

it('uploads the new file, keeps the earlier ones in the store, and shows the same there', async () => {
  const [root, store] = [createTempDir(), join(createTempDir(), 'store')];
  mkdirSync(store);
  const flags = { store: `file://${store}`, stateDir: createTempDir() };
  const { config } = await resolveConfig(root, flags, {}, nodeFileSystem);
  const { run } = startRun({ root });
  for (let step = 0; step < 6; step++) run.logMetric('loss', step, { step });
  await run.end();
  const resumed = startRun({ root, uuid: run.uuid, resume: { fromStep: 3 } }).run;
  for (let step = 3; step < 8; step++) resumed.logMetric('loss', step, { step });
  await resumed.end();
  const logs = join(run.paths.run, 'outputs/tensorboard');
  const stored = join(store, run.uuid, 'outputs/tensorboard');
  await sync(config);
  const before = describeShown((await readShown(logs)).get('.')!);
  const files = readdirSync(stored);

  await compact(run.paths.run, { isInPlace: true });
  const report = await sync(config);

  expect(report.isComplete).toBe(true);
  expect(readdirSync(logs)).toHaveLength(1);
  expect(readdirSync(stored).sort()).toEqual([...files, ...readdirSync(logs)].sort());
  expect(describeShown((await readShown(stored)).get('.')!)).toEqual(before);
  expect(describeShown((await readShown(logs)).get('.')!)).toEqual(before);
});
