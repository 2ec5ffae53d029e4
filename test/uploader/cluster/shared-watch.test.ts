/** Watching uploaders of one root: each run is uploaded by one of them, also when uploaders come and go. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Lease, parseLease } from '../../../uploader/cluster/lease.js';
import { toShard } from '../../../uploader/cluster/shards.js';
import { UNPROBED_S3 } from '../../../uploader/store/base/capabilities.js';
import { createTempDir } from '../../support/temp-dir.js';
import { createFastClock } from '../support/fast-clock.js';
import { makeRun } from '../support/run-tree.js';
import { createHarness, type Harness, type RunningWatch } from '../support/sync-harness.js';

const SHARDS = 8;
const UUIDS = Array.from({ length: 30 }, (_, i) => i.toString(16).padStart(32, '0'));

function start(harness: Harness, config: object, io = {}): RunningWatch {
  return harness.startWatch({ config: { ...config, stateDirectory: createTempDir() }, io });
}

function commitsOf(harness: Harness, name: string): string[] {
  return harness.store.calls.filter((call) => call.startsWith('commit ') && call.endsWith(`/${name}`));
}

function readLeases(harness: Harness): Lease[] {
  const objects = [...harness.store.objects].filter(([key]) => key.startsWith('.plx/shards/'));
  return objects.map(([, { bytes }]) => parseLease(JSON.parse(bytes.toString())));
}

/** Waits until each shard is held, and each of two uploaders holds some. */
async function waitForShares(harness: Harness, watch: RunningWatch): Promise<void> {
  await watch.until('both hold shards', () => {
    const holders = readLeases(harness).map(({ holder }) => holder);
    return holders.length === SHARDS && !holders.includes(null) && new Set(holders).size === 2;
  });
}

describe('watch with a cluster', () => {
  it('uploads each run once, and continues when one uploader leaves', async () => {
    const harness = createHarness();
    // A lease lasts 5 s, longer than a busy machine stops both uploaders.
    const io = { clock: createFastClock(5) };
    const config = { cluster: { name: 'team', shards: SHARDS } };
    const [first, second] = [start(harness, config, io), start(harness, config, io)];
    await waitForShares(harness, first);
    for (const uuid of UUIDS) makeRun(harness.root, { 'outputs/a': uuid }, uuid);
    await first.until('all are stored', () =>
      UUIDS.every((uuid) => harness.store.text(`${uuid}/outputs/a`) === uuid),
    );
    expect(commitsOf(harness, 'outputs/a').length).toBeLessThan(1.2 * UUIDS.length);

    await waitForShares(harness, first);
    const report = await second.stop();
    expect(report.isShareComplete).toBe(true);
    expect(report.files.elsewhere).toBeGreaterThan(0);
    for (const uuid of UUIDS) writeFileSync(join(harness.root, 'runs', uuid, 'outputs/b'), uuid);
    await first.until('the new files are stored', () =>
      UUIDS.every((uuid) => harness.store.text(`${uuid}/outputs/b`) === uuid),
    );

    expect(await first.stop()).toMatchObject({ isComplete: true, files: { elsewhere: 0, unsent: 0 } });
    expect(readLeases(harness)).toHaveLength(SHARDS);
  });

  it('aborts what it sends when its leases end, and sends it once they are renewed', async () => {
    const harness = createHarness();
    const { store } = harness;
    const commit = store.commit.bind(store);
    const fates: string[] = [];
    let isBlocked = true;
    store.commit = async (request) => {
      if (!request.key.endsWith('/outputs/a') || !isBlocked) return commit(request);
      fates.push('started');
      await new Promise((_, reject) => {
        request.signal?.addEventListener('abort', () => reject(request.signal?.reason));
      });
      return commit(request);
    };
    const watch = start(harness, { cluster: { name: 'team', shards: 1 } }, { clock: createFastClock(8) });
    await watch.until('the lease is taken', () => readLeases(harness).length === 1);
    makeRun(harness.root, { 'outputs/a': 'a' }, UUIDS[0]);
    await watch.until('the file is being sent', () => fates.length === 1);
    const isLease = (key: string): boolean => key.startsWith('.plx/shards/');
    store.fault = (_, key) => (isLease(key) ? 'fail' : 'pass');
    await watch.until('the lease has ended', () =>
      harness.events.some((event) => event.kind === 'notice' && event.code === 'NOTICE_CLUSTER_UNREACHABLE'),
    );
    isBlocked = false;
    await sleep(4_000); // more than a lease time of the fast clock
    expect(harness.store.objects.has(`${UUIDS[0]}/outputs/a`)).toBe(false);

    store.fault = () => 'pass';
    await watch.until('the file is stored', () => store.objects.has(`${UUIDS[0]}/outputs/a`));
    expect(fates).toEqual(['started']);
    expect(await watch.stop()).toMatchObject({ isComplete: true });
  });

  it('ends with ERR_CLUSTER_STORE if the store has no conditional writes, and sends nothing', async () => {
    const harness = createHarness({ 'outputs/a': 'a' });
    harness.store.capabilities = { ...UNPROBED_S3, conditionalReplace: false };
    const { report } = start(harness, { cluster: { name: 'team', shards: SHARDS } });
    await expect(report).rejects.toMatchObject({ code: 'ERR_CLUSTER_STORE' });
    expect(commitsOf(harness, 'outputs/a')).toEqual([]);
  });
});

