/**
 * TensorBoard shows the aggregate of several runs with bands, in both readers and in a browser.
 *
 * SCREENSHOTS=<directory> saves a screenshot, which docs/runs.md shows.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openPage } from '../support/browser.js';
import { waitFor } from '../support/child-server.js';
import { both, draws, shows } from '../support/page-checks.js';
import { describeWithPeers } from '../support/peers.js';
import { runCommand } from '../support/run-command.js';
import { writeSeeds } from '../support/seeds.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

type Rows = readonly (readonly [wallTime: number, step: number, value: number])[];

/** Aggregates seeds in a new root; returns the root and the log directory of the aggregate, as TensorBoard names it. */
async function aggregateSeeds(): Promise<{ readonly root: string; readonly run: string }> {
  const root = join(createTempDir(), 'plx-runs');
  const seeds = await writeSeeds(root);
  const { stdout, code } = await runCommand([
    ...['aggregate', ...seeds.map((name) => `${root}/${name}`)],
    ...['--name', 'mean', '--json'],
  ]);
  expect(code).toBe(0);
  const { uuid } = JSON.parse(stdout) as { uuid: string };
  return { root, run: `runs/${uuid}/outputs/tensorboard` };
}

describeWithPeers(['tensorboard'], 'TensorBoard', () => {
  it.each([true, false])('has the layout and the series of the bands (fast reader: %s)', async (fast) => {
    const { root, run } = await aggregateSeeds();

    const board = await TensorBoard.start({ logdir: root, fast });
    const layout = await board.waitFor('plugin/custom_scalars/layout', {}, (answer) =>
      'category' in (answer as object) ? answer : undefined,
    );
    const series = async (tag: string): Promise<Rows> =>
      (await board.get('plugin/scalars/scalars', { run, tag })) as Rows;
    const [mean, lower, upper, std] = await Promise.all(
      ['loss', 'loss/lower', 'loss/upper', 'loss/std'].map(series),
    );

    expect(layout).toMatchObject({
      category: [
        {
          title: 'mean ± standard deviation',
          chart: ['loss', 'accuracy'].map((value) => ({
            title: value,
            margin: { series: [{ value, lower: `${value}/lower`, upper: `${value}/upper` }] },
          })),
        },
        { title: 'mean, minimum to maximum', closed: true },
      ],
    });
    expect(mean).toHaveLength(50);
    for (const [row, [, step, value]] of mean!.entries()) {
      expect(lower![row]![1]).toBe(step);
      expect(upper![row]![2] - value).toBeCloseTo(std![row]![2], 5);
      expect(value - lower![row]![2]).toBeCloseTo(std![row]![2], 5);
    }
  });
});

describeWithPeers(['tensorboard', 'chromium'], 'TensorBoard in a browser', () => {
  it('draws a band around the mean', async () => {
    const { root } = await aggregateSeeds();
    const board = await TensorBoard.start({ logdir: root, fast: true });
    await board.waitFor('plugin/custom_scalars/layout', {}, (answer) =>
      'category' in (answer as object) ? true : undefined,
    );
    const page = await openPage(`${board.url}#custom_scalars`);

    const check = both(
      shows('mean ± standard deviation', 'mean, minimum to maximum'),
      draws('vz-line-chart2 path.line', 2),
      draws('vz-line-chart2 .area', 2),
    );
    await waitFor('the band', async () => ((await check(page)) ? true : undefined));
    const directory = process.env.SCREENSHOTS;
    if (directory === undefined) return;
    mkdirSync(directory, { recursive: true });
    // Wait for the animation of charts.
    await page.waitForTimeout(1500);
    const clip = { x: 330, y: 66, width: 720, height: 320 };
    await page.screenshot({ path: join(directory, 'aggregate.png'), clip });
  });
});
