/** Headless Chromium, as installed on the system, for tests of web pages. */

import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { peerPath } from './peers.js';
import { createTempDir } from './temp-dir.js';

/** Opens a page in a new browser with its own home directory. It is closed when the test has finished. */
export async function openPage(url: string): Promise<Page> {
  const home = createTempDir();
  const browser: Browser = await chromium.launch({
    executablePath: peerPath('chromium'),
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...[
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--enable-unsafe-swiftshader',
      ],
    ],
    env: { HOME: home, TMPDIR: home, PATH: process.env.PATH ?? '' },
  });
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(url);
  return page;
}
