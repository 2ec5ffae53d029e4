import { crc32 } from 'node:zlib';
import { CreateMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { LearnedAnswers } from '../../../../uploader/store/base/learned-answers.js';
import type { StoreNotice } from '../../../../uploader/store/base/store.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { S3Server } from '../../../support/s3-server.js';
import {
  commit,
  describeStore,
  newCommitId,
  readAll,
  sha256,
  someBytes,
  toSource,
} from '../base/contract.js';
import { toAppend } from '../base/contract-append.js';
import { askAll } from './ask-all.js';

const MIB = 1024 * 1024;
/** S3 requires at least 5 MiB for every part but the last. */
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
  let learned: LearnedAnswers;

  beforeAll(async () => {
    server = await S3Server.startShared();
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    const asked = await openS3Store({
      bucket: await server.bucket('asked'),
      prefix: '',
      endpoint: server.endpoint,
    });
    await askAll(asked);
    learned = asked.learned;
    return () => vi.unstubAllEnvs();
  });

  async function open(prefix = 'some/prefix') {
    buckets += 1;
    const bucket = await server.bucket(`bucket-${buckets}`);
    const store = await openS3Store({ bucket, prefix, endpoint: server.endpoint, limits: LIMITS });
    store.learned.adopt(learned.entries);
    return { store, bucket };
  }

  function toRequest(key: string, bytes: Buffer) {
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
    return { key, source: toSource(bytes), target, base: null, commitId: newCommitId() };
  }

  describeStore(async () => ({ store: (await open()).store, sizes: SIZES, tails: TAILS }));

  it.each([10, 11 * MIB])('stores the commit id and the checksum of %d bytes', async (size) => {
    const { store } = await open('');
    const request = toRequest('key', someBytes(size));
    await store.commit(request);

    const { commitId, target } = request;
    expect(await store.head('key')).toMatchObject({ object: { commitId, ...target } });
  });

  it('does not send a stored part again', async () => {
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

  it('leaves no multipart upload open after a failed commit', async () => {
    const { store, bucket } = await open();
    const request = toRequest('run/changed', someBytes(12 * MIB));
    await store.commit({ ...request, target: { ...request.target, crc32: 1 } });

    const client = server.createClient();
    const answer = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    client.destroy();
    expect(answer.Uploads ?? []).toEqual([]);
  });

  it('streams bodies that are too large for memory', async () => {
    const bucket = await server.bucket('streams');
    const limits = { ...LIMITS, bufferMaxBytes: MIB };
    const store = await openS3Store({ bucket, prefix: '', endpoint: server.endpoint, limits });
    store.learned.adopt(learned.entries);
    const bytes = someBytes(12 * MIB + 5);
    const first = bytes.subarray(0, 6 * MIB + 1);

    const exportFiles = await commit(store, 'key', first);
    expect(exportFiles.status).toBe('stored');
    const etag = exportFiles.status === 'stored' ? exportFiles.etag : '';
    const base = { etag, sizeBytes: first.length, crc32: crc32(first) };
    expect((await store.append(toAppend('key', base, bytes))).status).toBe('stored');

    expect(sha256(await readAll(store, 'key'))).toBe(sha256(bytes));
    expect(await store.head('key')).toMatchObject({ object: { crc32: crc32(bytes) } });
  });

  it('reports unsupported for keeping a part of the base when ranges cannot be copied', async () => {
    const { store } = await open();
    const bytes = someBytes(8 * MIB);
    const base = { etag: '0', sizeBytes: 7 * MIB, crc32: 1 };

    expect(
      await store.append({ ...toAppend('key', base, bytes), keep: { sizeBytes: 6 * MIB, crc32: 1 } }),
    ).toEqual({
      status: 'unsupported',
    });
  });

  describe('without conditional writes', () => {
    /** A server that rejects conditional requests, as OpenStack Swift does. */
    async function openWithout() {
      const proxy = await FaultProxy.start(server.endpoint);
      proxy.script = ({ headers }) =>
        headers['if-match'] === undefined && headers['if-none-match'] === undefined
          ? undefined
          : { kind: 'answer', answer: { status: 501, body: NOT_IMPLEMENTED } };
      const notices: StoreNotice[] = [];
      const bucket = await server.bucket(`unconditional-${buckets++}`);
      const onNotice = (notice: StoreNotice) => notices.push(notice);
      const store = await openS3Store({
        bucket,
        prefix: '',
        endpoint: proxy.endpoint,
        limits: LIMITS,
        onNotice,
      });
      return { store, notices, proxy };
    }
    const NOT_IMPLEMENTED =
      '<?xml version="1.0"?><Error><Code>NotImplemented</Code><Message>no</Message></Error>';

    it('checks the object before the write, and reports once that this is weaker', async () => {
      const { store, notices } = await openWithout();
      for (const size of [10, 11 * MIB]) {
        const key = `run/${size}`;
        const first = await commit(store, key, Buffer.from('first'));
        expect(first.status).toBe('stored');
        const stale = { etag: 'd41d8cd98f00b204e9800998ecf8427e', sizeBytes: 5 };

        expect((await commit(store, key, someBytes(size), null)).status).toBe('conflict');
        expect((await commit(store, key, someBytes(size), stale)).status).toBe('conflict');
        expect((await readAll(store, key)).toString()).toBe('first');
        const base = { etag: first.status === 'stored' ? first.etag : '', sizeBytes: 5 };
        expect((await commit(store, key, someBytes(size), base)).status).toBe('stored');
      }

      expect(notices.map(({ code }) => code)).toEqual(['NOTICE_NO_CONDITIONAL_WRITES']);
    });

    it('detects the missing conditions when asked', async () => {
      const { store, notices } = await openWithout();

      await askAll(store);

      expect(store.capabilities).toMatchObject({
        conditionalCreate: false,
        conditionalReplace: false,
        conditionalComplete: false,
        append: null,
        rejectsWrongChecksum: true,
      });
      expect(notices).toHaveLength(1);
    });

    it('still has one effect when the response is lost', async () => {
      const { store, proxy } = await openWithout();
      await commit(store, 'run/first', Buffer.from('first'));
      const request = toRequest('run/lost', someBytes(100));
      let isLost = false;
      proxy.script = ({ operation }) => {
        if (operation !== 'PutObject' || isLost) return undefined;
        isLost = true;
        return { kind: 'drop-answer' };
      };

      const first = await store.commit(request);
      const outcome = first.status === 'retry' ? await store.commit(request) : first;

      expect(outcome.status).toBe('stored');
      expect(proxy.applied('PutObject').filter(({ url }) => url.includes('lost'))).toHaveLength(1);
    });
  });

  it('collects the uploads of a key, but not of keys that begin with it', async () => {
    const { store, bucket } = await open();
    const client = server.createClient();
    const keys = ['run/a', 'run/a.1', 'run/ab', 'run/a/b'];
    for (const key of keys)
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `some/prefix/${key}` }));
    client.destroy();
    const collect = (prefix: string) => store.collect({ prefixes: [prefix], olderThanMs: 0 });

    expect(await collect('run/a')).toEqual({ status: 'collected', removed: 1, left: 0 });
    expect(await collect('run/a')).toEqual({ status: 'collected', removed: 0, left: 0 });
    expect(await collect('run/')).toEqual({ status: 'collected', removed: 3, left: 0 });
  });

  it('collects the uploads of many runs with one listing, but not of other runs', async () => {
    const { store, bucket } = await open();
    const client = server.createClient();
    for (const key of ['run-1/a', 'run-7/b/c', 'run-70/a', 'other/run-1/a'])
      await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `some/prefix/${key}` }));
    client.destroy();
    const prefixes = Array.from({ length: 40 }, (_, i) => `run-${i}/`);

    expect(await store.collect({ prefixes, olderThanMs: 0 })).toEqual({
      status: 'collected',
      removed: 2,
      left: 0,
    });
    const rest = await store.collect({ prefixes: [''], olderThanMs: 0 });
    expect(rest).toEqual({ status: 'collected', removed: 2, left: 0 });
  });

  it('distinguishes the reasons for rejected requests', async () => {
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
