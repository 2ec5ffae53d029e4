import { crc32 } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import type { StoreCapabilities } from '../../../uploader/store/capabilities.js';
import { openAzureStore } from '../../../uploader/store/azure-store.js';
import { AzuriteServer } from '../../support/azurite.js';
import { describeWithPeers } from '../../support/peers.js';
import { commit, describeStore, newCommitId, readAll, sha256, someBytes, toSource } from './contract.js';
import { toAppend } from './contract-append.js';

const MIB = 1024 * 1024;
const LIMITS = { blockBytes: MIB };
const SIZES = [0, 1, MIB - 1, MIB, 3 * MIB + 5];
const TAILS = [1, MIB, 2 * MIB + 1];

describeWithPeers(['azurite'], 'Azure store', () => {
  let server: AzuriteServer;
  let containers = 0;

  beforeAll(async () => {
    server = await AzuriteServer.startShared();
  });

  async function open(prefix = 'some/prefix', limits: object = LIMITS) {
    containers += 1;
    const container = await server.container(`container-${containers}`);
    return openAzureStore({ container, prefix, environment: server.env, limits });
  }

  function toRequest(key: string, bytes: Buffer) {
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
    return { key, source: toSource(bytes), target, base: null, commitId: newCommitId() };
  }

  describeStore(async () => ({ store: await open(), sizes: SIZES, tails: TAILS }));
});
