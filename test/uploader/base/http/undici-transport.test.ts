import { describe, expect, it } from 'vitest';
import { createUndiciTransport } from '../../../../uploader/base/http/undici-transport.js';
import { findFreePort } from '../../../support/child-server.js';
import { startHttpProxy } from '../../../support/http-proxy.js';

describe('createUndiciTransport', () => {
  const get = (proxy: string, scheme: string, signal?: AbortSignal) => {
    const tls = { isVerified: true, isHostnameVerified: true };
    const transport = createUndiciTransport({ tls, proxies: { http: proxy, https: proxy } });
    const url = new URL(`${scheme}://server.invalid/path`);
    return transport
      .send({ method: 'GET', url, headers: {}, silenceMs: 3_000, signal })
      .catch((error: unknown) => error)
      .finally(() => transport.close());
  };

  it.each(['http', 'https'])(
    'names the proxy without its password if it rejects %s requests',
    async (scheme) => {
      const proxy = await startHttpProxy('http://127.0.0.1:1');
      proxy.status = 407;

      const error = await get(proxy.url.replace('://', '://user:secret@'), scheme);

      expect(error).toMatchObject({
        message: expect.stringMatching(`^request through the proxy ${proxy.url}: .*407`),
        code: expect.stringContaining('UND_ERR'),
      });
      expect(String(error)).not.toContain('secret');
    },
  );

  it.each(['http', 'https'])('names a proxy that accepts no connection for %s requests', async (scheme) => {
    const proxy = `http://127.0.0.1:${await findFreePort()}`;

    expect(await get(proxy, scheme)).toMatchObject({
      code: 'ECONNREFUSED',
      message: expect.stringContaining(`request through the proxy ${proxy}: `),
    });
  });

  it('does not blame the proxy for a request that was aborted', async () => {
    const proxy = `http://127.0.0.1:${await findFreePort()}`;

    const error = await get(proxy, 'http', AbortSignal.abort());

    expect(error).toBeInstanceOf(Error);
    expect(String(error)).not.toContain('through the proxy');
  });
});
