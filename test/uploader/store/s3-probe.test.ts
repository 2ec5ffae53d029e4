import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeAll, expect, it, vi } from 'vitest';
import { openS3Store } from '../../../uploader/store/s3-store.js';
import { describeWithPeers } from '../../support/peers.js';
import { S3Server } from '../../support/s3-server.js';

const MIB = 1024 * 1024;

describeWithPeers(['s3'], 'probe of a bucket', () => {
  let server: S3Server;

  beforeAll(async () => {
    server = await S3Server.startShared();
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    return () => vi.unstubAllEnvs();
  });

  it('finds what the server does, and leaves nothing behind', async () => {
    const bucket = await server.bucket('probed');
    const store = await openS3Store({ bucket, prefix: 'a/b', endpoint: server.endpoint });

    const outcome = await store.probe();

    expect(outcome).toEqual({
      status: 'probed',
      permissions: { get: true, abort: true, delete: true },
      leftovers: [],
      capabilities: {
        checksumHeaders: true,
        conditionalCreate: true,
        conditionalReplace: true,
        conditionalComplete: true,
        rejectsWrongChecksum: true,
        wholeObjectChecksum: true,
        multipartChecksum: true,
        metadata: true,
        // One fault of this server: of a copied range it takes the checksum of the whole source for that of the range.
        rangeCopy: false,
        append: { minBaseBytes: 5 * MIB, maxBaseBytes: 5 * 1024 * MIB },
        unevenParts: true,
        listMultipart: true,
        versioning: 'off',
        maxObjectBytes: 50e12,
        foldsNames: false,
      },
    });
    if (outcome.status === 'probed') expect(store.capabilities).toEqual(outcome.capabilities);
    const client = server.createClient();
    const objects = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    const uploads = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    client.destroy();
    expect([objects.Contents ?? [], uploads.Uploads ?? []]).toEqual([[], []]);
  });
});
