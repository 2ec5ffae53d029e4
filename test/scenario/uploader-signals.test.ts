/** Signals to a watch whose store is slow to respond. */

import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startWatch } from '../../bench/support/uploader-process.mjs';
import { waitFor } from '../support/child-server.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeRun } from '../uploader/support/run-tree.js';

/** Much longer than the test may take: an exit that waits for it fails. */
const SHUTDOWN_TIMEOUT_S = 3_600;

describeWithPeers(['s3'], 'signals', () => {
  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)(
    'F64: the first %s lets pending work finish, and the second exits immediately',
    async (signal, code) => {
      const server = await S3Server.start();
      const bucket = await server.bucket('runs');
      const proxy = await FaultProxy.start(server.endpoint);
      proxy.script = ({ operation }) => (operation === 'PutObject' ? { kind: 'silence' } : undefined);
      const home = createTempDir();
      const root = join(home, 'root');
      makeRun(root, { 'outputs/file': 'content' });
      const watch = startWatch({
        ...{ root, store: `s3://${bucket}/team`, stateDir: join(home, 'state'), home, intervalSeconds: 0.2 },
        env: { ...server.env, AWS_ENDPOINT_URL: proxy.endpoint },
        args: ['--shutdown-timeout', String(SHUTDOWN_TIMEOUT_S)],
      });
      onTestFinished(() => void watch.end('SIGKILL'));
      await waitFor('a request', () => (proxy.applied('PutObject').length > 0 ? true : undefined));
      process.kill(watch.pid ?? 0, signal);
      await waitFor('the end to begin', () => (watch.output.includes('stopping:') ? true : undefined));
      expect(watch.isRunning).toBe(true);

      expect(await watch.end(signal), watch.output).toBe(code);
    },
  );
});
