/** What a page of TensorBoard shows, as checks that are polled until they are true. */

import type { Page } from 'playwright-core';

/** Returns whether a page shows what is expected. */
export type Check = (page: Page) => Promise<boolean>;

/** True if all of these texts are visible. */
export function shows(...texts: string[]): Check {
  return async (page) => {
    for (const text of texts) {
      if (!(await page.getByText(text, { exact: true }).first().isVisible())) return false;
    }
    return true;
  };
}

export function both(...checks: Check[]): Check {
  return async (page) => {
    for (const check of checks) if (!(await check(page))) return false;
    return true;
  };
}

/** True if the browser has decoded an image of each of these sizes. */
export function showsImages(...sizes: [width: number, height: number][]): Check {
  return async (page) => {
    const found = await page
      .locator('img')
      .evaluateAll((images) =>
        (images as unknown as { naturalWidth: number; naturalHeight: number }[]).map((image) => [
          image.naturalWidth,
          image.naturalHeight,
        ]),
      );
    return sizes.every(([width, height]) => found.some((size) => size[0] === width && size[1] === height));
  };
}

/** True if at least `count` elements are drawn. */
export function draws(selector: string, count: number): Check {
  return async (page) => (await page.locator(selector).count()) >= count;
}
