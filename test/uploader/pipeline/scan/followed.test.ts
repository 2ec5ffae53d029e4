/** Which of many directories are scanned often, and which are watched. */

import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FileWatcher } from '../../../../uploader/base/io/file-watcher.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { EVENT_FILE, makeRun } from '../../support/run-tree.js';
import { createScanner, type ScanSetup } from '../../support/scan.js';
import { wrapFileSystem } from '../../support/wrapped-file-system.js';

const MAX_WATCHED = 256;

/** Creates runs with one event file each and some empty directories, and a scanner that has scanned them once. */
async function watchRuns(
  count: number,
  options: Parameters<typeof createScanner>[1] = {},
  emptyDirectories = 0,
) {
  const root = createTempDir();
  const uuids = Array.from({ length: count }, (_, i) => `${i}`.padStart(32, 'a'));
  const directories = uuids.map((uuid) => makeRun(root, { [EVENT_FILE]: 'events' }, uuid));
  for (let i = 0; i < emptyDirectories; i += 1) mkdirSync(join(directories[i % count]!, `empty-${i}`));
  const clock = new FakeClock(Date.now() / 1000);
  const setup = createScanner(root, { clock, ...options });
  await setup.scanner.scanAll();
  const pass = async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += 0.5) {
      clock.seconds += 0.5;
      await setup.scanner.scanDue();
    }
  };
  const write = (...runs: number[]): void => {
    for (const run of runs) appendFileSync(join(directories[run]!, EVENT_FILE), '.');
  };
  return { ...setup, uuids, directories, pass, write };
}

function sizeOf({ sink }: ScanSetup, uuid: string): number | undefined {
  return [...sink.files.values()].find((file) => file.runUuid === uuid && file.relPath === EVENT_FILE)?.stat
    .sizeBytes;
}

it('scans runs of another uploader rarely, and immediately once they are followed', async () => {
  const followed = new Set<number>();
  const scene = await watchRuns(2, { isFollowed: (run) => followed.has(run) });
  const [ours = '', other = ''] = scene.uuids;
  const numberOf = (uuid: string) => scene.sink.runs.findIndex(({ runUuid }) => runUuid === uuid);
  followed.add(numberOf(ours));
  await scene.pass(120);
  const before = 'events'.length;

  scene.write(0, 1);
  await scene.pass(15);
  const [oursBefore, otherBefore] = [sizeOf(scene, ours), sizeOf(scene, other)];
  for (let i = 0; i < 10; i += 1) {
    scene.write(0, 1);
    await scene.pass(3);
    expect(sizeOf(scene, ours)).toBe(before + 2 + i);
  }
  expect(oursBefore).toBe(before + 1);
  expect(otherBefore).toBeLessThanOrEqual(before + 1);
  expect(sizeOf(scene, other)).toBeLessThan(before + 11);
  await scene.pass(90);
  expect(sizeOf(scene, other)).toBe(before + 11);

  scene.write(1);
  followed.add(numberOf(other));
  scene.scanner.revisit(new Set([numberOf(other)]));
  await scene.pass(0.5);
  expect(sizeOf(scene, other)).toBe(before + 12);
});

it('keeps its file watches when too many directories change, and moves the watches of quiet ones to others', async () => {
  const watched = new Set<string>();
  let unwatched = 0;
  const fileWatcher: FileWatcher = {
    watch: (directory) => {
      expect(watched.has(directory)).toBe(false);
      watched.add(directory);
    },
    unwatch: (directory) => {
      unwatched += 1;
      watched.delete(directory);
    },
    close: async () => undefined,
  };
  const count = 2 * MAX_WATCHED;
  const { pass, write, uuids } = await watchRuns(count, { fileWatcher });
  const all = uuids.map((_, run) => run);
  await pass(70);
  unwatched = 0;

  for (let round = 0; round < 5; round += 1) {
    write(...all);
    await pass(12);
    expect(watched.size).toBe(MAX_WATCHED);
  }
  expect(unwatched).toBeLessThanOrEqual(MAX_WATCHED);

  const isWatched = (run: number) => [...watched].some((path) => path.includes(uuids[run]!));
  const without = all.filter((run) => !isWatched(run)).slice(0, 10);
  expect(without).toHaveLength(10);
  await pass(70);
  write(...without);
  await pass(15);
  expect(without.every(isWatched)).toBe(true);
});

it('F93: checks directories of many complete runs at a limited rate, and finds a new file within a minute', async () => {
  let checked = 0;
  const fileSystem = wrapFileSystem({
    lstatAll: (paths) => {
      checked += paths.length;
      return nodeFileSystem.lstatAll(paths);
    },
  });
  const scene = await watchRuns(4, { isAtRest: () => true, fileSystem }, 2_000);
  await scene.pass(180);
  const before = checked;
  const seconds = 120;

  await scene.pass(seconds);

  expect((checked - before) / seconds).toBeLessThan(150);
  expect(checked - before).toBeGreaterThan(scene.scanner.directoryCount);
  writeFileSync(join(scene.directories[2]!, 'late'), 'late');
  await scene.pass(60);
  expect([...scene.sink.files.values()].some(({ relPath }) => relPath === 'late')).toBe(true);
});
