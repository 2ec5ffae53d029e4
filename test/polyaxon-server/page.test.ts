/** Opens the server's web page of a synced run in a real browser. */

import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { openPage } from '../support/browser.js';
import { spawnScript } from '../support/child-script.js';
import { waitFor } from '../support/child-server.js';
import { runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import { startSandbox } from '../support/polyaxon.js';
import { startRun } from '../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';

const UUID = 'ab'.repeat(16);

describeWithPeers(['polyaxon', 'chromium'], "the server's web page", () => {
  it('shows the run, its status, its parameters and its metrics', async () => {
    const root = createTempDir();
    const { run } = startRun({ root, uuid: UUID, name: 'shown-run', project: 'default/demo' });
    run.logInputs({ learningRate: 0.0125 });
    // The x axis of the chart has whole seconds.
    const start = Date.now() / 1000 - 1200;
    for (let step = 0; step < 20; step += 1)
      run.logMetric('train/loss', 1 / (1 + step), { step, wallTime: start + step * 60 });
    await run.end();
    const server = await startSandbox();
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
    const store = `polyaxon://${new URL(server.url).host}/default/demo`;
    const synced = await runCli('sync', root, '--store', store, '--state-dir', createTempDir());
    expect(synced.code, synced.stdout + synced.stderr).toBe(0);

    const url = `${server.url}/ui/default/demo/runs/${UUID}`;
    const page = await openPage(url);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    const text = await waitFor('the page of the run', async () => {
      const shown = await page.locator('body').innerText();
      return shown.includes('learningRate') && shown.includes('succeeded') ? shown : undefined;
    });
    expect(text).toContain('shown-run');
    expect(text).toContain('0.0125');
    expect(text).toContain('train__loss');

    await page.goto(`${url}/dashboards`);
    await waitFor('a chart of the metric', async () => ((await countInk(page)) > 100 ? true : undefined));
    expect(await page.locator('body').innerText()).toContain('train__loss');
    const pictures = process.env.SCREENSHOTS;
    if (pictures !== undefined) await page.screenshot({ path: join(pictures, 'polyaxon-run.png') });

    await page.goto(`${url}/artifacts`);
    await waitFor('the files of the run', async () => {
      const shown = await page.locator('body').innerText();
      return shown.includes('run.plx.json') && shown.includes('outputs') ? true : undefined;
    });
    // The address in README, of another server and project.
    const [, address] = /127\.0\.0\.1:8000(\/ui\/default\/\S+)/.exec(readFileSync('README.md', 'utf8')) ?? [];
    await page.goto(server.url + String(address).replace('quickstart', 'demo'));
    await waitFor('the list of runs', async () => {
      const shown = await page.locator('body').innerText();
      return shown.includes('shown-run') ? true : undefined;
    });
    expect(errors).toEqual([]);
  });

  it('shows parameters, charts, files, logs and traces of a run that is active', async () => {
    const root = createTempDir();
    const uuid = 'cd'.repeat(16);
    // In its own process, so that its output is logged.
    const child = spawnScript(
      'Run',
      `import fs from 'node:fs';
      const run = new Run({ root: ${JSON.stringify(root)}, uuid: '${uuid}', name: 'train-mnist', project: 'default/demo',
        trackCode: false, trackEnv: false, collectResources: false });
      run.logInputs({ optimizer: 'adam', learningRate: 0.0125, batchSize: 64 });
      for (let step = 0; step < 200; step += 1) {
        run.logMetric('loss', Math.exp(-step / 60) + Math.sin(step * 1.7) / 40, { step });
        run.logMetric('accuracy', 1 - Math.exp(-step / 45) / 1.2, { step });
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
      for (let epoch = 1; epoch <= 5; epoch += 1) console.log('epoch ' + epoch + ': saved the checkpoint');
      await run.trace('answer', async (span) => {
        span.setInput('Which digit is this?');
        span.setOutput('It is a seven.');
      });
      setInterval(() => undefined, 1_000);
      await run.flush();
      fs.writeFileSync(${JSON.stringify(join(root, 'done'))}, '');`,
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    const server = await startSandbox(await createClusterHome());
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
    const store = `polyaxon://${new URL(server.url).host}/default/demo`;
    await waitFor('the last step', async () => existsSync(join(root, 'done')) || undefined);
    const synced = await runCli('sync', root, '--store', store, '--state-dir', createTempDir());
    expect(synced.code, synced.stdout + synced.stderr).toBe(0);

    const url = `${server.url}/ui/default/demo/runs/${uuid}`;
    const page = await openPage(url);
    const pictures = process.env.SCREENSHOTS;
    for (const [tab, ...texts] of [
      ['', 'learningRate', '0.0125', 'running'],
      ['dashboards', 'loss', 'accuracy'],
      ['artifacts', 'outputs', 'plxlogs'],
      ['logs', 'epoch 1: saved the checkpoint', 'epoch 5: saved the checkpoint'],
      ['traces', 'answer', 'It is a seven.'],
    ] as const) {
      await page.goto(`${url}/${tab}`);
      let shown = '';
      await waitFor(`the page ${tab}`, async () => {
        shown = await page.locator('body').innerText();
        return texts.every((text) => shown.includes(text)) || undefined;
      }).catch((error: unknown) => {
        throw new Error(`${tab} shows ${shown}`, { cause: error });
      });
      if (tab === 'dashboards')
        await waitFor('the charts', async () => ((await countInk(page)) > 100 ? true : undefined));
      expect(shown).not.toContain(root);
      if (tab === '') await page.getByText('learningRate').first().scrollIntoViewIfNeeded();
      if (pictures !== undefined)
        await page.screenshot({ path: join(pictures, `polyaxon-${tab === '' ? 'parameters' : tab}.png`) });
    }
  });
});

/**
 * A home of the server with the configuration of a Kubernetes cluster that does not know the run. The server asks the cluster for the logs of every active job
 * first, and fails without one; then it reads `plxlogs` (haupt 2.16.1, `streams/endpoints/logs.py`).
 */
async function createClusterHome(): Promise<string> {
  const cluster = createServer((_, response) => {
    const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
    response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(status));
  }).listen(0, '127.0.0.1');
  await once(cluster, 'listening');
  onTestFinished(() => void cluster.close());
  const home = createSharedTempDir();
  const server = `http://127.0.0.1:${(cluster.address() as AddressInfo).port}`;
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
    clusters: [{ name: 'test', cluster: { server } }],
    users: [{ name: 'test', user: {} }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
  };
  mkdirSync(join(home, '.kube'));
  writeFileSync(join(home, '.kube/config'), JSON.stringify(config));
  return home;
}

/** Counts the coloured pixels of charts: those of curves, not those of axes and grids. A string, because these tests are compiled without browser types. */
function countInk(page: Page): Promise<number> {
  return page.evaluate<number>(`
    [...document.querySelectorAll('.uplot canvas')].reduce((count, canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let i = 0; i < data.length; i += 4) {
        const [red, green, blue, alpha] = data.subarray(i, i + 4);
        if (alpha > 100 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) found += 1;
      }
      return count + found;
    }, 0)`);
}
