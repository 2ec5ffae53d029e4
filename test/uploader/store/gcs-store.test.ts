import { crc32 } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { openGcsStore } from '../../../uploader/store/gcs-store.js';
import { GcsEmulator } from '../../support/gcs-emulator.js';
import { describeWithPeers } from '../../support/peers.js';
import { commit, describeStore, newCommitId, readAll, sha256, someBytes, toSource } from './contract.js';
import { toAppend } from './contract-append.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const LIMITS = { singlePutMaxBytes: MIB, pieceBytes: 512 * KIB, minBaseBytes: 64 * KIB };
const SIZES = [0, 1, MIB, MIB + 1, 2 * MIB + 3];
const TAILS = [1, MIB, MIB + 300 * KIB];

describeWithPeers(['gcs'], 'Google Cloud Storage', () => {
  let server: GcsEmulator;
  let buckets = 0;

  beforeAll(async () => {
    server = await GcsEmulator.startShared();
  });

  async function open(prefix = 'some/prefix', limits: object = LIMITS) {
    buckets += 1;
    const bucket = await server.bucket(`bucket-${buckets}`);
    return openGcsStore({ bucket, prefix, endpoint: server.endpoint, limits });
  }

  function toRequest(key: string, bytes: Buffer) {
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
    return { key, source: toSource(bytes), target, base: null, commitId: newCommitId() };
  }

  describeStore(async () => ({ store: await open(), sizes: SIZES, tails: TAILS }));
});
