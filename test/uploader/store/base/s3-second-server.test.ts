import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { LearnedAnswers } from '../../../../uploader/store/base/learned-answers.js';
import { toKnownCapabilities } from '../../../../uploader/store/s3/s3-capabilities.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { describeWithPeers } from '../../../support/peers.js';
import { SmallS3Server } from '../../../support/small-s3-servers.js';
import { askAll } from '../s3/ask-all.js';
import { commit, describeStore, readAll, sha256, someBytes } from './contract.js';
import { toAppend } from './contract-append.js';

const MIB = 1024 * 1024;
/** S3 requires at least 5 MiB for every part but the last. */
const LIMITS = { singlePutMaxBytes: 6 * MIB, partBytes: 5 * MIB };
const SIZES = [0, 1, 6 * MIB, 6 * MIB + 1, 11 * MIB + 3];

describeWithPeers(['moto'], 'S3 store on a different server', () => {
  let server: SmallS3Server;
  let buckets = 0;
  let learned: LearnedAnswers;

  beforeAll(async () => {
    server = await SmallS3Server.startShared('moto');
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    const asked = await open();
    await askAll(asked);
    learned = asked.learned;
    return () => vi.unstubAllEnvs();
  });

  async function open() {
    buckets += 1;
    const bucket = await server.bucket(`bucket-${buckets}`);
    return openS3Store({ bucket, prefix: 'some/prefix', endpoint: server.endpoint, limits: LIMITS });
  }

  async function openAsProbed() {
    const store = await open();
    store.learned.adopt(learned.entries);
    return store;
  }

  describeStore(async () => ({ store: await openAsProbed(), sizes: SIZES, tails: [] }), {
    // This server responds with 500 to reads of an object that is being replaced.
    lacks: ['append', 'whole replacements'],
  });

  describe('copies of ranges', () => {
    async function openWithRanges() {
      const bucket = await server.bucket(`ranges-${buckets++}`);
      const limits = { ...LIMITS, copyBytes: 8 * MIB };
      const store = await openS3Store({ bucket, prefix: 'a b', endpoint: server.endpoint, limits });
      return store;
    }

    it('extend a large base by copying several ranges', async () => {
      const store = await openWithRanges();
      const bytes = someBytes(17 * MIB);
      const first = bytes.subarray(0, 16 * MIB + 1);
      const exportFiles = await commit(store, 'run/ü +%', first);
      const etag = exportFiles.status === 'stored' ? exportFiles.etag : '';
      const request = toAppend('run/ü +%', { etag, sizeBytes: first.length, crc32: crc32(first) }, bytes);

      expect((await store.append(request)).status).toBe('stored');
      expect(sha256(await readAll(store, 'run/ü +%'))).toBe(sha256(bytes));
    });

    it('keep only the start of a base whose end is wrong', async () => {
      const store = await openWithRanges();
      const bytes = someBytes(12 * MIB);
      const wrong = Buffer.concat([bytes.subarray(0, 8 * MIB), Buffer.alloc(MIB)]);
      const exportFiles = await commit(store, 'key', wrong);
      const etag = exportFiles.status === 'stored' ? exportFiles.etag : '';
      const base = { etag, sizeBytes: wrong.length, crc32: crc32(wrong) };
      const keep = { sizeBytes: 8 * MIB, crc32: crc32(bytes.subarray(0, 8 * MIB)) };
      let sentBytes = 0;
      const onBytesSent = (sizeBytes: number): void => {
        sentBytes += sizeBytes;
      };

      expect((await store.append({ ...toAppend('key', base, bytes), keep, onBytesSent })).status).toBe(
        'stored',
      );
      expect(sha256(await readAll(store, 'key'))).toBe(sha256(bytes));
      expect(sentBytes).toBe(4 * MIB);
    });
  });

  it('detects the capabilities of the server', () => {
    expect(toKnownCapabilities(learned)).toMatchObject({
      conditionalCreate: true,
      conditionalReplace: true,
      conditionalComplete: false,
      checksumHeaders: true,
      rejectsWrongChecksum: false,
      multipartChecksum: false,
      wholeObjectChecksum: false,
      metadata: true,
      append: null,
      rangeCopy: 'unknown', // without a use: objects that are made of copies cannot be verified
      unevenParts: true,
      listMultipart: true,
      versioning: 'off',
    });
  });
});
