import { crc32 } from 'node:zlib';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { beforeAll, expect, it, vi } from 'vitest';
import type { StoreCapabilities } from '../../../uploader/store/capabilities.js';
import { openS3Store } from '../../../uploader/store/s3-store.js';
import { describeWithPeers } from '../../support/peers.js';
import { S3Server } from '../../support/s3-server.js';
import { commit, describeStore, newCommitId, someBytes, toSource } from './contract.js';

const MIB = 1024 * 1024;
/** S3 takes no part below 5 MiB but the last. */
const PART_BYTES = 5 * MIB;
const LIMITS = {
  singlePutMaxBytes: 6 * MIB,
  partBytes: PART_BYTES,
  tailPartBytes: PART_BYTES,
  bufferMaxBytes: PART_BYTES,
};
const SIZES = [0, 1, 6 * MIB, 6 * MIB + 1, 11 * MIB + 3];
const TAILS = [1, PART_BYTES, PART_BYTES + 1];

describeWithPeers(['s3'], 'S3 store', () => {
  let server: S3Server;
  let buckets = 0;
  let capabilities: StoreCapabilities;

  beforeAll(async () => {
    server = await S3Server.startShared();
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    const asked = await openS3Store({
      bucket: await server.bucket('asked'),
      prefix: '',
      endpoint: server.endpoint,
    });
    await asked.probe();
    capabilities = asked.capabilities;
    return () => vi.unstubAllEnvs();
  });

  async function open(prefix = 'some/prefix') {
    buckets += 1;
    const bucket = await server.bucket(`bucket-${buckets}`);
    const store = await openS3Store({ bucket, prefix, endpoint: server.endpoint, limits: LIMITS });
    store.adopt(capabilities);
    return { store, bucket };
  }

  function toRequest(key: string, bytes: Buffer) {
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
    return { key, source: toSource(bytes), target, base: null, commitId: newCommitId() };
  }

  describeStore(async () => ({ store: (await open()).store, sizes: SIZES, tails: TAILS }));

  it.each([10, 11 * MIB])('keeps the commit id and the checksum of all %d bytes', async (size) => {
    const { store } = await open('');
    const request = toRequest('key', someBytes(size));
    await store.commit(request);

    const { commitId, target } = request;
    expect(await store.head('key')).toMatchObject({ object: { commitId, ...target } });
  });

  it('sends no part twice that is safe in the store', async () => {
    const { store } = await open();
    const abort = new AbortController();
    let storedParts = 0;
    let sentBytes = 0;
    const request = toRequest('run/parts', someBytes(4 * PART_BYTES));
    const onPartStored = (): void => {
      storedParts += 1;
      if (storedParts === 2) abort.abort();
    };
    await expect(store.commit({ ...request, signal: abort.signal, onPartStored })).rejects.toMatchObject({
      name: 'AbortError',
    });
    const storedBefore = storedParts;

    const onBytesSent = (size: number): void => {
      sentBytes += size;
    };
    expect((await store.commit({ ...request, onBytesSent })).status).toBe('stored');

    expect(storedBefore).toBeGreaterThanOrEqual(2);
    expect(sentBytes).toBeLessThanOrEqual(2 * PART_BYTES);
  });

  it('leaves no multipart upload open when a commit comes to nothing', async () => {
    const { store, bucket } = await open();
    const request = toRequest('run/changed', someBytes(12 * MIB));
    await store.commit({ ...request, target: { ...request.target, crc32: 1 } });

    const client = server.createClient();
    const answer = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    client.destroy();
    expect(answer.Uploads ?? []).toEqual([]);
  });

  it('tells refusals apart', async () => {
    const { endpoint } = server;
    const absent = await openS3Store({ bucket: 'no-such-bucket', prefix: '', endpoint });
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'wrong');
    const stranger = await openS3Store({ bucket: 'no-such-bucket', prefix: '', endpoint });
    const refused = await stranger.check();
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', server.secretAccessKey);
    const nowhere = await openS3Store({ bucket: 'no', prefix: '', endpoint: 'http://127.0.0.1:9' });

    expect(await absent.check()).toMatchObject({ error: { code: 'ERR_STORE_BUCKET' } });
    expect(refused).toMatchObject({ error: { code: 'ERR_STORE_CREDENTIALS' } });
    expect((await nowhere.check()).status).toBe('retry');
    expect((await commit(nowhere, 'k', Buffer.from('x'))).status).toBe('retry');
  });
});
