/** Two watching uploaders of one root in one group: each file of small runs and of a very large run is uploaded by one of them. */

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { waitFor } from '../../support/child-server.js';
import { createTempDir } from '../../support/temp-dir.js';
import { makeRun, OTHER_RUN } from '../support/run-tree.js';
import { createHarness, type RunningWatch } from '../support/sync-harness.js';

const GROUP = 'group';
const LARGE_RUN_FILES = 6_000;
/** The duration of a commit, so that one uploader does not finish before the other starts. */
const SLOW_MS = 10;
const DIRECTORIES = 40;

function start(harness: ReturnType<typeof createHarness>): RunningWatch {
  return harness.startWatch({ config: { share: GROUP, stateDirectory: createTempDir() } });
}

function commitsOf(harness: ReturnType<typeof createHarness>): string[] {
  return harness.store.calls.flatMap((call) => {
    const [, key = ''] = /^commit (.+)$/.exec(call) ?? [];
    return key === '' || key.startsWith('.plx/') ? [] : [key];
  });
}

it('uploads each run, and continues when one uploader leaves', async () => {
  const harness = createHarness();
  const [first, second] = [start(harness), start(harness)];
  await first.until('both are known', () => countBeats(harness) >= 2);
  const uuids = Array.from({ length: 30 }, (_, i) => i.toString(16).padStart(32, '0'));
  for (const uuid of uuids) makeRun(harness.root, { 'outputs/a': uuid }, uuid);
  await first.until('all are stored', () =>
    uuids.every((uuid) => harness.store.text(`${uuid}/outputs/a`) === uuid),
  );

  const report = await second.stop();
  expect(report.isShareComplete).toBe(true);
  for (const uuid of uuids) writeFileSync(join(harness.root, 'runs', uuid, 'outputs/b'), uuid);
  await first.until('the new files are stored', () =>
    uuids.every((uuid) => harness.store.text(`${uuid}/outputs/b`) === uuid),
  );

  expect(await first.stop()).toMatchObject({ isComplete: true });
});

it('divides the files of a very large run between the uploaders', async () => {
  const harness = createHarness();
  const { store } = harness;
  const commit = store.commit.bind(store);
  store.commit = async (request) => {
    await sleep(request.key.includes('/part-') ? SLOW_MS : 0);
    return commit(request);
  };
  const [first, second] = [start(harness), start(harness)];
  await first.until('both are known', () => countBeats(harness) >= 2);
  const prepared = join(createTempDir(), 'run');
  for (let i = 0; i < DIRECTORIES; i += 1) {
    mkdirSync(join(prepared, `part-${i}`), { recursive: true });
    for (let f = 0; f < LARGE_RUN_FILES / DIRECTORIES; f += 1)
      writeFileSync(join(prepared, `part-${i}`, `f${f}`), `${i} ${f}`);
  }
  renameSync(prepared, join(harness.root, 'runs', OTHER_RUN));
  const stored = (): number => [...store.objects.keys()].filter((key) => key.includes('/part-')).length;
  await waitFor('all are stored', () => stored() >= LARGE_RUN_FILES || undefined);
  const commits = commitsOf(harness).filter((key) => key.includes('/part-'));

  // An uploader that still treats the run as small uploads files of the other one, too; its own files are uploaded once.
  const counts = new Map<string, number>();
  for (const key of commits) counts.set(key, (counts.get(key) ?? 0) + 1);
  expect(Math.max(...counts.values())).toBeLessThanOrEqual(2);
  const once = [...counts.values()].filter((count) => count === 1).length;
  expect(once).toBeGreaterThan(LARGE_RUN_FILES / 20);
  const reports = [await first.stop(), await second.stop()];
  for (const { files } of reports) expect(files.stored).toBeGreaterThan(LARGE_RUN_FILES / 20);
});

function countBeats(harness: ReturnType<typeof createHarness>): number {
  return [...harness.store.objects.keys()].filter((key) => /^\.plx\/leases\/.*\.json$/.test(key)).length;
}
