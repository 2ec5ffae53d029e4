/** Runs the programs in examples/ as a user would, and checks what TensorBoard shows of them. */

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type LoadedRun, loadRuns } from '../../src/index.js';
import { openPage } from '../support/browser.js';
import { describeWithPeers } from '../support/peers.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = [
  'tfjs-training',
  'llm-evaluation',
  'reinforcement-learning',
  'sweep',
  'onnx-inference',
] as const;
const root = createSharedTempDir();
const runs = new Map<string, LoadedRun>();

beforeAll(async () => {
  for (const name of EXAMPLES)
    await promisify(execFile)(process.execPath, [join('build/examples', `${name}.js`), root], {
      cwd: repository,
    });
  for await (const run of loadRuns(root)) runs.set(run.name!, run);
}, 300_000);

async function lastOf(name: string): Promise<Record<string, number>> {
  const { metrics } = await runs.get(name)!.metrics();
  return Object.fromEntries(metrics.map((metric) => [metric.name, metric.values.at(-1)!]));
}

describe('examples', () => {
  it('have fewer than 80 lines', () => {
    const folder = join(repository, 'examples');
    const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));

    expect(files.toSorted()).toEqual(EXAMPLES.map((name) => `${name}.ts`).toSorted());
    for (const file of files)
      expect(readFileSync(join(folder, file), 'utf8').split('\n').length, file).toBeLessThan(80);
  });

  it('all succeed, and learn what they should', async () => {
    expect(runs.size).toBe(24);
    expect(new Set([...runs.values()].map(({ status }) => status))).toEqual(new Set(['succeeded']));
    expect((await lastOf('tfjs-digits')).val_acc).toBeGreaterThan(0.8);
    expect((await lastOf('grid-world')).reward).toBeGreaterThan(0.5);
    expect(runs.get('onnx-perceptron')!.outputs).toMatchObject({ runs: 20 });
    expect(runs.get('llm-evaluation')!.outputs).toMatchObject({ accuracy: expect.any(Number) });
    expect(await lastOf('llm-evaluation')).toMatchObject({ 'traces/cost': expect.any(Number) });
  });
});

describeWithPeers(['tensorboard', 'chromium'], 'examples in TensorBoard', () => {
  it('fill its dashboards', async () => {
    const board = await TensorBoard.start({ logdir: root, fast: true });
    const tags = async (plugin: string): Promise<string> =>
      board.waitFor(`plugin/${plugin}/tags`, {}, (answer) =>
        Object.keys(answer as object).length > 0 ? JSON.stringify(answer) : undefined,
      );

    expect(await tags('images')).toContain('walk');
    expect(await tags('histograms')).toContain('weights/hidden/kernel');
    expect(await tags('text')).toContain('answer');
    expect(await tags('scalars')).toContain('val_acc');
  });

  it('show the images of README.md, which SCREENSHOTS=<directory> saves', async () => {
    const series = await TensorBoard.start({
      logdir: linksTo(/^(?:tfjs-digits|grid-world|onnx-perceptron)/),
      fast: true,
    });
    const page = await openPage(`${series.url}/#timeseries`);
    await page.getByText('val_acc', { exact: true }).first().waitFor();
    await save(page, 'timeseries');
    const sweep = await TensorBoard.start({ logdir: linksTo(/^trial-/), fast: true });
    const table = await openPage(`${sweep.url}/#hparams`);
    await table.setViewportSize({ width: 1440, height: 960 });
    await table.getByText('trial-20', { exact: true }).waitFor();
    await save(table, 'hparams');
    await table.getByText(/parallel coordinates view/i).click();
    const lines = table.locator('tf-hparams-parallel-coords-plot .foreground path');
    await expect.poll(() => lines.count()).toBe(20);
    await save(table, 'hparams_parallel');
  });

  /** A log directory with links to the runs whose names match, by their names. */
  function linksTo(names: RegExp): string {
    const directory = createTempDir();
    for (const link of readdirSync(`${root}-tensorboard`))
      if (names.test(link))
        symlinkSync(
          realpathSync(join(`${root}-tensorboard`, link)),
          join(directory, link.replace(/ ?-?[\da-f]{8}$/, '')),
        );
    return directory;
  }

  async function save(page: Page, name: string): Promise<void> {
    if (process.env.SCREENSHOTS === undefined) return;
    // Wait for the animations.
    await page.waitForTimeout(1500);
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
  }
});
