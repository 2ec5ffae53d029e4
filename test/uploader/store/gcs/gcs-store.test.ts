import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../../../uploader/store/base/store.js';
import { openGcsStore } from '../../../../uploader/store/gcs/gcs-store.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { GcsEmulator } from '../../../support/gcs-emulator.js';
import { describeWithPeers } from '../../../support/peers.js';
import { askAccess } from '../base/ask-access.js';
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
import { describeFaults } from '../base/contract-faults.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const TIB = MIB * MIB;
const LIMITS = { singlePutMaxBytes: MIB, pieceBytes: 512 * KIB, minBaseBytes: 64 * KIB };
const SIZES = [0, 1, MIB, MIB + 1, 2 * MIB + 3];
const TAILS = [1, MIB, MIB + 300 * KIB];

describeWithPeers(['gcs'], 'Google Cloud Storage', () => {
  let server: GcsEmulator;
  let buckets = 0;

  beforeAll(async () => {
    server = await GcsEmulator.startShared();
  });

  async function open(options: { bucket?: string; endpoint?: string; limits?: object } = {}) {
    buckets += 1;
    const { limits = LIMITS, endpoint = server.endpoint } = options;
    const bucket = options.bucket ?? (await server.bucket(`bucket-${buckets}`));
    return openGcsStore({ bucket, prefix: 'some/prefix', endpoint, limits });
  }

  function toRequest(key: string, bytes: Buffer) {
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
    return { key, source: toSource(bytes), target, base: null, commitId: newCommitId() };
  }

  async function makeBase(store: Store, key: string, bytes: Buffer) {
    const exportFiles = await commit(store, key, bytes);
    const etag = exportFiles.status === 'stored' ? exportFiles.etag : '';
    return { etag, sizeBytes: bytes.length, crc32: crc32(bytes) };
  }

  /** The names of all objects in a bucket, including those that the store hides. */
  async function listNames(bucket: string): Promise<string[]> {
    const answer = await fetch(`${server.endpoint}/storage/v1/b/${bucket}/o`);
    const { items = [] } = (await answer.json()) as { items?: { name: string }[] };
    return items.map(({ name }) => name);
  }

  describeStore(async () => ({ store: await open(), sizes: SIZES, tails: TAILS }));

  it('has documented capabilities, and its test object shows the permissions and is removed', async () => {
    const store = await open({ limits: {} });

    expect(await askAccess(store)).toEqual({
      status: 'checked',
      permissions: { get: true, abort: true, delete: true },
      remaining: [],
    });
    expect(store.capabilities).toEqual({
      conditionalCreate: true,
      conditionalReplace: true,
      conditionalComplete: true,
      checksumHeaders: true,
      rejectsWrongChecksum: true,
      multipartChecksum: true,
      wholeObjectChecksum: true,
      metadata: true,
      append: { minBaseBytes: MIB, maxBaseBytes: 5 * TIB },
      rangeCopy: false,
      unevenParts: true,
      listMultipart: true,
      versioning: 'unknown',
      maxObjectBytes: 5 * TIB,
      foldsNames: false,
    });
    expect(await listNames(store.driver.connection.bucket)).toEqual([]);
  });

  it.each([10, 3 * MIB])('stores the commit id and the checksum of %d bytes', async (size) => {
    const store = await open();
    const request = { ...toRequest('key', someBytes(size)), generation: 4 };
    await store.commit(request);

    const { commitId, target, generation } = request;
    expect(await store.head('key')).toMatchObject({ object: { commitId, generation, ...target } });
  });

  it('returns a CRC-32 only if the CRC-32C stored with it matches', async () => {
    const store = await open();
    await commit(store, 'key', Buffer.from('ours'));
    const path = `${server.endpoint}${store.driver.connection.objectPath('some/prefix/key')}`;
    const { metadata } = (await (await fetch(path)).json()) as { metadata: object };
    // Other bytes of the same size, with copied metadata.
    const resource = JSON.stringify({ name: 'some/prefix/key', metadata });
    const type = 'multipart/related; boundary=b';
    const body = `--b\r\ncontent-type: application/json\r\n\r\n${resource}\r\n--b\r\n\r\nTHEM\r\n--b--`;
    const upload = `${server.endpoint}${store.driver.connection.uploadPath}?uploadType=multipart`;
    expect((await fetch(upload, { method: 'POST', headers: { 'content-type': type }, body })).status).toBe(
      200,
    );

    expect(await store.head('key')).toMatchObject({ object: { sizeBytes: 4, crc32: null } });
  });

  it('resumes the upload session of an earlier process', async () => {
    const first = await open();
    const { bucket } = first.driver.connection;
    const bytes = someBytes(3 * MIB);
    const request = toRequest('run/pieces', bytes);
    const abort = new AbortController();
    let uploadId = '';
    let storedParts = 0;
    const killed = first.commit({
      ...request,
      signal: abort.signal,
      onUploadOpened: (id) => {
        uploadId = id;
      },
      onPartStored: () => {
        storedParts += 1;
        if (storedParts === 4) abort.abort();
      },
    });
    await expect(killed).rejects.toMatchObject({ name: 'AbortError' });
    let sentBytes = 0;
    const onBytesSent = (sizeBytes: number): void => {
      sentBytes += sizeBytes;
    };

    const second = await open({ bucket });
    const outcome = await second.commit({ ...request, unfinished: { uploadId, parts: [] }, onBytesSent });

    expect(outcome.status).toBe('stored');
    expect(sentBytes).toBe(MIB);
    expect(sha256(await readAll(second, 'run/pieces'))).toBe(sha256(bytes));
    expect(await second.head('run/pieces')).toMatchObject({ object: request.target });
  });

  it('starts over when the upload session of an earlier process has ended', async () => {
    const store = await open();
    const bytes = someBytes(2 * MIB);
    const request = toRequest('run/gone', bytes);
    const uploadId = `${server.endpoint}${store.driver.connection.uploadPath}?uploadType=resumable&upload_id=gone`;

    expect((await store.commit({ ...request, unfinished: { uploadId, parts: [] } })).status).toBe('retry');
    expect((await store.commit(request)).status).toBe('stored');
    expect(sha256(await readAll(store, 'run/gone'))).toBe(sha256(bytes));
  });

  it('does not ask again for an upload session that has ended', async () => {
    const store = await open();
    const uploadId = `${server.endpoint}${store.driver.connection.uploadPath}?uploadType=resumable&upload_id=gone`;
    const request = { ...toRequest('run/gone', someBytes(2 * MIB)), unfinished: { uploadId, parts: [] } };

    expect((await store.commit(request)).status).toBe('retry');
    expect((await store.commit(request)).status).toBe('stored');
  });

  describe('tails', () => {
    it('are removed after the compose or after a failed append', async () => {
      const store = await open();
      const bytes = someBytes(100 * KIB);
      const base = await makeBase(store, 'run/key', bytes.subarray(0, 80 * KIB));
      const stale = { ...base, etag: '1' };

      expect((await store.append(toAppend('run/key', stale, bytes))).status).toBe('conflict');
      expect((await store.append(toAppend('run/key', base, bytes))).status).toBe('stored');

      expect(await listNames(store.driver.connection.bucket)).toEqual(['some/prefix/run/key']);
    });

    it('of a killed process are not listed, and are collected', async () => {
      const store = await open();
      const left = '.plx/tail/run/key/00000000000000000000000000000001';
      await commit(store, left, Buffer.from('tail'));
      await commit(store, '.plx/tail/other/key/00000000000000000000000000000002', Buffer.from('tail'));
      await commit(store, 'run/key', Buffer.from('x'));

      const keys = [];
      for await (const { key } of store.list('')) keys.push(key);
      expect(keys).toEqual(['run/key']);
      const old = { prefixes: ['run/'], olderThanMs: 60_000 };
      expect(await store.collect(old)).toEqual({ status: 'collected', removed: 0, left: 1 });
      const all = { prefixes: ['run/key'], olderThanMs: 0 };
      expect(await store.collect(all)).toEqual({ status: 'collected', removed: 1, left: 0 });
      expect(await store.head(left)).toEqual({ status: 'absent' });
      expect((await listNames(store.driver.connection.bucket)).length).toBe(2);
      const runs = ['other', ...Array.from({ length: 20 }, (_, i) => `run-${i}`)].map((run) => `${run}/`);
      const many = { prefixes: runs, olderThanMs: 0 };
      expect(await store.collect(many)).toEqual({ status: 'collected', removed: 1, left: 0 });
    });
  });

  it('distinguishes the reasons for rejected requests', async () => {
    const absent = await open({ bucket: 'no-such-bucket' });
    const nowhere = await open({ bucket: 'any', endpoint: 'http://127.0.0.1:9' });
    const forbidding = await FaultProxy.start(server.endpoint);
    const forbidden = await open({ endpoint: forbidding.endpoint });
    const answerWith = (status: number) => () =>
      ({ kind: 'answer', answer: { status, body: '{}' } }) as const;

    expect(await absent.check()).toMatchObject({ error: { code: 'ERR_STORE_BUCKET' } });
    expect(await commit(absent, 'k', Buffer.from('x'))).toMatchObject({
      error: { code: 'ERR_STORE_BUCKET' },
    });
    expect((await nowhere.check()).status).toBe('retry');
    expect((await commit(nowhere, 'k', Buffer.from('x'))).status).toBe('retry');
    forbidding.script = answerWith(403);
    expect(await askAccess(forbidden)).toMatchObject({ lacks: 'put', error: { code: 'ERR_STORE_ACCESS' } });
    forbidding.script = answerWith(401);
    expect(await forbidden.check()).toMatchObject({ error: { code: 'ERR_STORE_CREDENTIALS' } });
  });

  describe('on an unreliable network', () => {
    describeFaults(async () => {
      const proxy = await FaultProxy.start(server.endpoint);
      const limits = { singlePutMaxBytes: 32 * KIB, pieceBytes: 256 * KIB, minBaseBytes: 64 * KIB };
      const store = await open({ endpoint: proxy.endpoint, limits });
      return { store, proxy, smallBytes: 10 * KIB, largeBytes: 300 * KIB, tailBytes: 2000 };
    });
  });
});
