/**
 * The uploader as a sidecar, with real processes: the training process ends, the uploader gets SIGTERM, and the link is too slow to send a
 * large artifact within the shutdown timeout. It stores metrics and logs and reports unsent files; a later sync sends them.
 */

import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { compareHashes, hashObjects, hashTree } from '../../bench/support/hashes.mjs';
import { startWatch, UploaderProcess } from '../../bench/support/uploader-process.mjs';
import { spawnScript } from '../support/child-script.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { SlowLink } from '../support/slow-link.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = 'e5'.repeat(16);
const MIB = 1024 * 1024;
const LINK = 2 * MIB;
const CHECKPOINT = 160 * MIB;
const SHUTDOWN_TIMEOUT_S = 30;

/** Writes a checkpoint that is too large for the link, and logs metrics until the end. */
const TRAINING = `
  const { randomBytes } = await import('node:crypto');
  const { writeFileSync } = await import('node:fs');
  const run = new Run({ uuid: '${UUID}', name: 'train' });
  writeFileSync(run.getOutputsPath('checkpoint.bin'), randomBytes(${CHECKPOINT}));
  for (let step = 0; step < 300; step += 1) {
    run.logMetric('loss', 1 / (1 + step), { step });
    console.log('step', step);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  run.logHistogram('weights', new Float32Array(100000).map(Math.random));
  await run.end();
`;

describeWithPeers(['s3'], 'the uploader as a sidecar', () => {
  it('stores metrics and logs within the shutdown timeout, reports unsent files, and sends them with a later sync', async () => {
    const server = await S3Server.start();
    const bucket = await server.bucket('runs');
    const link = await SlowLink.start(server.endpoint, LINK);
    const home = createTempDir();
    const root = join(home, 'root');
    mkdirSync(root);
    const place = { root, store: `s3://${bucket}/team`, stateDir: join(home, 'state'), home };
    const env = { ...server.env, AWS_ENDPOINT_URL: link.endpoint };
    const args = ['--shutdown-timeout', String(SHUTDOWN_TIMEOUT_S)];
    const watch = startWatch({ ...place, env, intervalSeconds: 2, args });
    onTestFinished(() => void watch.end('SIGKILL'));
    const training = spawnScript('Run', TRAINING, { POLYAXON_OFFLINE_ROOT: root });
    training.stdout?.resume();
    expect(await once(training, 'close')).toEqual([0, null]);

    const code = await watch.end('SIGTERM');

    expect(code, watch.output).toBe(143);
    const run = join(root, 'runs', UUID);
    const disk = await hashTree(run);
    const client = server.createClient();
    onTestFinished(() => client.destroy());
    const atExit = await hashObjects({ client, bucket }, `team/${UUID}/`);
    const tails = Object.keys(disk).filter((path) => /tfevents|^plxlogs\//.test(path));
    expect(tails.length).toBeGreaterThanOrEqual(2);
    for (const path of tails) expect(atExit[path], path).toBe(disk[path]);
    expect(atExit).not.toHaveProperty('outputs/checkpoint.bin');

    link.bytesPerSecond = 1024 * MIB;
    const sync = new UploaderProcess(['sync', root, '--store', place.store, '--state-dir', place.stateDir], {
      env,
      home,
    });
    expect(await sync.exited, sync.output).toBe(0);
    const stored = await hashObjects({ client, bucket }, `team/${UUID}/`);
    expect(compareHashes(await hashTree(run), stored)).toEqual([]);
  });
});
