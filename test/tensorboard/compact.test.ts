/** Both of TensorBoard's readers show compacted runs exactly as the original ones, over HTTP. */

import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EventFileWriter } from '../../src/format/index.js';
import { REASON_CODES } from '../../src/format/visibility/reasons.js';
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
/** More values than any series has. */
const SAMPLES = Object.fromEntries(
  ['scalars', 'images', 'audio', 'histograms', 'text', 'pr_curves', 'mesh'].map((plugin) => [
    plugin,
    100_000,
  ]),
);
/** The page of histograms always draws a sample. */
const HISTOGRAMS = 51;

/**
 * The tags of which a reader draws a sample, whatever the arguments of TensorBoard: the Python reader keeps ten values of a tag whose first
 * value has no metadata. Which ones depends on the order of the values, so no copy shows the same.
 */
function findSampled({ points, viewers }: ShownRun, reader: ReaderName): Set<string> {
  const sampled = new Set<string>();
  for (let point = 0; point < points.count; point++)
    if (viewers[reader]!.codes.at(point) === REASON_CODES.sampled)
      sampled.add(points.tags[points.tagIndexOf(point)]!);
  return sampled;
}

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));

describeWithPeers(['tensorboard'], 'compact', () => {
  it('changes nothing in either reader, of the fixtures of other writers', async () => {
    const all = createTempDir();
    const source = join(all, 'source');
    for (const writer of ['keras', 'pytorch', 'tensorboardx', 'tensorflow'])
      cpSync(join(FIXTURES, writer), join(source, writer), { recursive: true });

    await compact(source, { output: join(all, 'copy') });

    expect((await readShown(source)).size).toBeGreaterThan(40);
    for (const reader of ['fast', 'python'] as const)
      expect(await compare(all, ['source', 'copy'], reader)).toEqual([]);
  });

  it('changes nothing in either reader, as a copy and in place', async () => {
    const all = createTempDir();
    const source = join(all, 'source');
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++)
      await writeRandomProgram(seed, join(source, `seed-${seed}`));
    cpSync(source, join(all, 'in-place'), { recursive: true });
    await compact(source, { output: join(all, 'copy') });
    await compact(join(all, 'in-place'), { isInPlace: true, olderThanMs: 0 });

    for (const reader of ['fast', 'python'] as const) {
      expect(await compare(all, ['copy', 'in-place'], reader)).toEqual([]);
    }
  });
});

/** Compares what TensorBoard answers for the runs in several directories with what the model says of those in `source`. */
async function compare(all: string, directories: readonly string[], reader: ReaderName): Promise<string[]> {
  const logdir = createTempDir();
  const before = await readShown(join(all, 'source'));
  const withSamples = await readShown(join(all, 'source'), SAMPLES);
  const runs = new Map<string, ShownRun>();
  const sampled = new Map<string, Set<string>>();
  for (const directory of directories) {
    for (const [run, shown] of before) {
      // A page that fails does so for all runs.
      if (shown.viewers[reader]!.failures.some(({ scope }) => scope === 'page')) continue;
      const name = `${directory}-${run}`;
      mkdirSync(join(logdir, name), { recursive: true });
      cpSync(join(all, directory, run), join(logdir, name), { recursive: true });
      runs.set(name, shown);
      sampled.set(name, findSampled(withSamples.get(run)!, reader));
    }
  }
  const board = await TensorBoard.start({
    logdir,
    fast: reader === 'fast',
    args: [
      '--samples_per_plugin',
      Object.entries(SAMPLES)
        .map((each) => each.join('='))
        .join(','),
    ],
  });
  await waitUntilLoaded(board, logdir);
  const expected = new Map([...runs].map(([name, run]) => [name, expectedOf(run, reader)]));
  const answers = await askTensorBoard(board, expected, reader);
  for (const [run, shown] of expected) {
    for (const [plugin, tags] of shown) {
      for (const [tag, series] of tags) {
        const answer = answers.get(run)!.get(plugin)!;
        const isPageSample =
          plugin === 'histograms' && series.length > HISTOGRAMS && answer.get(tag)?.length === HISTOGRAMS;
        if (!isPageSample && !sampled.get(run)!.has(tag)) continue;
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
