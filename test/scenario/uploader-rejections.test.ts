/**
 * The uploader process behind a proxy that rejects one optional header or operation, or fails one request in ten. Everything is stored, and a later
 * process does not send again what was rejected.
 */

import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { compareHashes, hashObjects, hashTree } from '../../bench/support/hashes.mjs';
import { createRandom } from '../../bench/support/random.mjs';
import { REJECTIONS, toErrorBody } from '../../bench/support/rejections.mjs';
import { UploaderProcess } from '../../bench/support/uploader-process.mjs';
import { FaultProxy } from '../support/fault-proxy.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';

const MIB = 1024 * 1024;
const UUIDS = ['a1'.repeat(16), 'b2'.repeat(16)];
/** Not needed in an ordinary sync, only after a killed upload, in a `check` or with a large base; the questions asked in the background may send some. */
const UNUSED = [
  'ranges of UploadPartCopy',
  'ListParts',
  'AbortMultipartUpload',
  'GetBucketVersioning',
  'start-after of ListObjectsV2',
];

describeWithPeers(['s3'], 'a store that rejects something optional', () => {
  let server: S3Server;
  let buckets = 0;

  beforeAll(async () => {
    server = await S3Server.startShared();
  });

  it.each(REJECTIONS)(
    'F118: stores everything without what is rejected: $name',
    async (row) => {
      const scene = await createScene();
      let rejected = 0;
      scene.proxy.script = (request) => {
        if (!row.isIn(request)) return undefined;
        rejected += 1;
        return { kind: 'answer', answer: { status: row.status, body: toErrorBody(row.code) } };
      };
      // Answers that may have other reasons have to repeat.
      for (let process = 0; process < (row.status === 501 || row.status === 405 ? 2 : 3); process += 1) {
        scene.change();
        expect(await scene.sync()).toBe(0);
        expect(await scene.differences()).toEqual([]);
      }
      if (!UNUSED.includes(row.name)) expect(rejected).toBeGreaterThan(0);

      const before = rejected;
      scene.change();
      expect(await scene.sync()).toBe(0);

      expect(await scene.differences()).toEqual([]);
      if (row.name !== 'AbortMultipartUpload') expect(rejected).toBe(before);
    },
    120_000,
  );

  it('F119: a store that fails one request in ten receives all files of all runs, with their conditions', async () => {
    const scene = await createScene();
    const random = createRandom(7);
    scene.proxy.script = () => {
      const fate = random();
      if (fate >= 0.1) return undefined;
      const [status, code] = fate < 0.05 ? [500, 'InternalError'] : [503, 'ServiceUnavailable'];
      return { kind: 'answer', answer: { status, body: toErrorBody(code) } };
    };
    const uploader = scene.start(['watch', '--interval', '1']);
    for (let step = 0; step < 3; step += 1) {
      scene.change();
      await expect
        .poll(async () => (await scene.differences()).length, { timeout: 60_000, interval: 500 })
        .toBe(0);
    }
    await uploader.end('SIGTERM');

    const writes = scene.proxy.log.filter(
      ({ operation, fault }) => fault === null && operation === 'PutObject',
    );
    const unconditional = writes.filter(
      ({ headers, url }) =>
        headers['if-match'] === undefined && headers['if-none-match'] === undefined && !url.includes('probe'),
    );
    expect(unconditional).toEqual([]);
  }, 240_000);

  async function createScene() {
    buckets += 1;
    const bucket = await server.bucket(`rejecting-${buckets}`);
    const proxy = await FaultProxy.start(server.endpoint);
    const home = createTempDir();
    const runs = join(home, 'root/runs');
    const client = server.createClient();
    let changes = 0;
    const start = (command: readonly string[]): UploaderProcess => {
      const [name = '', ...flags] = command;
      const args = [name, join(home, 'root'), '--store', `s3://${bucket}/team`, ...flags];
      return new UploaderProcess([...args, '--state-dir', join(home, 'state')], {
        env: { ...server.env, AWS_ENDPOINT_URL: proxy.endpoint },
        home,
      });
    };
    /** Creates small and large files, replaces a file and extends a log in each run. */
    const change = (): void => {
      changes += 1;
      for (const uuid of UUIDS) {
        const write = (path: string, content: Buffer | string): void => {
          mkdirSync(dirname(join(runs, uuid, path)), { recursive: true });
          writeFileSync(join(runs, uuid, path), content);
        };
        if (changes === 1) write('outputs/main.log', 'line\n'.repeat((6 * MIB) / 5));
        else appendFileSync(join(runs, uuid, 'outputs/main.log'), `more ${changes}\n`.repeat(1000));
        write('outputs/replaced.bin', Buffer.alloc(1000 + changes, changes));
        write(`outputs/small-${changes}.json`, `${changes}`);
      }
      const large = join(runs, UUIDS[0]!, `outputs/large-${changes}.bin`);
      writeFileSync(large, Buffer.alloc(17 * MIB, changes));
    };
    return {
      proxy,
      change,
      start,
      sync: () => start(['sync', '--retry-timeout', '60']).exited,
      differences: async () =>
        compareHashes(await hashTree(runs), await hashObjects({ client, bucket }, 'team/')),
    };
  }
});
