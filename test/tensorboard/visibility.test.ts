/** The model of what TensorBoard shows agrees with both of TensorBoard's readers, point by point, for random programs. */

import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EventFileWriter, listEventFiles } from '../../src/format/index.js';
import { readVisibility } from '../../src/format/visibility/read-run.js';
import type { ShownRun } from '../../src/format/visibility/run-visibility.js';
import {
  askTensorBoard,
  compareSpecials,
  differences,
  expectedOf,
  type ReaderName,
} from '../format/visibility/compare-with-tensorboard.js';
import { writeRandomProgram } from '../format/visibility/random-programs.js';
import { describeWithPeers } from '../support/peers.js';
import { runPython } from '../support/python.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

/** Set `POLYTRACK_VISIBILITY_PROGRAMS` for a long run, and `POLYTRACK_VISIBILITY_SEED` for other programs. */
const PROGRAMS = Number(process.env.POLYTRACK_VISIBILITY_PROGRAMS ?? 300);
const SEED = Number(process.env.POLYTRACK_VISIBILITY_SEED ?? 1);
const AT_ONCE = 300;

const BATCHES = Array.from({ length: Math.ceil(PROGRAMS / AT_ONCE) }, (_, batch) => {
  const first = SEED + batch * AT_ONCE;
  return [first, Math.min(SEED + PROGRAMS, first + AT_ONCE) - 1] as const;
});

describeWithPeers(['tensorboard'], 'the model of visibility', () => {
  it.each(BATCHES)(
    'agrees with both readers of TensorBoard for random programs %i to %i',
    async (first, last) => {
      const all = createTempDir();
      for (let seed = first; seed <= last; seed++) await writeRandomProgram(seed, join(all, `seed-${seed}`));
      const runs = new Map<string, ShownRun>();
      for (const { run, directory, files } of await listEventFiles(all)) {
        runs.set(run, await readVisibility(directory, files));
      }

      expect(await compare(all, runs, 'fast')).toEqual([]);
      expect(await compare(all, runs, 'python')).toEqual([]);
      expect(expectedFailures(runs)).toEqual(await readFailures(all));
    },
  );
});

async function compare(
  logdir: string,
  runs: ReadonlyMap<string, ShownRun>,
  reader: ReaderName,
): Promise<string[]> {
  const failing = [...runs].filter(([, run]) =>
    run.viewers[reader]!.failures.some(({ scope }) => scope === 'page'),
  );
  const sound = new Map([...runs].filter(([run]) => !failing.some(([name]) => name === run)));
  const expected = new Map([...sound].map(([name, run]) => [name, expectedOf(run, reader)]));
  const directory = createTempDir();
  for (const run of sound.keys()) {
    mkdirSync(join(directory, run), { recursive: true });
    cpSync(join(logdir, run), join(directory, run), { recursive: true });
  }
  const board = await TensorBoard.start({
    logdir: directory,
    fast: reader === 'fast',
    args: ['--samples_per_plugin', ''],
  });
  await waitUntilLoaded(board, directory);
  const answers = await askTensorBoard(board, expected, reader);
  return [...differences(expected, answers), ...(await compareSpecials(board, sound, reader))];
}

/** For each run, the pages that fail for all runs. */
function expectedFailures(runs: ReadonlyMap<string, ShownRun>): Record<string, string[]> {
  return Object.fromEntries(
    [...runs].map(([name, { viewers }]) => {
      const pages = viewers
        .python!.failures.filter(({ scope }) => scope === 'page')
        .map(({ plugin }) => plugin);
      return [name, [...new Set(pages)].sort()];
    }),
  );
}

async function readFailures(logdir: string): Promise<Record<string, string[]>> {
  const script = fileURLToPath(new URL('./list_pages.py', import.meta.url));
  const { stdout } = await runPython(readFileSync(script, 'utf8'), [logdir]);
  return JSON.parse(stdout) as Record<string, string[]>;
}

/**
 * Waits until TensorBoard has loaded all runs that were in the directory when it started. It loads in cycles, so a run that is created
 * after a cycle has begun is loaded by a later one. The second of two such runs is loaded after a whole cycle.
 */
async function waitUntilLoaded(board: TensorBoard, directory: string): Promise<void> {
  for (const run of ['late-1', 'late-2']) {
    await using writer = new EventFileWriter(join(directory, run));
    writer.writeScalar('late', 1, 0, 1);
    await writer.flush();
    await board.waitFor('plugin/scalars/tags', {}, (tags) => (run in (tags as object) ? true : undefined));
  }
}
