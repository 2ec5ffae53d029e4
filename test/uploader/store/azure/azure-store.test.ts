import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { openAzureStore } from '../../../../uploader/store/azure/azure-store.js';
import type { StoredPart } from '../../../../uploader/store/base/store.js';
import { AzuriteServer } from '../../../support/azurite.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
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
const LIMITS = { blockBytes: MIB, pageSize: 100 };
const SIZES = [0, 1, MIB - 1, MIB, 3 * MIB + 5];
const TAILS = [1, MIB, 2 * MIB + 1];

describeWithPeers(['azurite'], 'Azure store', () => {
  let server: AzuriteServer;
  let containers = 0;

  beforeAll(async () => {
    server = await AzuriteServer.startShared();
  });

  async function open(
    options: { container?: string; limits?: object; environment?: Record<string, string> } = {},
  ) {
    containers += 1;
    const { limits = LIMITS, environment = server.env } = options;
    const container = options.container ?? (await server.container(`container-${containers}`));
    return openAzureStore({ container, prefix: 'some/prefix', environment, limits });
  }

  function toRequest(key: string, bytes: Buffer) {
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
    return { key, source: toSource(bytes), target, base: null, commitId: newCommitId() };
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
      append: { minBaseBytes: MIB, maxBaseBytes: 45_000 * 16 * MIB },
      rangeCopy: false,
      unevenParts: true,
      listMultipart: false,
      versioning: 'unknown',
      maxObjectBytes: 45_000 * 16 * MIB,
      foldsNames: false,
    });
    const left = [];
    for await (const { key } of store.list('')) left.push(key);
    expect(left).toEqual([]);
  });

  it.each([10, 3 * MIB])('stores the commit id and the checksum of %d bytes', async (size) => {
    const store = await open();
    const request = { ...toRequest('key', someBytes(size)), generation: 4 };
    await store.commit(request);

    const { commitId, target, generation } = request;
    expect(await store.head('key')).toMatchObject({ object: { commitId, generation, ...target } });
  });

  it.each([
    ['', true],
    [' that it could not record, if they match the file', false],
  ])('resumes with the blocks of an earlier process%s', async (_, isRecorded) => {
    const first = await open();
    const { containerName: container } = first.driver.connection.container;
    const request = toRequest('run/parts', someBytes(6 * MIB));
    const abort = new AbortController();
    const parts: StoredPart[] = [];
    let uploadId = '';
    const killed = first.commit({
      ...request,
      signal: abort.signal,
      onUploadOpened: (id) => {
        uploadId = id;
      },
      onPartStored: (part) => {
        parts.push(part);
        if (parts.length === 3) abort.abort();
      },
    });
    await expect(killed).rejects.toMatchObject({ name: 'AbortError' });
    let sentBytes = 0;
    const onBytesSent = (sizeBytes: number): void => {
      sentBytes += sizeBytes;
    };

    const second = await open({ container });
    const unfinished = { uploadId, parts: isRecorded ? parts : [] };
    const outcome = await second.commit({ ...request, unfinished, onBytesSent });

    expect(outcome.status).toBe('stored');
    expect(sentBytes).toBeLessThanOrEqual(3 * MIB);
    expect(sha256(await readAll(second, 'run/parts'))).toBe(sha256(someBytes(6 * MIB)));
  });

  it('reports unsupported for an append to an object without blocks of polytrack', async () => {
    const store = await open();
    const bytes = someBytes(3 * MIB);
    const start = bytes.subarray(0, 2 * MIB);
    // In one request, as other programs write objects.
    const { etag = '' } = await store.driver.connection.blob('some/prefix/key').upload(start, start.length);
    const base = { etag: etag.replaceAll('"', ''), sizeBytes: start.length, crc32: crc32(start) };

    expect(await store.append(toAppend('key', base, bytes))).toEqual({ status: 'unsupported' });
  });

  it('reports unsupported for an append that would need too many blocks', async () => {
    const store = await open({ limits: { ...LIMITS, maxBlocks: 2 } });
    const bytes = someBytes(2 * MIB + 1);
    const start = bytes.subarray(0, 2 * MIB);
    const exportFiles = await commit(store, 'key', start);
    const etag = exportFiles.status === 'stored' ? exportFiles.etag : '';
    const base = { etag, sizeBytes: start.length, crc32: crc32(start) };

    expect(await store.append(toAppend('key', base, bytes))).toEqual({ status: 'unsupported' });
  });

  it.each(['run/ends with a dot.', 'run/dir./file', 'run/back\\slash'])(
    'rejects %s, a name that Azure would change',
    async (key) => {
      const store = await open();

      expect(await commit(store, key, Buffer.from('x'))).toMatchObject({
        status: 'failed',
        error: { code: 'ERR_STORE_REQUEST' },
      });
    },
  );

  it('distinguishes the reasons for rejected requests', async () => {
    const absent = await open({ container: 'no-such-container' });
    const wrongKey = Buffer.from('wrong').toString('base64');
    const stranger = await open({
      environment: { AZURE_STORAGE_CONNECTION_STRING: server.connectionString(server.endpoint, wrongKey) },
    });
    const nowhere = await open({
      container: 'any',
      environment: { AZURE_STORAGE_CONNECTION_STRING: server.connectionString('http://127.0.0.1:9/account') },
    });

    expect(await absent.check()).toMatchObject({ error: { code: 'ERR_STORE_BUCKET' } });
    expect(await commit(absent, 'k', Buffer.from('x'))).toMatchObject({
      error: { code: 'ERR_STORE_BUCKET' },
    });
    // Azurite responds with AuthorizationFailure, Azure with AuthenticationFailed.
    expect(await stranger.check()).toMatchObject({ error: { code: 'ERR_STORE_ACCESS' } });
    expect((await nowhere.check()).status).toBe('retry');
    expect((await commit(nowhere, 'k', Buffer.from('x'))).status).toBe('retry');
    await expect(open({ container: 'any', environment: {} })).rejects.toMatchObject({
      code: 'ERR_STORE_CREDENTIALS',
      hint: expect.stringContaining('AZURE_STORAGE_CONNECTION_STRING'),
    });
  });

  describe('on an unreliable network', () => {
    describeFaults(async () => {
      const { origin, pathname } = new URL(server.endpoint);
      const proxy = await FaultProxy.start(origin);
      const connectionString = server.connectionString(proxy.endpoint + pathname);
      const limits = { blockBytes: 64 * KIB, minBlobOfBlocksBytes: 64 * KIB };
      const environment = { AZURE_STORAGE_CONNECTION_STRING: connectionString };
      const store = await open({ environment, limits });
      return { store, proxy, smallBytes: 10 * KIB, largeBytes: 80 * KIB, tailBytes: 2000 };
    });
  });
});
