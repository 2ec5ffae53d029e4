import { beforeAll, expect, it, vi } from 'vitest';
import type { StoreCapabilities } from '../../../../uploader/store/base/capabilities.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { MotoServer } from '../../../support/moto-server.js';
import { describeWithPeers } from '../../../support/peers.js';
import { describeStore } from './contract.js';

const MIB = 1024 * 1024;
/** S3 requires at least 5 MiB for every part but the last. */
const LIMITS = { singlePutMaxBytes: 6 * MIB, partBytes: 5 * MIB };
const SIZES = [0, 1, 6 * MIB, 6 * MIB + 1, 11 * MIB + 3];

describeWithPeers(['moto'], 'S3 store on a different server', () => {
  let server: MotoServer;
  let buckets = 0;
  let capabilities: StoreCapabilities;

  beforeAll(async () => {
    server = await MotoServer.startShared();
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    const asked = await open();
    expect(await asked.probe()).toMatchObject({ status: 'probed' });
    capabilities = asked.capabilities;
    return () => vi.unstubAllEnvs();
  });

  async function open() {
    buckets += 1;
    const bucket = await server.bucket(`bucket-${buckets}`);
    return openS3Store({ bucket, prefix: 'some/prefix', endpoint: server.endpoint, limits: LIMITS });
  }

  async function openAsProbed() {
    const store = await open();
    store.adopt(capabilities);
    return store;
  }

  describeStore(async () => ({ store: await openAsProbed(), sizes: SIZES, tails: [] }), {
    // This server responds with 500 to reads of an object that is being replaced.
    lacks: ['append', 'whole replacements'],
  });

  it('detects the capabilities of the server', () => {
    expect(capabilities).toMatchObject({
      conditionalCreate: true,
      conditionalReplace: true,
      conditionalComplete: false,
      checksumHeaders: true,
      rejectsWrongChecksum: false,
      multipartChecksum: false,
      wholeObjectChecksum: false,
      metadata: true,
      append: null,
      rangeCopy: true,
      unevenParts: true,
      listMultipart: true,
      versioning: 'off',
    });
  });
});
