/** A headless Chromium of the system, for pages that tests look at. */

import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { createTempDir } from './temp-dir.js';

const CANDIDATES = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** The path of the system's Chromium; undefined when there is none. */
export function findChromium(): string | undefined {
  return CANDIDATES.find((path) => path !== undefined && existsSync(path));
}

/** Opens a page in a browser of its own, with a home of its own, closed when the test has finished. */
export async function openPage(url: string): Promise<Page> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('no Chromium: install the package chromium');
  const home = createTempDir();
  const browser: Browser = await chromium.launch({
    executablePath,
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
