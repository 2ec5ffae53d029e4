/** What `run.log`, `run.config` and `run.metric` write is on the server after a sync, and a run that is resumed by its name stays one run there. */

import { expect, it } from 'vitest';
import { Run, withRun } from '../../src/index.js';
import { runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import { startSandbox } from '../support/polyaxon.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

describeWithPeers(['polyaxon'], 'a run on the server', () => {
  it('has the config, goals and metrics, also after it is resumed by its name', async () => {
    const server = await startSandbox();
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
    const root = createSharedTempDir();
    const stateDirectory = createSharedTempDir();
    const store = `polyaxon://${new URL(server.url).host}/default/demo`;
    const sync = () => runCli('sync', root, '--store', store, '--state-dir', stateDirectory);

    const uuid = await withRun({ root, name: 'baseline', ...NO_CAPTURE }, (run) => {
      run.config.lr = 0.1;
      const config = run.config.update({ model: { depth: 4 } });
      config.model.depth = 5;
      run.metric('val/loss', { goal: 'minimize' });
      for (const loss of [0.5, 0.25, 0.75])
        run.log({ val: { loss }, image: { pixels: new Uint8Array(12), height: 2, width: 2 } });
      return run.uuid;
    });
    const first = await sync();
    const resumed = new Run({ root, resume: 'baseline', ...NO_CAPTURE });
    resumed.log({ val: { loss: 0.6 } });
    await resumed.end();
    const second = await sync();

    expect([first.code, second.code], first.stderr + second.stderr).toEqual([0, 0]);
    const found = (await server.get(`/api/v1/default/demo/runs/${uuid}`)) as Record<string, unknown>;
    expect(found).toMatchObject({
      name: 'baseline',
      status: 'succeeded',
      inputs: { lr: 0.1, model: { depth: 5 } },
      outputs: { val__loss: 0.6 },
      meta_info: { 'goal.val/loss': 'minimize', has_metrics: true },
    });
    const { results } = (await server.get('/api/v1/default/demo/runs')) as { results: { uuid: string }[] };
    expect(results.map((run) => run.uuid)).toEqual([uuid]);
    const lineage = (await server.get(`/api/v1/default/demo/runs/${uuid}/lineage/artifacts`, {
      limit: 100,
    })) as {
      results: { name: string; kind: string }[];
    };
    expect(lineage.results.map(({ name, kind }) => `${kind} ${name}`)).toEqual(
      expect.arrayContaining(['metric val__loss', 'image image']),
    );
  });
});
