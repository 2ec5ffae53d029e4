/**
 * Opens every dashboard of TensorBoard with our files in a real browser. The tests check the page content, not screenshots.
 *
 * SCREENSHOTS=<directory> saves screenshots; README shows one of them.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { openPage } from '../support/browser.js';
import { waitFor } from '../support/child-server.js';
import { writeDashboardRuns } from '../support/dashboard-runs.js';
import { both, type Check, draws, shows, showsImages } from '../support/page-checks.js';
import { describeWithPeers } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const DASHBOARDS: Record<string, Check> = {
  timeseries: both(shows('detections', 'trial-1', 'trial-3'), showsImages([192, 128])),
  scalars: both(shows('quality/mean', 'test/accuracy'), draws('vz-line-chart2 path.line', 3)),
  images: both(shows('detections', 'video'), showsImages([192, 128], [48, 32])),
  audio: async (page) =>
    (await page
      .locator('audio')
      .first()
      .evaluate((audio) => (audio as unknown as { duration: number }).duration)) === 1,
  distributions: both(shows('weights/dense'), draws('vz-distribution-chart path.area', 3)),
  histograms: both(shows('weights/dense'), draws('vz-histogram-timeseries path.outline', 30)),
  text: both(shows('precision', '0.98', 'bold'), async (page) =>
    page.locator('h1', { hasText: 'Notes' }).isVisible(),
  ),
  pr_curves: both(shows('digit 3'), draws('vz-line-chart2 path.line', 1)),
  mesh: async (page) => (await page.locator('canvas').count()) >= 1,
  custom_scalars: both(
    shows('band', 'quality', 'Matches (3)', 'scalars'),
    draws('vz-line-chart2 path.line', 3),
  ),
  hparams: shows('trial-2', 'adam', '0.91000', '0.030000', '32.000'),
  graphs: async (page) => (await page.locator('svg text', { hasText: 'softmax' }).count()) >= 1,
  projector: async (page) => {
    for (const frame of page.frames()) {
      const counts = frame.getByText(/Points:\s*100.*Dimension:\s*8/s).last();
      if ((await counts.count()) > 0 && (await counts.isVisible())) return true;
    }
    return false;
  },
};

describeWithPeers(['tensorboard', 'chromium'], 'TensorBoard in a browser', () => {
  it('shows the logged values in every dashboard', async () => {
    const logdir = createTempDir();
    await writeDashboardRuns(logdir);
    const board = await TensorBoard.start({ logdir, fast: true });
    await board.waitFor('plugin/text/tags', {}, (tags) => (tags as Record<string, string[]>)['trial-1']?.[1]);
    const page = await openPage(board.url);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));

    for (const [name, check] of Object.entries(DASHBOARDS)) {
      await page.goto(`${board.url}/#${name}`);
      await page.reload();
      await waitFor(`the dashboard ${name}`, async () => (await check(page)) || undefined);
      await saveScreenshot(page, name);
    }

    expect(errors).toEqual([]);
  });
});

async function saveScreenshot(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS;
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  // Wait for the animation of charts.
  await page.waitForTimeout(1500);
  await page.screenshot({ path: join(directory, `${name}.png`) });
}
