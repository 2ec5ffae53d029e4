/** Events of the host's file watcher. */

import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { openChokidarWatcher } from '../../../../uploader/base/io/chokidar-watcher.js';
import { waitFor } from '../../../support/child-server.js';
import { createTempDir } from '../../../support/temp-dir.js';

async function open() {
  const root = createTempDir();
  const directory = (name: string): string => {
    const path = join(root, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const fileWatcher: string[] = [];
  const failures: unknown[] = [];
  const source = await openChokidarWatcher({
    onChange: (path) => fileWatcher.push(path),
    onFailure: (cause) => failures.push(cause),
  });
  onTestFinished(() => source.close());
  const untilHint = (path: string) =>
    waitFor(`an event of ${path}`, () => {
      appendFileSync(join(path, 'file'), '.');
      return fileWatcher.includes(path) ? true : undefined;
    });
  return { source, directory, fileWatcher, failures, untilHint };
}

it('reports changes of each watched directory, but not of its subdirectories', async () => {
  const { source, directory, fileWatcher, failures, untilHint } = await open();
  const [a, b, inner] = [directory('a'), directory('b'), directory('a/inner')];
  source.watch(a);
  source.watch(b);
  await untilHint(a);
  await untilHint(b);

  await sleep(300); // more events of both may follow
  fileWatcher.length = 0;
  appendFileSync(join(inner, 'file'), '.');
  await sleep(300);
  expect(fileWatcher).toEqual([]);
  expect(failures).toEqual([]);
});

it('reports nothing after unwatch, and reports changes again after watch', async () => {
  const { source, directory, fileWatcher, untilHint } = await open();
  const a = directory('a');
  for (let round = 0; round < 3; round += 1) {
    source.watch(a);
    await untilHint(a);
    source.unwatch(a);
    await sleep(100);
    fileWatcher.length = 0;
    appendFileSync(join(a, 'file'), '.');
    await sleep(300);
    expect(fileWatcher).toEqual([]);
  }
});

it('reports nothing for a directory that does not exist', async () => {
  const { source, directory, failures, untilHint } = await open();
  source.watch(join(directory('a'), 'missing'));
  const b = directory('b');
  source.watch(b);
  await untilHint(b);
  expect(failures).toEqual([]);
});
