/** Every place that keeps leases: one suite for a directory, three emulated clouds, an S3 server and Kubernetes. */

import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.js';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { nodeRandomness } from '../../../uploader/base/io/randomness.js';
import { openKubernetesLeases } from '../../../uploader/cluster/kubernetes-leases.js';
import type { Lease, LeaseTable } from '../../../uploader/cluster/lease.js';
import { LeaseKeeper } from '../../../uploader/cluster/lease-keeper.js';
import { StoreLeases } from '../../../uploader/cluster/store-leases.js';
import { openAzureStore } from '../../../uploader/store/azure/azure-store.js';
import { POLYAXON_STORE } from '../../../uploader/store/base/capabilities.js';
import type { Store } from '../../../uploader/store/base/store.js';
import { createFileStore } from '../../../uploader/store/file/file-store.js';
import { openGcsStore } from '../../../uploader/store/gcs/gcs-store.js';
import { openS3Store } from '../../../uploader/store/s3/s3-store.js';
import { AzuriteServer } from '../../support/azurite.js';
import { GcsEmulator } from '../../support/gcs-emulator.js';
import { KUBE_APISERVER, KubeApiServer } from '../../support/kube-apiserver.js';
import { startKubernetesApi } from '../../support/kubernetes-api.js';
import { describeWithPeers } from '../../support/peers.js';
import { S3Server } from '../../support/s3-server.js';
import { createTempDir } from '../../support/temp-dir.js';
import { MemoryStore } from '../support/memory-store.js';

const LEASE: Lease = {
  holder: 'a'.repeat(32),
  label: 'host 1',
  generation: 1,
  beat: 0,
  wants: null,
  shards: 4,
};

/** Returns tables of one place, as different uploaders see it. */
type Open = () => Promise<LeaseTable>;

const PLACES: Readonly<Record<string, () => Promise<Open>>> = {
  'a store in memory': async () => {
    const store = new MemoryStore();
    return async () => new StoreLeases(store, 'team', nodeRandomness);
  },
  'a directory': async () => {
    const root = createTempDir();
    return async () => new StoreLeases(createFileStore(root, nodeFileSystem), 'team', nodeRandomness);
  },
  Kubernetes: async () => {
    const { account, environment } = await startKubernetesApi();
    return () => openKubernetesLeases('team', nodeIo, environment, account);
  },
};

async function tryTable(open: Open): Promise<void> {
  const [first, second] = [await open(), await open()];
  expect((await first.readAll()).size).toBe(0);
  expect(await first.read(2)).toBeNull();
  const created = await first.write(2, LEASE, null);
  expect(created?.lease).toEqual(LEASE);
  expect(await second.write(2, { ...LEASE, holder: 'b' }, null)).toBeNull();

  const seen = await second.readAll();
  expect([...seen.keys()]).toEqual([2]);
  expect(seen.get(2)?.lease).toEqual(LEASE);
  expect(await second.read(2)).toEqual(seen.get(2));

  const renewed = await first.write(2, { ...LEASE, beat: 1 }, created!.version);
  expect(renewed).not.toBeNull();
  const later = (await second.readAll()).get(2);
  expect(later?.mark).not.toBe(seen.get(2)?.mark);
  expect(later?.lease.holder).toBe(LEASE.holder);
  expect(await second.write(2, { ...LEASE, holder: 'b' }, seen.get(2)!.version)).toBeNull();

  const asking = { ...LEASE, beat: 1, wants: 'c'.repeat(32) };
  const asked = await second.write(2, asking, later!.version);
  expect(asked?.lease).toEqual(asking);
  expect(await first.write(2, { ...LEASE, beat: 2 }, renewed!.version)).toBeNull();
  expect((await first.read(2))?.lease).toEqual(asking);
  const given = { ...LEASE, holder: asking.wants, generation: 2, label: '' };
  expect(await first.write(2, given, (await first.read(2))!.version)).not.toBeNull();
  expect((await second.readAll()).get(2)?.lease).toEqual(given);
  await Promise.all([first.close?.(), second.close?.()]);
}

