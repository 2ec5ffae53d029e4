import {
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, expect, it, vi } from 'vitest';
import { toKnownCapabilities } from '../../../../uploader/store/s3/s3-capabilities.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { FaultProxy, type Script } from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { S3Server } from '../../../support/s3-server.js';
import { commit, readAll, sha256, someBytes } from '../base/contract.js';
import { askAll } from './ask-all.js';

const MIB = 1024 * 1024;

describeWithPeers(['s3'], 'questions to a bucket', () => {
  let server: S3Server;

  beforeAll(async () => {
    server = await S3Server.startShared();
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    return () => vi.unstubAllEnvs();
  });

  it('detects the capabilities of the server, and leaves no objects', async () => {
    const bucket = await server.bucket('probed');
    const store = await openS3Store({ bucket, prefix: 'a/b', endpoint: server.endpoint });

    expect(await askAll(store)).toMatchObject({ mayAbort: true, remaining: [] });
    expect(toKnownCapabilities(store.learned)).toEqual({
      checksumHeaders: true,
      conditionalCreate: true,
      conditionalReplace: true,
      conditionalComplete: true,
      rejectsWrongChecksum: true,
      wholeObjectChecksum: true,
      multipartChecksum: true,
      metadata: true,
      // A bug of this server: for a copied range it returns the checksum of the whole source.
      rangeCopy: false,
      append: { minBaseBytes: 5 * MIB, maxBaseBytes: 5 * 1024 * MIB },
      unevenParts: true,
      listMultipart: true,
      versioning: 'off',
      maxObjectBytes: 50e12,
      foldsNames: false,
    });
    expect(store.capabilities).toEqual(toKnownCapabilities(store.learned));
    const client = server.createClient();
    const objects = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    client.destroy();
    expect([objects.Contents ?? [], uploads.Uploads ?? []]).toEqual([[], []]);
  });

  it('detects versioning, and leaves no versions of its objects', async () => {
    const bucket = await server.versionedBucket('versioned');
    const store = await openS3Store({ bucket, prefix: '', endpoint: server.endpoint });

    expect(await askAll(store)).toMatchObject({ remaining: [] });
    expect(store.capabilities).toMatchObject({ versioning: 'on' });
    const client = server.createClient();
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    client.destroy();
    expect(Versions).toEqual([]);
  });

  it('detects that parts must have equal sizes, as in Cloudflare R2, and divides objects accordingly', async () => {
    const bucket = await server.bucket('one-size');
    const proxy = await FaultProxy.start(server.endpoint);
    proxy.script = refuseUnevenParts();
    const limits = { singlePutMaxBytes: 6 * MIB, partBytes: 5 * MIB };
    const store = await openS3Store({ bucket, prefix: '', endpoint: proxy.endpoint, limits });

    await askAll(store);
    expect(toKnownCapabilities(store.learned)).toMatchObject({ unevenParts: false });
    const bytes = someBytes(16 * MIB);
    expect((await commit(store, 'key', bytes)).status).toBe('stored');
    expect(sha256(await readAll(store, 'key'))).toBe(sha256(bytes));
  });
});

/** Source: Cloudflare R2 documentation, "Multipart upload: limitations". */
function refuseUnevenParts(): Script {
  const sizes = new Map<string, Map<number, string>>();
  const body = '<?xml version="1.0"?><Error><Code>InvalidPart</Code><Message>no</Message></Error>';
  return ({ operation, url, headers }) => {
    const { searchParams } = new URL(url, 'http://127.0.0.1');
    const upload = searchParams.get('uploadId') ?? '';
    const parts = sizes.get(upload) ?? new Map<number, string>();
    sizes.set(upload, parts);
    const number = Number(searchParams.get('partNumber'));
    if (operation === 'UploadPart') parts.set(number, headers['content-length'] ?? '');
    // Copies of whole objects may have any size.
    if (operation === 'UploadPartCopy')
      parts.set(number, String(headers['x-amz-copy-source-range'] ?? `whole ${number}`));
    if (operation !== 'CompleteMultipartUpload') return undefined;
    const lengths = [...parts].sort(([a], [b]) => a - b).map(([, length]) => length);
    const isEven = new Set(lengths.slice(0, -1)).size <= 1;
    return isEven ? undefined : { kind: 'answer', answer: { status: 400, body } };
  };
}
