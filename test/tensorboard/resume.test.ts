/** A run that repeatedly crashes and resumes from an earlier step is one clean line for both readers. */

import { cpSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { EventFileWriter } from '../../src/format/index.js';
import { describeWithPeers } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const CRASHES = 20;
const RESTARTS = 5;
const TAGS = ['loss', 'accuracy'];

type Points = [wallTime: number, step: number, value: number][];

/** Returns a fixed sequence of numbers in [0, 1), so that a failing case can be repeated. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Logs steps [from, to); the value identifies the process that wrote it. */
async function logSteps(writer: EventFileWriter, from: number, to: number, life: number): Promise<void> {
  for (let step = from; step < to; step++) {
    for (const tag of TAGS) writer.writeScalar(tag, life + step / 1024, step, 1_700_000_000 + life);
  }
  await writer.close();
}

/** Truncates the newest file in its last records, like a crash in the middle of a write. */
function tearTail(directory: string, bytes: number): void {
  const path = join(directory, readdirSync(directory).sort().at(-1)!);
  truncateSync(path, Math.max(100, statSync(path).size - bytes));
}

describeWithPeers(['tensorboard'], 'a resumed series', () => {
  it.each([true, false])(
    `has each step once with the newest value after ${RESTARTS} restarts, with load_fast %s`,
    async (fast) => {
      const logdir = createTempDir();
      const random = createRandom(7);
      const expected = new Map<string, Map<number, number>>();
      for (let crash = 0; crash < CRASHES; crash++) {
        const run = `run-${String(crash).padStart(2, '0')}`;
        const directory = join(logdir, run);
        const newest = new Map<number, number>();
        let from = 0;
        for (let life = 0; life <= RESTARTS; life++) {
          const to = from + 20 + Math.floor(random() * 60);
          for (const step of newest.keys()) if (step >= from) newest.delete(step);
          await logSteps(
            new EventFileWriter(directory, life === 0 ? {} : { resume: { fromStep: from } }),
            from,
            to,
            life,
          );
          for (let step = from; step < to; step++) newest.set(step, life + step / 1024);
          if (life === RESTARTS) continue;
          tearTail(directory, Math.floor(random() * 200));
          // The checkpoint is earlier than the last logged step, and earlier than the steps lost in the torn tail.
          from = Math.max(0, to - 10 - Math.floor(random() * 30));
        }
        expected.set(run, newest);
      }

      const board = await TensorBoard.start({ logdir, fast });

      for (const [run, newest] of expected) {
        const wanted = [...newest].sort(([a], [b]) => a - b);
        for (const tag of TAGS) {
          const points = await board.waitFor('plugin/scalars/scalars', { run, tag }, (answer) =>
            (answer as Points).at(-1)?.[1] === wanted.at(-1)?.[0] ? (answer as Points) : undefined,
          );
          expect(points.map(([, step, value]) => [step, value])).toEqual(wanted);
        }
      }
    },
    120_000,
  );

  it.each([
    ['tensorboardx', true],
    ['tensorboardx', false],
    ['pytorch', true],
    ['pytorch', false],
    ['tensorflow', true],
    ['tensorflow', false],
  ])('continues a directory of %s, with load_fast %s', async (writer, fast) => {
    const logdir = createTempDir();
    const directory = join(logdir, 'run');
    cpSync(fileURLToPath(new URL(`../../fixtures/${writer}/scalars`, import.meta.url)), directory, {
      recursive: true,
    });

    await logSteps(new EventFileWriter(directory, { resume: { fromStep: 3 } }), 3, 12, 2);

    const board = await TensorBoard.start({ logdir, fast });
    const points = await board.waitFor('plugin/scalars/scalars', { run: 'run', tag: 'loss' }, (answer) =>
      (answer as Points).at(-1)?.[1] === 11 ? (answer as Points) : undefined,
    );
    expect(points.map(([, step]) => step)).toEqual([-3, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(points.slice(5).map(([, , value]) => value)).toEqual(
      [3, 4, 5, 6, 7, 8, 9, 10, 11].map((step) => 2 + step / 1024),
    );
  });
});