/** Two real uploaders' keepers share the shards, one leaves, and the other takes over. */
async function tryKeepers(open: Open): Promise<void> {
  const create = async (): Promise<LeaseKeeper> =>
    new LeaseKeeper({
      ...{ table: await open(), clock: systemClock, id: nodeRandomness.id(), label: 'host', count: 2 },
      onChange: () => undefined,
    });
  const [first, second] = [await create(), await create()];
  await first.turn();
  await second.turn();
  const states = [0, 1].map((shard) => [first.stateOf(shard), second.stateOf(shard)]);
  expect(states.flat().filter((state) => state === 'this')).toHaveLength(2);
  await first.leave();
  await second.turn();
  expect([0, 1].map((shard) => second.stateOf(shard))).toEqual(['this', 'this']);
  await second.leave();
}

function tryPlace(start: () => Promise<Open>): void {
  it('are replaced by compare-and-swap only', async () => {
    await tryTable(await start());
  });

  it('divide the shards among two uploaders', async () => {
    await tryKeepers(await start());
  });
}

/** Tables over stores that `openStore` opens. */
function withStores(openStore: () => Promise<Store>): Open {
  return async () => {
    const store = await openStore();
    onTestFinished(() => store.close());
    return new StoreLeases(store, 'team', nodeRandomness);
  };
}

describe.each(Object.entries(PLACES))('leases in %s', (_, start) => tryPlace(start));

describeWithPeers(['s3'], 'leases in an S3 server', () => {
  tryPlace(async () => {
    const server = await S3Server.start();
    const bucket = await server.bucket('leases');
    const { endpoint, region } = server;
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    return withStores(() => openS3Store({ bucket, prefix: 'p', endpoint, region, pathStyle: true }));
  });
});

describeWithPeers(['gcs'], 'leases in an emulator of Google Cloud Storage', () => {
  let server: GcsEmulator;
  let buckets = 0;
  beforeAll(async () => {
    server = await GcsEmulator.startShared();
  });

  tryPlace(async () => {
    buckets += 1;
    const bucket = await server.bucket(`leases-${buckets}`);
    return withStores(() => openGcsStore({ bucket, prefix: 'p', endpoint: server.endpoint }));
  });
});

describeWithPeers(['azurite'], 'leases in an emulator of Azure', () => {
  let server: AzuriteServer;
  let containers = 0;
  beforeAll(async () => {
    server = await AzuriteServer.startShared();
  });

  tryPlace(async () => {
    containers += 1;
    const container = await server.container(`leases-${containers}`);
    return withStores(() => openAzureStore({ container, prefix: 'p', environment: server.env }));
  });
});

if (KUBE_APISERVER !== undefined)
  describe('leases in a real API server of Kubernetes', () => {
    let server: KubeApiServer;
    let namespaces = 0;
    beforeAll(async () => {
      server = await KubeApiServer.start();
      return () => server.stop();
    });

    tryPlace(async () => {
      namespaces += 1;
      const { account, environment } = await server.createPod(`training-${namespaces}`);
      return () => openKubernetesLeases('team', nodeIo, environment, account);
    });
  });

describe('StoreLeases', () => {
  it('reads a lease only when its holder has changed, and never the objects of earlier versions', async () => {
    const store = new MemoryStore();
    for (let i = 0; i < 100; i += 1) store.overwrite(`.plx/leases/team/${i}.json`, Buffer.from('{}'));
    const [writer, reader] = [0, 1].map(() => new StoreLeases(store, 'team', nodeRandomness));
    let reads = 0;
    const read = store.read.bind(store);
    store.read = (...args) => {
      reads += 1;
      return read(...args);
    };
    let stored = await writer!.write(0, LEASE, null);
    await reader!.readAll();
    for (let beat = 1; beat <= 50; beat += 1) {
      stored = await writer!.write(0, { ...LEASE, beat }, stored!.version);
      await reader!.readAll();
    }
    expect(reads).toBe(1);
    for (let generation = 2; generation <= 6; generation += 1) {
      stored = await writer!.write(0, { ...LEASE, generation }, stored!.version);
      await reader!.readAll();
    }
    expect(reads).toBe(6);
    expect(store.calls.filter((call) => call.startsWith('list'))).toHaveLength(56);
  });

  it('says why a Polyaxon server cannot keep leases', () => {
    const store = new MemoryStore();
    store.capabilities = POLYAXON_STORE;
    expect(new StoreLeases(store, 'team', nodeRandomness).findProblem()).toMatch(
      /^it has no conditional writes/,
    );
  });
});
