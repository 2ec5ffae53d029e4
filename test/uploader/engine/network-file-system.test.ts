/** A network file system that answers a stat from memory for a minute, and tells the truth to whoever opens the file. */

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

/** What a stat said first of a file, it says for ever: longer than any cache, so that no test waits for its end. */
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

it('F23: files that change are looked at by opening them, and what has been stored is not sent again', async () => {
  const harness = createHarness({ [EVENT_FILE]: record, 'plxlogs/main.log': 'first' });
  const running = harness.startWatch({ io: { fileSystem: createStaleFileSystem() } });
  await running.until('the beginning stored', () => harness.stored('plxlogs/main.log') === 'first');

  appendFileSync(join(harness.run, 'plxlogs/main.log'), ' second');
  appendFileSync(join(harness.run, EVENT_FILE), record);
  await running.until('the log stored', () => harness.stored('plxlogs/main.log') === 'first second');
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
