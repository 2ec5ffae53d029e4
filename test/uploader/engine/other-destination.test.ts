/** One root, two stores: the second watch is refused, and told who is there. */

import { expect, it } from 'vitest';
import { MemoryStore } from '../support/memory-store.js';
import { createHarness } from '../support/sync-harness.js';

it('refuses a second watch of a root for another store, and names the first', async () => {
  const harness = createHarness({ 'outputs/a': 'a' });
  const running = harness.startWatch();
  await running.until('the first is at work', () => harness.store.objects.size > 0);
  const other: MemoryStore = Object.assign(new MemoryStore(), { id: 'memory://other' });
  await running.until('its status is written', () => harness.events.some(({ kind }) => kind === 'scanned'));

  await expect(harness.startWatch({ store: other }).report).rejects.toMatchObject({
    code: 'ERR_OTHER_DESTINATION',
    message: expect.stringContaining(`process ${process.pid}, which uploads it to memory://store`),
    hint: expect.stringContaining(`End process ${process.pid}`),
  });
  expect(other.objects.size).toBe(0);
  // A single copy is no mistake.
  expect(await harness.sync({ store: other })).toMatchObject({ isComplete: true });

  expect(await running.stop()).toMatchObject({ isComplete: true });
  const later = harness.startWatch({ store: other });
  await later.until('all is stored elsewhere', () => other.objects.size > 0);
  expect(await later.stop()).toMatchObject({ isComplete: true });
});
