/** One root, two stores: the second watch is refused with an error that names the first one. */

import { expect, it } from 'vitest';
import { MemoryStore } from '../support/memory-store.js';
import { createHarness } from '../support/sync-harness.js';

it('refuses a second watch of a root for another store and names the first one', async () => {
  const harness = createHarness({ 'outputs/a': 'a' });
  const running = harness.startWatch();
  await running.until('the first watch is running', () => harness.store.objects.size > 0);
  const other: MemoryStore = Object.assign(new MemoryStore(), { id: 'memory://other' });
  await running.until('its status is written', () => harness.events.some(({ kind }) => kind === 'scanned'));

  await expect(harness.startWatch({ store: other }).report).rejects.toMatchObject({
    code: 'ERR_OTHER_DESTINATION',
    message: expect.stringContaining(`process ${process.pid}, which uploads it to memory://store`),
    hint: expect.stringContaining(`End process ${process.pid}`),
  });
  expect(other.objects.size).toBe(0);
  // A single sync to another store is allowed.
  expect(await harness.sync({ store: other })).toMatchObject({ isComplete: true });

  expect(await running.stop()).toMatchObject({ isComplete: true });
  const later = harness.startWatch({ store: other });
  await later.until('everything is stored in the other store', () => other.objects.size > 0);
  expect(await later.stop()).toMatchObject({ isComplete: true });
});
