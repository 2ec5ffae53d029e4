/** Someone who can write the run directory replaces its files by links: the run writes nothing behind them. */

import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Run } from '../../src/run/run.js';
import { createTempDir } from '../support/temp-dir.js';

/** Long enough for a trace to be saved while it is open. */
const UNTIL_SAVED_MS = 50;

function openRun(root: string, resume = false): Run {
  return new Run({
    ...{ root, uuid: 'c'.repeat(32), resume, formats: ['polyaxon'], trackCode: false, trackLogs: true },
    ...{ collectResources: false, flushIntervalMs: 10, onWarning: () => undefined, onError: () => undefined },
  });
}

async function logEverything(run: Run): Promise<void> {
  run.logMetric('loss', 1);
  run.logText('text', 'a text');
  run.logImage('image', { width: 1, height: 1, channels: 1, pixels: new Uint8Array(1) });
  run.logInputs({ a: 1 });
  run.logTags(['a']);
  run.alert({ title: 'an alert' });
  process.stdout.write('a line\n');
  const span = run.startSpan('open');
  run.startSpan('child', { parent: span }).end();
  await run.flush().catch(() => undefined);
  await sleep(UNTIL_SAVED_MS);
}

/** Moves each file out of the run, and puts a link in its place. Returns the paths of the links. */
function plantLinks(directory: string, outside: string): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true });
  return files
    .filter((file) => file.isFile())
    .map((file, index) => {
      const path = join(file.parentPath, file.name);
      renameSync(path, join(outside, `${index}`));
      symlinkSync(join(outside, `${index}`), path);
      return relative(directory, path);
    });
}

it.each(['a running run', 'a resumed run'])(
  '%s writes nothing behind links instead of its files',
  async (which) => {
    const root = createTempDir();
    const outside = createTempDir();
    let run = openRun(root);
    await logEverything(run);
    if (which === 'a resumed run') await run.end();

    const links = plantLinks(run.paths.run, outside);
    const read = () => links.map((_, index) => readFileSync(join(outside, `${index}`)));
    const before = read();
    if (which === 'a resumed run') run = openRun(root, true);
    await logEverything(run);
    await run.end().catch(() => undefined);

    const after = read();
    expect(links.filter((_, index) => !after[index]?.equals(before[index]!))).toEqual([]);
    expect(links).toEqual(
      expect.arrayContaining(['plxlogs/logs.jsonl', 'run.plx.json', '.plx/alerts-main.jsonl']),
    );
  },
);

it('writes nothing behind a link that leads nowhere yet', async () => {
  const root = createTempDir();
  const outside = createTempDir();
  const run = openRun(root);
  for (const name of [
    'plxlogs/logs.jsonl',
    '.plx/order-main.json',
    '.plx/alerts-main.jsonl',
    'events/metric/loss.plx',
  ]) {
    mkdirSync(join(run.paths.run, name, '..'), { recursive: true });
    try {
      symlinkSync(join(outside, name.replaceAll('/', '-')), join(run.paths.run, name));
    } catch (error) {
      expect(error).toMatchObject({ code: 'EEXIST' });
    }
  }

  await logEverything(run);
  await run.end().catch(() => undefined);

  expect(readdirSync(outside)).toEqual([]);
});
