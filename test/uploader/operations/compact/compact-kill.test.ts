/** `polytrack compact` is killed at random moments: the directory shows the same, and the next call finishes. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { EventFileWriter } from '../../../../src/format/index.js';
import { compact } from '../../../../uploader/operations/compact/compact.js';
import { createSharedTempDir, createTempDir } from '../../../support/temp-dir.js';
import { describeShown, readShown } from './shown-series.js';

const CLI = fileURLToPath(new URL('../../../../dist/uploader/cli.js', import.meta.url));
/** Kills of each kind. */
const KILLS = 15;

async function writeLives(directory: string): Promise<void> {
  let wallTime = 1_700_000_000;
  for (const [from, count] of [
    [0, 300],
    [180, 300],
    [400, 300],
  ] as const) {
    const resume = from === 0 ? {} : { resume: { fromStep: from } };
    const writer = new EventFileWriter(directory, { ...resume, maxFileBytes: 8_000 });
    for (let step = from; step < from + count; step++) {
      writer.writeScalar('loss', step / 8, step, wallTime++);
      if (step % 5 === 0) writer.writeScalar('accuracy', step / 16, step, wallTime++);
    }
    await writer.close();
  }
}

interface Started {
  /** Milliseconds from the first change in `directory` to the end of the process. */
  readonly durationMs: number;
  readonly isKilled: boolean;
}

/** Starts the command. Kills it `killAfterMs` after the first change in `directory`, if it still runs then. */
async function startCompact(
  directory: string,
  args: readonly string[],
  killAfterMs: number,
): Promise<Started> {
  const list = (): string => (existsSync(directory) ? readdirSync(directory).join() : '');
  const before = list();
  const child = spawn(process.execPath, [CLI, 'compact', ...args], { stdio: 'ignore' });
  let hasEnded = false;
  const ended = once(child, 'exit').then(([code, signal]) => {
    hasEnded = true;
    return { code, signal } as { code: number | null; signal: string | null };
  });
  while (!hasEnded && list() === before) await sleep(1);
  const startedMs = performance.now();
  await Promise.race([ended, sleep(Math.min(killAfterMs, 2 ** 30))]);
  if (!hasEnded) child.kill('SIGKILL');
  const { code, signal } = await ended;
  if (signal === null) expect(code).toBe(0);
  return { durationMs: performance.now() - startedMs, isKilled: signal === 'SIGKILL' };
}

function eventFilesOf(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.includes('tfevents'));
}

let original: string;
/** By kind of call: how long the longest one took that was not killed. The first one is not killed. */
const longestMs = { 'in place': 0, copy: 0 };
let kills = 0;

async function describeDirectory(directory: string): Promise<object> {
  return describeShown((await readShown(directory)).get('.')!);
}

beforeAll(async () => {
  original = createSharedTempDir();
  await writeLives(original);
});

it.each(
  Array.from({ length: 2 * (KILLS + 1) }, (_, i) =>
    i % 2 === 0 ? ('in place' as const) : ('copy' as const),
  ),
)('F116: shows the same after it was killed at a random moment, and the next call finishes', async (kind) => {
  const isInPlace = kind === 'in place';
  const directory = createTempDir();
  const logs = join(directory, 'logs');
  const output = join(directory, 'output');
  const again = join(directory, 'again');
  cpSync(original, logs, { recursive: true });
  const expected = await describeDirectory(original);
  const args = isInPlace ? [logs, '--in-place', '--older-than', '0s'] : [logs, '--output', output];
  const isFirst = longestMs[kind] === 0;
  const killAfterMs = isFirst ? Number.POSITIVE_INFINITY : Math.random() * longestMs[kind];

  const { durationMs, isKilled } = await startCompact(isInPlace ? logs : output, args, killAfterMs);

  if (isKilled) kills++;
  else longestMs[kind] = Math.max(longestMs[kind], durationMs, 1);
  const moment = `${kind}, killed after ${killAfterMs} of ${longestMs[kind]} ms`;
  expect(await describeDirectory(logs), moment).toEqual(expected);
  if (!isInPlace) expect(eventFilesOf(logs), moment).toEqual(eventFilesOf(original));
  const report = await compact(logs, isInPlace ? { isInPlace, olderThanMs: 0 } : { output: again });
  expect(report.isComplete, moment).toBe(true);
  expect(await describeDirectory(isInPlace ? logs : again), moment).toEqual(expected);
  expect(eventFilesOf(isInPlace ? logs : again), moment).toHaveLength(1);
  if (isInPlace) expect(readdirSync(logs), moment).toEqual(eventFilesOf(logs));
});

it('was killed at least once', () => {
  expect(kills).toBeGreaterThan(0);
});
