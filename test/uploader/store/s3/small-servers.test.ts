import { beforeAll, expect, it, vi } from 'vitest';
import type { LearnedAnswers } from '../../../../uploader/store/base/learned-answers.js';
import type { AskOutcome } from '../../../../uploader/store/base/store-facts.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { describeWithPeers } from '../../../support/peers.js';
import { SmallS3Server } from '../../../support/small-s3-servers.js';
import { commit, describeStore, someBytes } from '../base/contract.js';
import { askAll } from './ask-all.js';

const MIB = 1024 * 1024;
const LIMITS = { singlePutMaxBytes: 6 * MIB, partBytes: 5 * MIB };
const SIZES = [0, 1, 6 * MIB, 6 * MIB + 1, 11 * MIB + 3];

for (const peer of ['rclone-s3', 'gofakes3'] as const)
  describeWithPeers([peer], `S3 store on ${peer}`, () => {
    let server: SmallS3Server;
    let buckets = 0;
    let asked: AskOutcome;
    let learned: LearnedAnswers;

    beforeAll(async () => {
      server = await SmallS3Server.startShared(peer);
      for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
      const store = await open();
      asked = await askAll(store);
      learned = store.learned;
      return () => vi.unstubAllEnvs();
    });

    async function open() {
      buckets += 1;
      const bucket = await server.bucket(`bucket-${buckets}`);
      return openS3Store({ bucket, prefix: 'some/prefix', endpoint: server.endpoint, limits: LIMITS });
    }

    async function openAsked() {
      const store = await open();
      store.learned.adopt(learned.entries);
      return { store, sizes: SIZES, tails: [] };
    }

    describeStore(openAsked, { lacks: ['append'] });

    it('supports what the questions find', () => {
      const { capabilities, remaining } = asked;

      expect(remaining).toEqual([]);
      expect(capabilities).toMatchObject({
        conditionalCreate: true,
        conditionalReplace: true,
        // gofakes3 accepts the conditions of a completion and ignores them.
        conditionalComplete: peer === 'rclone-s3',
        checksumHeaders: true,
        rejectsWrongChecksum: false,
        multipartChecksum: false,
        metadata: true,
        append: null,
        listMultipart: true,
        versioning: 'off',
      });
    });

    it('gives the ETag of a completed upload that HEAD shows, without the questions', async () => {
      const store = await open();
      const outcome = await commit(store, 'key', someBytes(7 * MIB));

      expect(await store.head('key')).toMatchObject({ object: { etag: (outcome as { etag: string }).etag } });
    });
  });
