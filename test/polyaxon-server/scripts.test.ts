/** Names in other scripts on the server: in its lists, its answers and its web page. */

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ServedRun } from '../polyaxon/served-run.js';
import { openPage } from '../support/browser.js';
import { waitFor } from '../support/child-server.js';
import { runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import { startSandbox } from '../support/polyaxon.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = 'cd'.repeat(16);

/** Each name and its form in Polyaxon. */
const NAMES: Readonly<Record<string, string>> = {
  '训练/损失': '训练__损失',
  '验证/损失': '验证__损失',
  'потери при обучении': 'потери-при-обучении',
  απώλεια: 'απώλεια',
  오차: '오차',
  हानि: 'हानि',
  การสูญเสีย: 'การสูญเสีย',
  خسارة: 'خسارة',
  ['損'.repeat(250)]: `${'損'.repeat(76)}-105e00ac`,
};

describeWithPeers(['polyaxon', 'chromium'], 'names in other scripts', () => {
  it.each([[['tensorboard', 'polyaxon']], [['tensorboard']]] as const)(
    'are listed, served and shown by a Polyaxon server, of a run with the formats %j',
    async (formats) => {
      const root = createTempDir();
      const { run, warnings } = startRun({ root, uuid: UUID, project: 'default/demo', formats });
      for (const [index, name] of Object.keys(NAMES).entries())
        for (let step = 0; step < 5; step += 1) run.logMetric(name, index + step / 10, { step });
      run.logImage('фото', { height: 1, width: 1, channels: 1, pixels: new Uint8Array(1) }, { step: 3 });
      run.logInputs({ 学习率: 0.0125 });
      await run.end();
      const server = await startSandbox();
      await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
      const store = `polyaxon://${new URL(server.url).host}/default/demo`;
      const synced = await runCli('sync', root, '--store', store, '--state-dir', createTempDir());
      expect(synced.code, synced.stdout + synced.stderr).toBe(0);
      const served = new ServedRun(
        server,
        { owner: 'default', project: 'demo', uuid: UUID },
        { force: true },
      );

      const { results } = (await server.get(`${served.api}/lineage/artifacts`)) as {
        results: { name: string; kind: string; path: string }[];
      };
      const metrics = results.filter(({ kind }) => kind === 'metric').map(({ name }) => name);
      expect(metrics.sort()).toEqual(Object.values(NAMES).sort());
      for (const [index, name] of Object.values(NAMES).entries()) {
        const [events] = await served.events('events/metric', { names: name });
        expect(events, name).toMatchObject({
          name,
          data: { metric: [0, 1, 2, 3, 4].map((i) => index + i / 10) },
        });
      }
      const all = await served.events('events/metric', { names: metrics.join(',') });
      expect(all).toHaveLength(metrics.length);
      const [photo] = await served.events('events/image', { names: 'фото' });
      const { path } = JSON.parse(String(photo?.data.image?.[0])) as { path: string };
      expect(path).toBe('assets/image/фото_3.png');
      expect(await served.bytes(path)).not.toHaveLength(0);
      const entry = await server.get(`${served.api}/lineage/artifacts/${encodeURIComponent('训练__损失')}`);
      expect(entry).toMatchObject({ name: '训练__损失', kind: 'metric' });
      expect(await server.get(served.api)).toMatchObject({
        inputs: { 学习率: 0.0125 },
        outputs: { 训练__损失: 0.4, 验证__损失: 1.4 },
      });

      const page = await openPage(`${server.url}/ui/default/demo/runs/${UUID}`);
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      const text = await waitFor('the page of the run', async () => {
        const shown = await page.locator('body').innerText();
        return shown.includes('学习率') && shown.includes('succeeded') ? shown : undefined;
      });
      expect(text).toContain('训练__损失');
      await page.goto(`${server.url}/ui/default/demo/runs/${UUID}/dashboards`);
      await waitFor('a chart of each metric', async () =>
        (await page.locator('.uplot canvas').count()) >= 4 ? true : undefined,
      );
      const shown = await page.locator('body').innerText();
      // The page shows some charts at a time, in no fixed order.
      expect(Object.values(NAMES).filter((name) => shown.includes(name)).length).toBeGreaterThanOrEqual(3);
      const pictures = process.env.SCREENSHOTS;
      if (pictures !== undefined) await page.screenshot({ path: join(pictures, 'polyaxon-scripts.png') });
      expect(errors).toEqual([]);
      expect(warnings.map(({ code }) => code).filter((code) => code !== 'WARN_NAME_CUT')).toEqual([]);
    },
  );
});
