import { expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const isTrue = (condition: boolean): true | undefined => (condition ? true : undefined);

describeWithPeers(['tensorboard'], 'a run that gets another name', () => {
  it.each([{ fast: true }, { fast: false }])(
    'is shown under that name by a TensorBoard that is running, with old and new points (fast: $fast)',
    async ({ fast }) => {
      const root = createTempDir();
      const { run } = startRun({ root, name: 'first' });
      const suffix = run.uuid.slice(0, 8);
      run.logInputs({ lr: 0.5 });
      run.logMetric('loss', 1, { step: 0 });
      await run.flush();
      const board = await TensorBoard.start({ logdir: `${root}-tensorboard`, fast });
      await board.waitFor('runs', {}, (runs) => isTrue((runs as string[]).includes(`first-${suffix}`)));

      run.setName('second');
      run.logMetric('loss', 0.5, { step: 1 });
      await run.flush();
      const renamed = `second-${suffix}`;
      await board.waitFor('runs', {}, (runs) => isTrue((runs as string[]).join() === renamed));
      run.logMetric('loss', 0.25, { step: 2 });
      await run.end();
      const points = await board.waitFor('plugin/scalars/scalars', { run: renamed, tag: 'loss' }, (answer) =>
        (answer as unknown[]).length === 3 ? (answer as [number, number, number][]) : undefined,
      );

      expect(points.map(([, step, value]) => [step, value])).toEqual([
        [0, 1],
        [1, 0.5],
        [2, 0.25],
      ]);
    },
  );
});
