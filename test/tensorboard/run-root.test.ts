import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

describeWithPeers(['tensorboard'], 'TensorBoard with the runs of a root', () => {
  it.each([{ fast: true }, { fast: false }])(
    'shows each run once: by uuid from the root, by name from the links, and ignores dead links (fast: $fast)',
    async ({ fast }) => {
      const root = join(createTempDir(), 'plx-runs');
      const runs = ['first', 'second', 'removed'].map(
        (name) => startRun({ root, name, collectResources: true, resourcesIntervalMs: 50 }).run,
      );
      for (const run of runs) {
        run.logMetric('loss', 1, { step: 0 });
        await run.end();
      }
      const [first, second, removed] = runs as [(typeof runs)[0], (typeof runs)[0], (typeof runs)[0]];
      rmSync(removed.paths.run, { recursive: true });

      const byUuid = await TensorBoard.start({ logdir: root, fast });
      const byName = await TensorBoard.start({ logdir: first.paths.links, fast });
      // All runs that a reader finds appear with its first load.
      const read = (board: TensorBoard) =>
        board.waitFor('runs', {}, (found) =>
          (found as string[]).length >= 2 ? (found as string[]).sort() : undefined,
        );

      expect(await read(byUuid)).toEqual(
        [first, second].map(({ uuid }) => `runs/${uuid}/outputs/tensorboard`).sort(),
      );
      expect(await read(byName)).toEqual([
        `first-${first.uuid.slice(0, 8)}`,
        `second-${second.uuid.slice(0, 8)}`,
      ]);
    },
  );
});
