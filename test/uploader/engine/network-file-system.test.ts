/** A network file system that answers a stat from its cache for a minute, but returns current attributes after an open. */

import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeRecord } from '../../../src/format/record/record-codec.js';
import type { FileStat, FileSystem, FsPath } from '../../../uploader/base/io/file-system.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { EVENT_FILE } from '../support/run-tree.js';
import { createHarness } from '../support/sync-harness.js';
import { wrapFileSystem } from '../support/wrapped-file-system.js';

const record = Buffer.from(encodeRecord(Buffer.from('an event')));

/** Returns the first stat of each file forever, which is longer than any cache, so that no test waits for an expiry. */
function createStaleFileSystem(): FileSystem {
  const known = new Map<string, FileStat>();
  const remember = (path: FsPath, stat: FileStat | Error): FileStat | Error => {
    if (stat instanceof Error || stat.kind !== 'file') return stat;
    const key = path.toString();
    known.set(key, known.get(key) ?? stat);
    return known.get(key) ?? stat;
  };
  return wrapFileSystem({
    lstat: async (path) => {
      const stat = remember(path, await nodeFileSystem.lstat(path));
      if (stat instanceof Error) throw stat;
      return stat;
    },
    lstatAll: async (paths) =>
      (await nodeFileSystem.lstatAll(paths)).map((stat, index) => remember(paths[index]!, stat)),
  });
}

it('F23: opens changed files to get their current attributes, and does not upload stored bytes again', async () => {
  const harness = createHarness({ [EVENT_FILE]: record, 'plxlogs/main.log': 'first' });
  const running = harness.startWatch({ io: { fileSystem: createStaleFileSystem() } });
  await running.until('the beginning is stored', () => harness.stored('plxlogs/main.log') === 'first');

  appendFileSync(join(harness.run, 'plxlogs/main.log'), ' second');
  appendFileSync(join(harness.run, EVENT_FILE), record);
  await running.until('the log is stored', () => harness.stored('plxlogs/main.log') === 'first second');
  await running.until(
    'the event file stored',
    () => harness.stored(EVENT_FILE)?.length === 2 * record.length,
  );
  appendFileSync(join(harness.run, 'plxlogs/main.log'), ' third');

  expect(await running.stop()).toMatchObject({ isComplete: true });
  expect(harness.stored('plxlogs/main.log')).toBe('first second third');
  expect([...harness.store.objects.keys()].filter((name) => name.includes('/.plx/gen/'))).toEqual([]);
  for (const states of harness.store.history.values()) expect(states.length).toBeLessThanOrEqual(3);
});
