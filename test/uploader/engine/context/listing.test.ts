import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { RetryPolicy } from '../../../../uploader/base/limits/retry-policy.js';
import { listStoredRuns } from '../../../../uploader/engine/context/listing.js';
import type { UploaderContext } from '../../../../uploader/engine/context/uploader-context.js';
import { FLAG } from '../../../../uploader/pipeline/inventory/file-table.js';
import { Inventory } from '../../../../uploader/pipeline/inventory/inventory.js';
import type { ListedObject, ListOptions } from '../../../../uploader/store/base/store.js';

/** The size of a page of S3. */
const PAGE = 1_000;

/** A bucket of the given numbers of objects by run, which counts the pages that are requested. */
class PagedBucket {
  pages = 0;
  readonly #keys: string[];

  constructor(objects: ReadonlyMap<string, number>) {
    this.#keys = [...objects]
      .flatMap(([uuid, count]) => Array.from({ length: count }, (_, index) => `${uuid}/file-${index}`))
      .sort();
  }

  async *list(prefix: string, { after = '' }: ListOptions = {}): AsyncGenerator<ListedObject> {
    const keys = this.#keys.filter((key) => key.startsWith(prefix) && key > after);
    for (let start = 0; start === 0 || start < keys.length; start += PAGE) {
      this.pages += 1;
      for (const key of keys.slice(start, start + PAGE)) yield { key, etag: key, sizeBytes: 1 };
    }
  }
}

/** Lists the local runs of a bucket. Returns the keys that are known to be stored, and the number of pages. */
async function listLocal(objects: ReadonlyMap<string, number>, local: readonly string[], store: string) {
  const bucket = new PagedBucket(objects);
  const inventory = new Inventory({ clock: systemClock });
  for (const runUuid of local)
    inventory.onRun({ runUuid, directory: Buffer.from(`/${runUuid}`), kind: 'polyaxon', filesAt: '' });
  const context = {
    config: { store },
    store: bucket,
    inventory,
    retryPolicy: new RetryPolicy({ ...nodeIo, retryTimeoutMs: 0 }),
    owners: { claim: async () => undefined },
    reportedFormer: new Set(),
    onNotice: () => undefined,
  } as unknown as UploaderContext;
  await listStoredRuns(context, inventory.runs, undefined);
  const stored: string[] = [];
  for (let id = 0; id < inventory.table.count; id += 1)
    if (inventory.table.has(id, FLAG.stored | FLAG.listed)) stored.push(inventory.keyOf(id));
  return {
    stored: stored.sort(),
    pages: bucket.pages,
    areListed: inventory.runs.every((run) => run.isListed),
  };
}

const toUuid = (index: number): string => index.toString(16).padStart(4, '0').repeat(8);

describe('listRuns', () => {
  it('finds the same objects as a listing of each run, with at most four pages more', async () => {
    const run = fc.record({ index: fc.nat(0xffff), count: fc.nat(2_500), isLocal: fc.boolean() });
    const runs = fc.uniqueArray(run, { selector: ({ index }) => index, minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(runs, async (found) => {
        const objects = new Map(found.map(({ index, count }) => [toUuid(index), count]));
        const local = found.filter(({ isLocal }) => isLocal).map(({ index }) => toUuid(index));

        const shared = await listLocal(objects, local, 's3://bucket/prefix');
        const single = await listLocal(objects, local, 'azure://container/prefix');

        expect(shared.stored).toEqual(single.stored);
        expect(shared.areListed).toBe(true);
        expect(single.areListed).toBe(true);
        // Each of the four groups may read one page too many before it notices that its runs lie far apart.
        expect(shared.pages).toBeLessThanOrEqual(single.pages + 4);
      }),
      { numRuns: 60 },
    );
  });

  it('lists a thousand small runs with a few requests where a listing can start at any key', async () => {
    const local = Array.from({ length: 1_000 }, (_, index) => toUuid(index));
    const objects = new Map(local.map((uuid) => [uuid, 10]));

    const { stored, pages } = await listLocal(objects, local, 's3://bucket/prefix');

    expect(stored).toHaveLength(10_000);
    expect(pages).toBeLessThanOrEqual(16);
  });

  it('reads no page of other runs for a single run', async () => {
    const objects = new Map(Array.from({ length: 100 }, (_, index) => [toUuid(index), 50]));

    const { stored, pages } = await listLocal(objects, [toUuid(50)], 's3://bucket/prefix');

    expect([stored.length, pages]).toEqual([50, 1]);
  });
});
