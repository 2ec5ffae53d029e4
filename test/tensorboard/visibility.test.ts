/** The model of what TensorBoard shows agrees with both of TensorBoard's readers, point by point, for random programs. */

import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EventFileWriter, listEventFiles } from '../../src/format/index.js';
import { readVisibility } from '../../src/format/visibility/read-run.js';
import type { ShownRun } from '../../src/format/visibility/run-visibility.js';
import {
  askTensorBoard,
  differences,
  expectedOf,
  type ReaderName,
} from '../format/visibility/compare-with-tensorboard.js';
import { writeRandomProgram } from '../format/visibility/random-programs.js';
import { describeWithPeers } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

/** Set `POLYTRACK_VISIBILITY_PROGRAMS` for a long run, and `POLYTRACK_VISIBILITY_SEED` for other programs. */
const PROGRAMS = Number(process.env.POLYTRACK_VISIBILITY_PROGRAMS ?? 300);
const SEED = Number(process.env.POLYTRACK_VISIBILITY_SEED ?? 1);
const AT_ONCE = 300;

describeWithPeers(['tensorboard'], 'the model of visibility', () => {
  it(`agrees with both readers of TensorBoard for ${PROGRAMS} random programs`, async () => {
    for (let first = 0; first < PROGRAMS; first += AT_ONCE) {
      const all = createTempDir();
      const count = Math.min(AT_ONCE, PROGRAMS - first);
      for (let i = 0; i < count; i++) {
        const seed = SEED + first + i;
        await writeRandomProgram(seed, join(all, `seed-${seed}`));
      }
      const runs = new Map<string, ShownRun>();
      for (const { run, directory, files } of await listEventFiles(all)) {
        runs.set(run, await readVisibility(directory, files));
      }
      expect(await compare(all, runs, 'fast')).toEqual([]);
      expect(await compare(all, runs, 'python')).toEqual([]);
    }
  });
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
  return differences(expected, await askTensorBoard(board, expected, new Set(), reader));
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
