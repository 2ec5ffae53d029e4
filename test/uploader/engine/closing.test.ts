import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { nodeIo, resolveConfig, type SyncEvent, watch } from '../../../uploader/index.js';
import { startRun } from '../../support/start-run.js';
import { createTempDir } from '../../support/temp-dir.js';

it('verifies a file of a run that has just ended once, when its timestamps are conclusive', async () => {
  const [root, store, stateDir] = [createTempDir(), createTempDir(), createTempDir()];
  const { run } = startRun({ root });
  for (let step = 0; step < 1000; step++) run.logMetric('loss', step, { step });
  await run.end();
  const { config } = await resolveConfig(
    root,
    { store: pathToFileURL(store).href, stateDir },
    process.env,
    nodeIo.fileSystem,
  );
  const verified: string[] = [];
  const onEvent = (event: SyncEvent) => {
    if (event.kind === 'verified') verified.push(event.key);
  };

  const report = await watch(config, { onEvent, endsWithRuns: true });

  expect(report.isComplete).toBe(true);
  expect(verified.length).toBe(new Set(verified).size);
  expect(readFileSync(join(store, run.uuid, 'run.plx.json'))).toEqual(readFileSync(run.paths.runFile));
});
