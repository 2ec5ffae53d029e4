/** Failures before a request reaches the S3 server: host names, connections, certificates and proxies. */

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { UploaderProcess } from '../../../../bench/support/uploader-process.mjs';
import { openS3Store, type S3StoreOptions } from '../../../../uploader/store/s3/s3-store.js';
import { type Certificate, createCertificate, daysFromNow } from '../../../support/certificate.js';
import { waitFor } from '../../../support/child-server.js';
import { startDeafServer } from '../../../support/deaf-server.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { S3Server } from '../../../support/s3-server.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { startTlsFront } from '../../../support/tls-front.js';
import { makeRun } from '../../support/run-tree.js';

const FIVE_MINUTES_MS = 5 * 60_000;
const OTHER_NAME = { name: 'elsewhere.example', address: '127.9.9.9' };

describeWithPeers(['s3'], 'connections to S3', () => {
  it('F39: times out and retries a connection that the server does not accept', async () => {
    const store = await open({ endpoint: await startDeafServer(), timeouts: { connectMs: 300 } });

    expect(await store.check()).toMatchObject({ status: 'retry', cause: { name: 'TimeoutError' } });
    await store.close();
  });

  it('F41: retries a host name that cannot be resolved', async () => {
    const store = await open({ endpoint: 'http://store.invalid' });

    const outcome = await store.check();

    expect(outcome.status).toBe('retry');
    expect(['ENOTFOUND', 'EAI_AGAIN']).toContain(Reflect.get(Reflect.get(outcome, 'cause'), 'code'));
    await store.close();
  });

  it('F41: fails without a retry when a proxy requires a password', async () => {
    const server = await S3Server.start();
    const proxy = await FaultProxy.start(server.endpoint);
    const body = '<html><body>Proxy Authentication Required</body></html>';
    proxy.script = () => ({ kind: 'answer', answer: { status: 407, body } });
    const store = await open({ endpoint: proxy.endpoint });

    expect(await store.check()).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_REQUEST' } });
    await store.close();
  });

  it('F42: retries an untrusted certificate every five minutes, and sends nothing to its server', async () => {
    const server = await S3Server.start();
    const front = await startTlsFront(server.endpoint, createCertificate());
    const store = await open({ endpoint: front.endpoint });

    expect(await store.check()).toMatchObject({
      status: 'retry',
      afterMs: FIVE_MINUTES_MS,
      cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    });
    expect(front.receivedBytes).toBe(0);
    await store.close();
  });

  it('F42: trusts the certificate of a configured authority', async () => {
    const scene = await startScene(createCertificate());

    const sync = scene.start('sync');

    expect(await sync.exited, sync.output).toBe(0);
    expect(scene.front.receivedBytes).toBeGreaterThan(0);
    expect(readdirSync(join(scene.server.dataDir, 'bucket'))).not.toEqual([]);
  });

  it.each([
    ['has expired', createCertificate({ to: daysFromNow(-1) }), /expired/],
    ['is not valid yet', createCertificate({ from: daysFromNow(1) }), /not yet valid/],
    ['is for another name', createCertificate(OTHER_NAME), /does not match certificate/],
  ])(
    'F42: sync immediately rejects a certificate that %s, even from a trusted authority',
    async (_, certificate, why) => {
      const scene = await startScene(certificate);

      const sync = scene.start('sync', '--verbose');

      expect(await sync.exited, sync.output).toBe(1);
      expect(sync.output).toContain('ERR_STORE_UNAVAILABLE');
      expect(sync.output).toMatch(why);
      expect(scene.front.receivedBytes).toBe(0);
    },
  );

  it('F42: watch immediately reports an expired certificate, and keeps waiting', async () => {
    const scene = await startScene(createCertificate({ to: daysFromNow(-1) }));
    const watch = scene.start('watch', '--shutdown-timeout', '1');

    await waitFor('the report', () => (/expired; retrying in 300/.test(watch.output) ? true : undefined));
    expect(watch.isRunning).toBe(true);
    expect(await watch.end('SIGTERM'), watch.output).toBe(143);
    expect(scene.front.receivedBytes).toBe(0);
  });

  function open(options: Partial<S3StoreOptions>) {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'some');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    return openS3Store({ bucket: 'bucket', prefix: '', region: 'us-east-1', ...options }).finally(() =>
      vi.unstubAllEnvs(),
    );
  }

  /** A run, a bucket behind a TLS server with the certificate, and an uploader that trusts the certificate's authority. */
  async function startScene(certificate: Certificate) {
    const server = await S3Server.start();
    await server.bucket('bucket');
    const front = await startTlsFront(server.endpoint, certificate);
    const home = createTempDir();
    const root = join(home, 'root');
    makeRun(root, { 'outputs/file': 'content' });
    const authorities = join(home, 'authorities.pem');
    writeFileSync(authorities, certificate.cert);
    const env = { ...server.env, AWS_ENDPOINT_URL: front.endpoint, NODE_EXTRA_CA_CERTS: authorities };
    const args = ['--store', 's3://bucket', '--state-dir', join(home, 'state'), '--poll'];
    return {
      server,
      front,
      start: (command: string, ...more: string[]) =>
        new UploaderProcess([command, root, ...args, ...more], { env, home }),
    };
  }
});
