import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { UploaderProcess } from '../../../../bench/support/uploader-process.mjs';
import type { S3WriteOptions } from '../../../../uploader/store/s3/options.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { writeFields } from '../../../../uploader/store/s3/write-options.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { S3Server } from '../../../support/s3-server.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { makeRun } from '../../support/run-tree.js';
import { commit, someBytes } from '../base/contract.js';
import { toAppend } from '../base/contract-append.js';
import { askAll } from './ask-all.js';

const MIB = 1024 * 1024;
const OPTIONS = {
  sse: 'aws:kms',
  kmsKey: 'alias/training',
  storageClass: 'STANDARD_IA',
  acl: 'bucket-owner-full-control',
  objectTags: { team: 'vision', 'cost center': 'a/b+c' },
} as const satisfies S3WriteOptions;
const HEADERS = {
  'x-amz-server-side-encryption': 'aws:kms',
  'x-amz-server-side-encryption-aws-kms-key-id': 'alias/training',
  'x-amz-storage-class': 'STANDARD_IA',
  'x-amz-acl': 'bucket-owner-full-control',
  'x-amz-tagging': 'team=vision&cost%20center=a%2Fb%2Bc',
};
const WRITES = ['PutObject', 'CreateMultipartUpload'];

describe('writeFields', () => {
  it('sends nothing without options', () => {
    expect(writeFields({})).toEqual({});
  });

  it('encrypts with KMS if only a key is set', () => {
    expect(writeFields({ kmsKey: 'a-key' })).toEqual({
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'a-key',
    });
  });

  it.each([
    [{ storageClass: 'GLACIER' }, /GLACIER cannot be read back/],
    [{ storageClass: 'deep_archive' }, /deep_archive cannot be read back/],
    [{ sse: 'AES256', kmsKey: 'a-key' }, /no meaning with the encryption AES256/],
    [{ objectTags: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`tag${i}`, ''])) }, /10 tags/],
    [{ objectTags: { name: 'v'.repeat(257) } }, /10 tags/],
  ])('rejects %j', (options, message) => {
    expect(() => writeFields(options)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG', message: expect.stringMatching(message) }),
    );
  });
});

describeWithPeers(['s3'], 'settings of S3 objects', () => {
  async function openScene() {
    const server = await S3Server.start();
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    await server.bucket('bucket');
    return { server, proxy: await FaultProxy.start(server.endpoint) };
  }

  it('sends them with small, large and appended objects, and with those of the questions', async () => {
    const { proxy } = await openScene();
    const limits = { singlePutMaxBytes: 6 * MIB, partBytes: 5 * MIB };
    const endpoint = proxy.endpoint;
    const store = await openS3Store({ bucket: 'bucket', prefix: '', endpoint, limits, ...OPTIONS });

    await askAll(store);
    const small = someBytes(10);
    const first = await commit(store, 'small', small);
    // The second is sent without the SDK's middleware.
    const second = await commit(store, 'other', small);
    const large = someBytes(7 * MIB);
    const stored = await commit(store, 'large', large);
    const grown = Buffer.concat([large, small]);
    const appended = await store.append(
      toAppend('large', { ...toExtent(large), etag: (stored as { etag: string }).etag }, grown),
    );
    await store.close();

    expect([first, second, stored, appended].map(({ status }) => status)).toEqual(Array(4).fill('stored'));
    const writes = proxy.log.filter(({ operation }) => WRITES.includes(operation));
    expect(new Set(writes.map(({ operation }) => operation)).size).toBe(2);
    for (const { headers } of writes) expect(headers).toMatchObject(HEADERS);
  });

  it('sends them from flags, with every object of a run and its manifest', async () => {
    const { server, proxy } = await openScene();
    const home = createTempDir();
    const root = join(home, 'root');
    const run = makeRun(root, { 'outputs/small': 'content', 'outputs/large': someBytes(17 * MIB) });
    writeFileSync(
      join(run, 'run.plx.json'),
      JSON.stringify({ uuid: basename(run), name: 'a run', status: 'succeeded' }),
    );
    const flags = ['--sse', 'aws:kms', '--kms-key', 'alias/training', '--storage-class', 'STANDARD_IA'];
    const more = ['--acl', 'bucket-owner-full-control', '--object-tags', 'team=vision', 'cost center=a/b+c'];
    const env = { ...server.env, AWS_ENDPOINT_URL: proxy.endpoint };

    const args = ['import', root, '--store', 's3://bucket', ...flags, ...more];
    const sync = new UploaderProcess(args, { env, home });

    expect(await sync.exited, sync.output).toBe(0);
    const writes = proxy.log.filter(({ operation }) => WRITES.includes(operation));
    const written = writes.map(({ url }) => url).join('\n');
    for (const name of ['outputs/small', 'outputs/large', '.plx/owner', '.plx/manifest'])
      expect(written).toContain(name);
    for (const { headers } of writes) expect(headers).toMatchObject(HEADERS);
  });

  it('rejects an archive class before anything is sent', async () => {
    const { server, proxy } = await openScene();
    const home = createTempDir();
    makeRun(join(home, 'root'), { 'outputs/small': 'content' });
    const env = { ...server.env, AWS_ENDPOINT_URL: proxy.endpoint, POLYTRACK_STORAGE_CLASS: 'GLACIER' };

    const sync = new UploaderProcess(['sync', join(home, 'root'), '--store', 's3://bucket'], { env, home });

    expect(await sync.exited).toBe(2);
    expect(sync.output).toContain('ERR_CONFIG');
    expect(sync.output).toContain('GLACIER_IR');
    expect(proxy.log).toEqual([]);
  });
});

function toExtent(bytes: Buffer) {
  return { sizeBytes: bytes.length, crc32: crc32(bytes) };
}
