/** Both of TensorBoard's readers show compacted runs exactly as the original ones, over HTTP. */

import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EventFileWriter } from '../../src/format/index.js';
import type { ShownRun } from '../../src/format/visibility/run-visibility.js';
import { compact } from '../../uploader/operations/compact/compact.js';
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
import { readShown } from '../uploader/operations/compact/shown-series.js';

/** Set `POLYTRACK_COMPACT_PROGRAMS` for a long run, and `POLYTRACK_COMPACT_SEED` for other programs. */
const PROGRAMS = Number(process.env.POLYTRACK_COMPACT_PROGRAMS ?? 40);
const SEED = Number(process.env.POLYTRACK_COMPACT_SEED ?? 1);
/** More values than any series has, so that the readers sample nothing. */
const SAMPLES = ['scalars', 'images', 'audio', 'histograms', 'text', 'pr_curves', 'mesh']
  .map((plugin) => `${plugin}=100000`)
  .join(',');

/** The page of histograms always draws a sample. */
const HISTOGRAMS = 51;
/** What the Python reader keeps of a tag whose first value has no metadata. */
const WITHOUT_METADATA = 10;

/** `held`: the number of values that the reader draws the sample from; its page may show fewer than the sample has, one for each step. */
function isSample(plugin: string, points: number, held: number, shown: number | undefined): boolean {
  if (plugin === 'histograms' && points > HISTOGRAMS) return shown === HISTOGRAMS;
  if (points > WITHOUT_METADATA && shown === WITHOUT_METADATA) return true;
  return held > WITHOUT_METADATA && shown !== undefined && shown < WITHOUT_METADATA && shown < points;
}

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));

describeWithPeers(['tensorboard'], 'compact', () => {
  it('changes nothing in either reader, of the fixtures of other writers', async () => {
    const all = createTempDir();
    const source = join(all, 'source');
    for (const writer of ['keras', 'pytorch', 'tensorboardx', 'tensorflow'])
      cpSync(join(FIXTURES, writer), join(source, writer), { recursive: true });

    await compact(source, { output: join(all, 'copy') });

    const before = await readShown(source);
    expect(before.size).toBeGreaterThan(40);
    for (const reader of ['fast', 'python'] as const)
      expect(await compare(all, ['source', 'copy'], before, reader)).toEqual([]);
  });

  it('changes nothing in either reader, as a copy and in place', async () => {
    const all = createTempDir();
    const source = join(all, 'source');
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++)
      await writeRandomProgram(seed, join(source, `seed-${seed}`));
    const before = await readShown(source);
    cpSync(source, join(all, 'in-place'), { recursive: true });
    await compact(source, { output: join(all, 'copy') });
    await compact(join(all, 'in-place'), { isInPlace: true, olderThanMs: 0 });

    for (const reader of ['fast', 'python'] as const) {
      expect(await compare(all, ['copy', 'in-place'], before, reader)).toEqual([]);
    }
  });
});

/** Compares what TensorBoard answers for the runs in several directories with what the model says of the originals. */
async function compare(
  all: string,
  directories: readonly string[],
  before: ReadonlyMap<string, ShownRun>,
  reader: ReaderName,
): Promise<string[]> {
  const logdir = createTempDir();
  const runs = new Map<string, ShownRun>();
  for (const directory of directories) {
    for (const [run, shown] of before) {
      // A page that fails does so for all runs.
      if (shown.viewers[reader]!.failures.some(({ scope }) => scope === 'page')) continue;
      const name = `${directory}-${run}`;
      mkdirSync(join(logdir, name), { recursive: true });
      cpSync(join(all, directory, run), join(logdir, name), { recursive: true });
      runs.set(name, shown);
    }
  }
  const board = await TensorBoard.start({
    logdir,
    fast: reader === 'fast',
    args: ['--samples_per_plugin', SAMPLES],
  });
  await waitUntilLoaded(board, logdir);
  const expected = new Map([...runs].map(([name, run]) => [name, expectedOf(run, reader)]));
  const answers = await askTensorBoard(board, expected, reader);
  for (const [run, shown] of expected) {
    const { points, viewers } = runs.get(run)!;
    const heldOf = (tag: string): number =>
      (reader === 'python' && viewers.python!.tagView(points.tags.indexOf(tag))?.held?.length) || 0;
    for (const [plugin, tags] of shown) {
      for (const [tag, series] of tags) {
        const answer = answers.get(run)!.get(plugin)!;
        if (!isSample(plugin, series.length, heldOf(tag), answer.get(tag)?.length)) continue;
        tags.delete(tag);
        answer.delete(tag);
      }
    }
  }
  return differences(expected, answers);
}

/** Two runs that are created after the start are loaded after a whole cycle of loading. */
async function waitUntilLoaded(board: TensorBoard, directory: string): Promise<void> {
  for (const run of ['late-1', 'late-2']) {
    await using writer = new EventFileWriter(join(directory, run));
    writer.writeScalar('late', 1, 0, 1);
    await writer.flush();
    await board.waitFor('plugin/scalars/tags', {}, (tags) => (run in (tags as object) ? true : undefined));
  }
}
