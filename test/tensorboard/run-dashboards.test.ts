/** What `Run` logs for TensorBoard's dashboards is shown by both readers. */

import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { GraphBuilder } from '../../src/index.js';
import { describeWithPeers } from '../support/peers.js';
import { startRun } from '../support/start-run.js';
import { TensorBoard } from '../support/tensorboard.js';

describeWithPeers(['tensorboard'], 'TensorBoard', () => {
  it.each([true, false])('shows what a run has logged for its dashboards (fast reader: %s)', async (fast) => {
    const graph = new GraphBuilder();
    graph.node({ name: 'x', op: 'Placeholder' });
    graph.node({ name: 'y', op: 'Relu', inputs: ['x'] });
    const { run } = startRun();
    run.logMetrics({ 'loss/train': 1, 'loss/validation': 2 });
    run.logGraph(graph);
    run.logMesh('mesh', { vertices: [[0, 0, 0]] });
    run.logCustomScalars([{ title: 'losses', charts: [{ title: 'both', multiline: ['^loss'] }] }]);
    await run.logEmbedding('emb', {
      vectors: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    });
    await run.end();

    const board = await TensorBoard.start({ logdir: dirname(run.paths.tensorboard), fast });
    const shown = 'tensorboard';

    const layout = await board.waitFor('plugin/custom_scalars/layout', {}, (answer) =>
      'category' in (answer as object) ? answer : undefined,
    );
    expect(Buffer.from(await board.getBytes('plugin/graphs/graph', { run: shown })).toString()).toContain(
      'op: "Relu"',
    );
    expect(layout).toMatchObject({ category: [{ title: 'losses', chart: [{ title: 'both' }] }] });
    expect(await board.get('plugin/mesh/tags')).toMatchObject({ [shown]: { mesh: expect.anything() } });
    expect(await board.get('plugin/projector/info', { run: shown })).toMatchObject({
      embeddings: [{ tensorName: 'emb:00000', tensorShape: [3, 2] }],
    });
  });
});
