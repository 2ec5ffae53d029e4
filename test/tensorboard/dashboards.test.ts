/**
 * Opens every dashboard of TensorBoard with our files in a real browser. The tests check the page content, not screenshots.
 *
 * SCREENSHOTS=<directory> saves screenshots; README shows one of them.
 */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { Page } from 'playwright-core';
import { expect, it, onTestFinished } from 'vitest';
import { openPage } from '../support/browser.js';
import { waitFor } from '../support/child-server.js';
import { writeDashboardRuns } from '../support/dashboard-runs.js';
import { both, type Check, draws, shows, showsImages } from '../support/page-checks.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
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

describeWithPeers(['tensorboard', 'chromium', 's3'], 'TensorBoard in a browser', () => {
  it('shows the logged values in every dashboard', async () => {
    const logdir = await writeRuns();
    await checkDashboards(await TensorBoard.start({ logdir, fast: true }), DASHBOARDS, 'own');
  });

  it('shows the logged values in every dashboard with polytrack ui', async () => {
    await checkDashboards(await TensorBoard.startUi(await writeRuns()), DASHBOARDS, 'ui');
  });

  it('shows the logged values of a store in every dashboard but the projector, which reads local files only', async () => {
    const logdir = await writeRuns();
    const server = await S3Server.start();
    const Bucket = await server.bucket('runs');
    const client = server.createClient();
    onTestFinished(() => client.destroy());
    for (const entry of readdirSync(logdir, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) continue;
      const Key = relative(logdir, path);
      await client.send(new PutObjectCommand({ Bucket, Key, Body: readFileSync(path) }));
    }
    const { projector: _, ...dashboards } = DASHBOARDS;

    await checkDashboards(await TensorBoard.startUi(`s3://${Bucket}`, server.env), dashboards, 's3');
  });
});

async function writeRuns(): Promise<string> {
  const logdir = createTempDir();
  await writeDashboardRuns(logdir);
  return logdir;
}

async function checkDashboards(
  board: TensorBoard,
  dashboards: Record<string, Check>,
  name: string,
): Promise<void> {
  await board.waitFor('plugin/text/tags', {}, (tags) => (tags as Record<string, string[]>)['trial-1']?.[1]);
  const page = await openPage(board.url);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));

  for (const [dashboard, check] of Object.entries(dashboards)) {
    await page.goto(`${board.url}/#${dashboard}`);
    await page.reload();
    await waitFor(`the dashboard ${dashboard}`, async () => (await check(page)) || undefined);
    await saveScreenshot(page, join(name, dashboard));
  }

  expect(errors).toEqual([]);
}

async function saveScreenshot(page: Page, name: string): Promise<void> {
  const directory = process.env.SCREENSHOTS;
  if (directory === undefined) return;
  const path = join(directory, `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  // Wait for the animation of charts.
  await page.waitForTimeout(1500);
  await page.screenshot({ path });
}
