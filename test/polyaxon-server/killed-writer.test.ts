/** After a training process is killed, the server has its run as failed, with the reason and all data. */

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startWatch } from '../../bench/support/uploader-process.mjs';
import { ServedRun } from '../polyaxon/served-run.js';
import { spawnScript } from '../support/child-script.js';
import { waitFor } from '../support/child-server.js';
import { describeWithPeers } from '../support/peers.js';
import { startSandbox } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = 'ce'.repeat(16);
const STEPS = 50;

describeWithPeers(['polyaxon'], 'a killed training process', () => {
  it('has a failed run with the reason and all data', async () => {
    const server = await startSandbox();
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
    const home = createTempDir();
    const root = join(home, 'root');
    mkdirSync(root);
    const watch = startWatch({
      ...{ root, stateDir: join(home, 'state'), env: {}, home, intervalSeconds: 1 },
      store: `polyaxon://${new URL(server.url).host}/default/demo`,
    });
    onTestFinished(() => void watch.end('SIGKILL'));
    const training = spawnScript(
      'Run',
      `
      const run = new Run({ uuid: '${UUID}', project: 'default/demo', name: 'killed', trackCode: false });
      for (let step = 0; step < ${STEPS}; step += 1) run.logMetric('loss', 1 / (1 + step), { step });
      await run.flush();
      console.log('logged');
      setInterval(() => undefined, 1000);
      `,
      { POLYAXON_OFFLINE_ROOT: root },
    );
    await once(training.stdout!, 'data');
    training.kill('SIGKILL');
    await once(training, 'close');

    const route = `/api/v1/default/demo/runs/${UUID}`;
    const statuses = await waitFor('a failed run', async () => {
      const found = (await server.get(`${route}/statuses`)) as {
        status: string;
        status_conditions: { type: string; reason: string; message: string }[];
      };
      return found.status === 'failed' ? found : undefined;
    });
    const failed = statuses.status_conditions.filter(({ type }) => type === 'failed');
    expect(failed).toHaveLength(1);
    expect(failed[0]?.reason).toBeTruthy();
    expect(failed[0]?.message).toMatch(/\w+ \w+/);
    const served = new ServedRun(server, { owner: 'default', project: 'demo', uuid: UUID }, { force: true });
    const [loss] = await served.events('events/metric', { names: 'loss' });
    expect(loss?.data.metric).toHaveLength(STEPS);
    expect(await watch.end('SIGTERM'), watch.output).toBe(0);
  });
});