describe('fixed shards', () => {
  it('divide the runs among watches without any request for that', async () => {
    const harness = createHarness();
    for (const uuid of UUIDS) makeRun(harness.root, { 'outputs/a': uuid }, uuid);
    const watches = [0, 1, 2].map((index) => start(harness, { shard: { index, count: 3 } }));
    await watches[0]!.until('all are stored', () =>
      UUIDS.every((uuid) => harness.store.text(`${uuid}/outputs/a`) === uuid),
    );
    const reports = await Promise.all(watches.map((watch) => watch.stop()));

    expect(commitsOf(harness, 'outputs/a')).toHaveLength(UUIDS.length);
    expect([...harness.store.objects.keys()].filter((key) => key.startsWith('.plx/'))).toEqual([]);
    for (const report of reports) expect(report).toMatchObject({ isShareComplete: true, isComplete: false });
  });

  it('divide the runs among syncs: each lists, claims, stores and reports its own only', async () => {
    const harness = createHarness();
    for (const uuid of UUIDS) makeRun(harness.root, { 'outputs/a': uuid }, uuid);
    const report = await harness.sync({ config: { shard: { index: 1, count: 3 } } });

    const stored = UUIDS.filter((uuid) => harness.store.objects.has(`${uuid}/outputs/a`));
    expect(stored).toEqual(UUIDS.filter((uuid) => toShard(uuid, 3) === 1));
    expect(stored.length).toBeGreaterThan(0);
    const runs = new Set([...harness.store.objects.keys()].map((key) => key.split('/')[0]!));
    for (const uuid of runs) expect(toShard(uuid, 3)).toBe(1);
    expect(report).toMatchObject({ isShareComplete: true, isComplete: false, files: { unsent: 0 } });
    const { files } = report;
    expect(files.stored + files.elsewhere).toBe(files.total);
  });

  it('have no share that is complete if the store fails', async () => {
    const harness = createHarness({ 'outputs/a': 'a' });
    harness.store.fault = () => 'fail';
    const report = await harness.sync({ config: { shard: { index: 0, count: 1 }, retryTimeoutMs: 0 } });
    expect(report).toMatchObject({ isShareComplete: false });
  });
});

describe('toShard', () => {
  it('is the CRC-32 of the uuid modulo the number of shards, as `zlib.crc32` of Python computes it', () => {
    expect(toShard('0123456789abcdef0123456789abcdef', 1_000)).toBe(0x7759b50e % 1_000);
  });

  it.each([2, 3, 7, 8, 16, 64])(
    'divides 10,000 consecutive uuids into %d shards of similar sizes',
    (count) => {
      const sizes = Array.from({ length: count }, () => 0);
      for (let i = 0; i < 10_000; i += 1) sizes[toShard(i.toString(16).padStart(32, '0'), count)]! += 1;
      expect(Math.min(...sizes)).toBeGreaterThan((0.75 * 10_000) / count);
    },
  );
});
