import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StoreNotice } from '../../../../uploader/store/base/store.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { S3Server } from '../../../support/s3-server.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { commit } from '../base/contract.js';

const DAY_MS = 24 * 3600 * 1000;

describeWithPeers(['s3'], 'connection to S3', () => {
  let server: S3Server;
  let proxy: FaultProxy;

  beforeEach(async () => {
    server = await S3Server.start();
    proxy = await FaultProxy.start(server.endpoint);
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    await server.bucket('bucket');
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    vi.useRealTimers();
  });

  const notices: StoreNotice[] = [];
  function open(options: { region?: string } = {}) {
    notices.length = 0;
    const onNotice = (notice: StoreNotice) => notices.push(notice);
    return openS3Store({ bucket: 'bucket', prefix: '', endpoint: proxy.endpoint, onNotice, ...options });
  }

  function refuse(code: string, times: number, headers = {}): void {
    const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
    proxy.script = ({ index }) =>
      index < times ? { kind: 'answer', answer: { status: 403, body, headers } } : undefined;
  }

  describe('credentials', () => {
    function writeCredentials(path: string, secretAccessKey: string): void {
      const lines = ['[default]', `aws_access_key_id=${server.accessKeyId}`];
      writeFileSync(path, [...lines, `aws_secret_access_key=${secretAccessKey}`, ''].join('\n'));
    }

    function useFile(secretAccessKey: string): string {
      const path = join(createTempDir(), 'credentials');
      writeCredentials(path, secretAccessKey);
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
      vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', path);
      return path;
    }

    it.each(['ExpiredToken', 'InvalidAccessKeyId'])(
      'are reloaded after the error %s, and the request is sent again',
      async (code) => {
        const path = useFile('the one before');
        const store = await open();
        writeCredentials(path, server.secretAccessKey);
        refuse(code, 1);

        expect(await store.check()).toEqual({ status: 'ready' });
        expect(proxy.log).toHaveLength(2);
        await store.close();
      },
    );

    it('cause no second request when reloading finds the same ones', async () => {
      useFile('wrong');
      const store = await open();

      expect(await store.check()).toMatchObject({ error: { code: 'ERR_STORE_CREDENTIALS' } });
      expect(proxy.log).toHaveLength(1);
      await store.close();
    });

    it('are also refreshed after an error response without a body', async () => {
      const path = useFile('the one before');
      const store = await open();
      writeCredentials(path, server.secretAccessKey);

      expect(await store.head('none')).toEqual({ status: 'absent' });
      expect(proxy.log).toHaveLength(2);
      await store.close();
    });

    it('cause an error when they have expired and no others exist', async () => {
      const store = await open();
      refuse('ExpiredToken', 5);

      expect(await store.check()).toMatchObject({ error: { code: 'ERR_STORE_CREDENTIALS' } });
      await store.close();
    });
  });

  describe('clock', () => {
    it.each([DAY_MS, -DAY_MS])('that is wrong by %d ms costs only one additional request', async (skewMs) => {
      const store = await open();
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skewMs });

      expect(await store.check()).toEqual({ status: 'ready' });
      expect(proxy.log).toHaveLength(2);
      expect(await store.check()).toEqual({ status: 'ready' });
      expect(await store.head('none')).toEqual({ status: 'absent' });
      expect((await commit(store, 'some', Buffer.from('x'))).status).toBe('stored');
      expect(proxy.log).toHaveLength(5);
      expect(store.driver.connection.clockOffsetMs).toBeGreaterThan(-skewMs - 60_000);
      expect(store.driver.connection.clockOffsetMs).toBeLessThan(-skewMs + 60_000);
      await store.close();
    });

    it('that jumps during parallel requests costs each at most one additional request', async () => {
      const store = await open();
      await store.check();
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - DAY_MS });
      const before = proxy.log.length;

      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, index) => commit(store, `run/${index}`, Buffer.from('x'))),
      );

      expect(outcomes.map(({ status }) => status)).toEqual(Array(8).fill('stored'));
      expect(proxy.log.length - before).toBeLessThanOrEqual(16);
      await store.close();
    });
  });

  it('fails when the store keeps rejecting the time', async () => {
    const store = await open();
    refuse('RequestTimeTooSkewed', 5);

    expect(await store.check()).toMatchObject({ error: { code: 'ERR_STORE_CLOCK' } });
    expect(proxy.log).toHaveLength(2);
    await store.close();
  });

  describe('region', () => {
    it('is corrected by the store when the configured one is wrong', async () => {
      const store = await open({ region: 'eu-central-1' });

      expect(await store.check()).toEqual({ status: 'ready' });
      expect(await store.check()).toEqual({ status: 'ready' });
      expect(proxy.log).toHaveLength(3);
      expect(notices).toMatchObject([{ code: 'NOTICE_STORE_REGION' }]);
      await store.close();
    });

    it('is taken once from the response header', async () => {
      const store = await open();
      const headers = { 'x-amz-bucket-region': 'eu-west-1' };
      proxy.script = () => ({ kind: 'answer', answer: { status: 301, headers } });

      expect(await store.check()).toMatchObject({ error: { code: 'ERR_STORE_BUCKET' } });
      expect(
        proxy.log.map((request) => /\/([a-z0-9-]+)\/s3\//.exec(request.headers.authorization ?? '')?.[1]),
      ).toEqual(['us-east-1', 'eu-west-1']);
      await store.close();
    });
  });

  it('aborts a request without progress', async () => {
    const store = await openS3Store({
      ...{ bucket: 'bucket', prefix: '', endpoint: proxy.endpoint },
      timeouts: { silenceMs: 200 },
    });
    proxy.script = () => ({ kind: 'stall', afterBytes: 0 });

    expect(await store.check()).toMatchObject({ status: 'retry', cause: { name: 'TimeoutError' } });
    await store.close();
  });

  it('aborts a request that exceeds the time limit for its size', async () => {
    const store = await openS3Store({
      ...{ bucket: 'bucket', prefix: '', endpoint: proxy.endpoint },
      timeouts: { totalMs: 200 },
    });
    proxy.script = () => ({ kind: 'silence' });

    expect(await store.check()).toMatchObject({ status: 'retry', cause: { name: 'TimeoutError' } });
    await store.close();
  });
});
