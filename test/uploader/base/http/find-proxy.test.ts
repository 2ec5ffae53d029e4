import { describe, expect, it } from 'vitest';
import { findProxy, proxiesFrom } from '../../../../uploader/base/http/find-proxy.js';

const PROXIES = { http: 'http://proxy:1', https: 'http://proxy:2' };

describe('proxiesFrom', () => {
  it('prefers the names in lower case, and ignores empty values', () => {
    const variables = {
      http_proxy: 'http://a',
      HTTP_PROXY: 'http://b',
      https_proxy: '',
      HTTPS_PROXY: 'https://c',
    };

    expect(proxiesFrom({ ...variables, NO_PROXY: 'd' })).toEqual({
      http: 'http://a',
      https: 'https://c',
      none: 'd',
    });
    expect(proxiesFrom({})).toEqual({});
  });

  it('takes a proxy without a scheme as an HTTP proxy', () => {
    expect(proxiesFrom({ https_proxy: 'user:word@proxy.example:3128' })).toEqual({
      https: 'http://user:word@proxy.example:3128',
    });
  });

  it('rejects what is not a URL without repeating it', () => {
    expect(() => proxiesFrom({ HTTPS_PROXY: 'http://user:secret@proxy:none' })).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG',
        message: 'HTTPS_PROXY: value is not the URL of a proxy',
      }),
    );
  });
});

describe('findProxy', () => {
  it.each([
    'http://localhost:9000',
    'https://127.0.0.2',
    'https://[::1]:9000',
    'http://169.254.169.254/latest/meta-data',
    'http://169.254.170.2/v2/credentials',
    'http://[fe80::1]/',
  ])('connects directly to this host and to the metadata service of a cloud: %s', (url) => {
    expect(findProxy(new URL(url), PROXIES)).toBeNull();
  });

  it('uses the proxy of the scheme', () => {
    expect(findProxy(new URL('http://s3.example'), PROXIES)).toBe('http://proxy:1');
    expect(findProxy(new URL('https://s3.example'), PROXIES)).toBe('http://proxy:2');
  });

  it.each(['s3.example', '.example', '*.example', '*', 'a, s3.example:443', 'EXAMPLE'])(
    'connects directly for NO_PROXY=%s',
    (none) => {
      expect(findProxy(new URL('https://s3.example'), { ...PROXIES, none })).toBeNull();
    },
  );

  it.each(['other.example', 's3.example:80', 'ample'])('uses the proxy for NO_PROXY=%s', (none) => {
    expect(findProxy(new URL('https://s3.example'), { ...PROXIES, none })).toBe('http://proxy:2');
  });
});
