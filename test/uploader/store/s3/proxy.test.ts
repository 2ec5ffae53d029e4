/** Requests to S3 through a proxy. The hosts do not exist, so that only the proxy can reach the server. */

import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { UploaderProcess } from '../../../../bench/support/uploader-process.mjs';
import { TunnelAgent } from '../../../../uploader/store/s3/proxy.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { createCertificate } from '../../../support/certificate.js';
import { findFreePort } from '../../../support/child-server.js';
import { type HttpProxy, startHttpProxy } from '../../../support/http-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { S3Server } from '../../../support/s3-server.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { startTlsFront } from '../../../support/tls-front.js';
import { makeRun } from '../../support/run-tree.js';
import { someBytes } from '../base/contract.js';

const HOST = 's3.example.invalid';
const USER = 'http://user:pass%40word@';
const BASIC = `Basic ${Buffer.from('user:pass@word').toString('base64')}`;
const SIZE = 17 * 1024 * 1024;
const FILES = 3;

describe('TunnelAgent', () => {
  it('sends several requests through one tunnel', async () => {
    const certificate = createCertificate({ name: HOST });
    const server = https.createServer(certificate, (_, response) => response.end('answer'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = await startHttpProxy(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const agent = new TunnelAgent({ keepAlive: true, maxSockets: 1 }, { https: proxy.url }, 1000);

    for (let i = 0; i < 3; i += 1) {
      const request = https.get(`https://${HOST}/`, { agent, ca: certificate.cert });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      expect(await text(response)).toBe('answer');
    }
    agent.destroy();
    server.close();

    expect(proxy.targets).toEqual([`CONNECT ${HOST}:443`]);
  });
});

describeWithPeers(['s3'], 'S3 through a proxy', () => {
  async function openScene(scheme: 'http' | 'https') {
    const server = await S3Server.start();
    await server.bucket('bucket');
    const home = createTempDir();
    const root = join(home, 'root');
    const files = Array.from({ length: FILES }, (_, i) => [`outputs/file${i}`, 'content']);
    makeRun(root, { ...Object.fromEntries(files), 'outputs/large': someBytes(SIZE) });
    const certificate = createCertificate({ name: HOST });
    const authorities = join(home, 'authorities.pem');
    writeFileSync(authorities, certificate.cert);
    const target =
      scheme === 'http' ? server.endpoint : (await startTlsFront(server.endpoint, certificate)).endpoint;
    const proxy = await startHttpProxy(target);
    const base = {
      ...server.env,
      AWS_ENDPOINT_URL: `${scheme}://${HOST}`,
      NODE_EXTRA_CA_CERTS: authorities,
    };
    return {
      server,
      proxy,
      sync: (env: Record<string, string>, ...more: string[]) => {
        const args = ['sync', root, '--store', 's3://bucket/team', '--retry-timeout', '3', ...more];
        return new UploaderProcess(args, { env: { ...base, ...env }, home });
      },
      storedFiles: () => readdirSync(join(server.dataDir, 'bucket'), { recursive: true }).map(String),
    };
  }

  const withUser = ({ url }: HttpProxy): string => url.replace('http://', USER);

  it.each(['http_proxy', 'HTTP_PROXY'])('forwards http requests: %s', async (variable) => {
    const { proxy, sync, storedFiles } = await openScene('http');

    const upload = sync({ [variable]: withUser(proxy) }, '--verbose');

    expect(await upload.exited, upload.output).toBe(0);
    expect(storedFiles().filter((name) => /outputs.(file\d+|large)$/.test(name))).toHaveLength(FILES + 1);
    expect(proxy.targets.length).toBeGreaterThan(5);
    for (const target of proxy.targets)
      expect(target).toMatch(/^[A-Z]+ http:\/\/s3\.example\.invalid\/bucket/);
    expect(new Set(proxy.credentials)).toEqual(new Set([BASIC]));
    expect(upload.output).not.toMatch(/pass(@|%40)word/);
  });

  it.each(['https_proxy', 'HTTPS_PROXY'])('tunnels https requests: %s', async (variable) => {
    const { proxy, sync, storedFiles } = await openScene('https');

    const upload = sync({ [variable]: withUser(proxy), http_proxy: 'http://127.0.0.1:1' });

    expect(await upload.exited, upload.output).toBe(0);
    expect(storedFiles().filter((name) => /outputs.(file\d+|large)$/.test(name))).toHaveLength(FILES + 1);
    expect(new Set(proxy.targets)).toEqual(new Set([`CONNECT ${HOST}:443`]));
    expect(new Set(proxy.credentials)).toEqual(new Set([BASIC]));
  });

  it.each(['no_proxy', 'NO_PROXY'])('connects directly to the hosts of %s', async (variable) => {
    const { proxy, sync } = await openScene('http');

    const upload = sync({ http_proxy: proxy.url, [variable]: 'other.example, example.invalid' });

    expect(await upload.exited).toBe(1);
    expect(upload.output).toMatch(/ENOTFOUND|EAI_AGAIN/);
    expect(upload.output).not.toMatch(/proxy/i);
    expect(proxy.targets).toEqual([]);
  });

  it('connects directly to this host', async () => {
    const { server, proxy, sync } = await openScene('http');

    const upload = sync({ http_proxy: proxy.url, AWS_ENDPOINT_URL: server.endpoint });

    expect(await upload.exited, upload.output).toBe(0);
    expect(proxy.targets).toEqual([]);
  });

  it.each([
    ['http', 407],
    ['http', 502],
    ['https', 407],
    ['https', 403],
    ['https', 502],
  ] as const)(
    'names the proxy without its password if %s requests get status %i from it',
    async (scheme, status) => {
      const { proxy, sync } = await openScene(scheme);
      proxy.status = status;

      const upload = sync({ [`${scheme}_proxy`]: withUser(proxy) }, '--verbose');

      expect(await upload.exited).not.toBe(0);
      expect(upload.output).toContain(`through the proxy ${proxy.url}`);
      expect(upload.output).toContain(String(status));
      expect(upload.output).not.toMatch(/pass(@|%40)word/);
    },
  );

  it('names a proxy that accepts no connection', async () => {
    const { sync } = await openScene('https');
    const proxy = `127.0.0.1:${await findFreePort()}`;

    const upload = sync({ https_proxy: proxy });

    expect(await upload.exited).toBe(1);
    expect(upload.output).toContain(`through the proxy http://${proxy}`);
    expect(upload.output).toContain('ECONNREFUSED');
  });

  it('names a proxy that never answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'some');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    onTestFinished(() => void vi.unstubAllEnvs());
    const store = await openS3Store({
      ...{ bucket: 'bucket', prefix: '', region: 'us-east-1', endpoint: `https://${HOST}` },
      proxies: { https: `http://127.0.0.1:${port}` },
      timeouts: { connectMs: 300 },
    });

    const outcome = await store.check();
    await store.close();
    silent.close();

    expect(outcome).toMatchObject({
      status: 'retry',
      cause: {
        name: 'TimeoutError',
        message: expect.stringContaining(`request through the proxy http://127.0.0.1:${port}: `),
      },
    });
  });

  it('asks for the credentials of a role through the proxy', async () => {
    const { server, proxy, sync } = await openScene('http');
    proxy.respond = (url) =>
      url.startsWith('http://sts.example.invalid/') ? toCredentials(server) : undefined;
    const token = join(createTempDir(), 'token');
    writeFileSync(token, 'a-token');

    const upload = sync({
      ...{ http_proxy: proxy.url, AWS_ENDPOINT_URL_STS: 'http://sts.example.invalid' },
      ...{ AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/trainer', AWS_WEB_IDENTITY_TOKEN_FILE: token },
      ...{ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    });

    await upload.exited;
    expect(proxy.targets).toContain('POST http://sts.example.invalid/');
    expect(proxy.targets.some((target) => target.includes(HOST))).toBe(true);
  });

  it('rejects a proxy that is not a URL, without repeating it', async () => {
    const { sync } = await openScene('http');

    const upload = sync({ http_proxy: 'http://user:secret@proxy:none' });

    expect(await upload.exited).toBe(2);
    expect(upload.output).toContain('HTTP_PROXY: value is not the URL of a proxy');
    expect(upload.output).not.toContain('secret');
  });
});

function toCredentials({ accessKeyId, secretAccessKey }: S3Server): string {
  const expiry = new Date(Date.now() + 3_600_000).toISOString();
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${expiry}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}
