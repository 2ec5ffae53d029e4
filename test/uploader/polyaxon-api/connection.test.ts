import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProxy } from '../../../uploader/base/http/find-proxy.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { findConnection, parseHost, type Variables } from '../../../uploader/polyaxon-api/connection.js';
import { parsePolyaxonUrl, toPolyaxonUrl } from '../../../uploader/polyaxon-api/polyaxon-url.js';
import { ProjectDirectory, parseProject } from '../../../uploader/polyaxon-api/project-directory.js';
import { createTempDir } from '../../support/temp-dir.js';

/** Creates a home directory with files of Polyaxon. */
function createHome(files: Readonly<Record<string, string>>): string {
  const home = createTempDir();
  mkdirSync(join(home, '.polyaxon'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, '.polyaxon', name), text);
  return home;
}

function connect(variables: Variables, options: { host?: string; token?: string } = {}) {
  return findConnection(options, { POLYAXON_CONTEXT_ROOT: '/nonexistent', ...variables }, nodeFileSystem);
}

describe('findConnection', () => {
  it('takes host and token from options, else the environment, else the files, else the default', async () => {
    const HOME = createHome({
      '.client': '{"POLYAXON_HOST":"https://from.file/"}',
      '.auth': '{"POLYAXON_AUTH_TOKEN":"file-token"}',
    });
    const fromFile = await connect({ HOME });
    const fromEnvironment = await connect({
      HOME,
      POLYAXON_HOST: 'https://from.env',
      POLYAXON_AUTH_TOKEN: 'env-token',
    });
    const given = await connect(
      { HOME, POLYAXON_HOST: 'https://from.env' },
      { host: 'given:81', token: 'mine' },
    );
    const usual = await connect({ HOME: createTempDir() });

    expect([fromFile.host, await fromFile.credentials.authorization()]).toEqual([
      'https://from.file',
      'Token file-token',
    ]);
    expect([fromEnvironment.host, await fromEnvironment.credentials.authorization()]).toEqual([
      'https://from.env',
      'Token env-token',
    ]);
    expect([given.host, await given.credentials.authorization()]).toEqual(['https://given:81', 'Token mine']);
    expect([usual.host, await usual.credentials.authorization()]).toEqual(['http://localhost:8000', null]);
  });

  it('prefers the linked file of the cluster to the environment', async () => {
    const root = createTempDir();
    mkdirSync(join(root, '.configs', '..data'), { recursive: true });
    writeFileSync(join(root, '.configs', '..data', 'auth'), '{"token":"cluster-token"}');
    symlinkSync('..data/auth', join(root, '.configs', '.auth'));

    const { credentials } = await connect({
      HOME: createTempDir(),
      POLYAXON_CONTEXT_ROOT: root,
      POLYAXON_AUTH_TOKEN: 'env-token',
    });

    expect(await credentials.authorization()).toBe('Token cluster-token');
    expect(await credentials.describe()).toBe(join(root, '.configs', '.auth'));
  });

  it('takes version, namespace, store and certificates from the environment', async () => {
    const directory = createTempDir();
    const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => join(directory, name));
    for (const path of [ca, cert, key]) writeFileSync(String(path), `pem of ${path}`);
    const found = await connect({
      ...{ HOME: createTempDir(), POLYAXON_API_VERSION: 'v2', POLYAXON_K8S_NAMESPACE: 'team' },
      ...{ POLYAXON_ARTIFACTS_STORE_NAME: 'bucket', POLYAXON_TIMEOUT: '7' },
      ...{ POLYAXON_SSL_CA_CERT: ca, POLYAXON_CERT_FILE: cert, POLYAXON_KEY_FILE: key },
      ...{ POLYAXON_VERIFY_SSL: 'false', POLYAXON_ASSERT_HOSTNAME: 'false' },
      ...{ POLYAXON_HEADER: 'X-Service', POLYAXON_HEADER_SERVICE: 'sidecar' },
      ...{ POLYAXON_AUTHENTICATION_TYPE: 'Bearer', POLYAXON_AUTH_TOKEN: 't' },
    });

    const { apiVersion, namespace, artifactsStore, silenceMs, tls, serviceHeader, credentials } = found;
    expect([apiVersion, namespace, artifactsStore, silenceMs]).toEqual(['v2', 'team', 'bucket', 7_000]);
    expect(JSON.stringify(serviceHeader)).toContain('sidecar');
    expect(await credentials.authorization()).toBe('Bearer t');
    for (const part of ['ca', 'cert', 'key'] as const) expect(String(tls[part])).toContain(`pem of`);
    expect([tls.isVerified, tls.isHostnameVerified]).toEqual([false, false]);
  });

  it('reads plain names in files, uses the stored home, and reads no file with POLYAXON_NO_CONFIG', async () => {
    const written = createTempDir();
    mkdirSync(join(written, '.polyaxon'));
    writeFileSync(join(written, '.polyaxon', '.client'), '{"host":"http://written.down:8000"}');
    writeFileSync(join(written, '.polyaxon', '.auth'), '{"token":"t","username":"u"}');
    const HOME = createHome({ '.home': `path: ${written}\n` });
    const { host, credentials } = await connect({ HOME });

    expect([host, await credentials.authorization()]).toEqual(['http://written.down:8000', 'Token t']);
    expect((await connect({ HOME, POLYAXON_NO_CONFIG: '1' })).host).toBe('http://localhost:8000');
    const named = await connect({ HOME: createTempDir(), POLYAXON_HOME: written });
    expect(named.host).toBe('http://written.down:8000');
  });

  it.each([
    [{ POLYAXON_HOST: 'https://me:hidden@host' }],
    [{ POLYAXON_HOST: 'ht tp://' }],
    [{ POLYAXON_TIMEOUT: 'soon' }],
    [{ POLYAXON_AUTHENTICATION_TYPE: 'Basic' }],
    [{ POLYAXON_SSL_CA_CERT: '/nonexistent/ca.pem' }],
  ])('rejects %j', async (variables: Variables) => {
    const error = await connect({ HOME: '/nonexistent', ...variables }).catch((found: unknown) => found);

    expect(error).toMatchObject({ code: 'ERR_CONFIG' });
    expect(String(error)).not.toContain('hidden');
  });

  it('rejects a file that is not JSON', async () => {
    await expect(connect({ HOME: createHome({ '.client': '{' }) })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
    });
  });

  it('ignores tokens that are invalid in a header, and incomplete files', async () => {
    const HOME = createHome({ '.auth': '{"token":' });
    const broken = await connect({ HOME, POLYAXON_AUTH_TOKEN: 'two\nlines' });

    expect(await (await connect({ HOME })).credentials.authorization()).toBeNull();
    expect(await broken.credentials.authorization()).toBeNull();
  });
});

describe('parseHost', () => {
  it.each([
    ['127.0.0.1:8111', 'http://127.0.0.1:8111'],
    ['localhost', 'http://localhost'],
    ['[::1]:80', 'http://[::1]'],
    ['polyaxon.example', 'https://polyaxon.example'],
    ['HTTP://Polyaxon.Example:80/', 'http://polyaxon.example'],
    ['https://polyaxon.example/below//', 'https://polyaxon.example/below'],
  ])('converts %s to %s', (text, host) => {
    expect(parseHost(text)).toBe(host);
  });
});

describe('parsePolyaxonUrl', () => {
  it.each([
    ['polyaxon://', { host: null, owner: null, project: null }],
    ['polyaxon:///default/demo', { host: null, owner: 'default', project: 'demo' }],
    [
      'polyaxon://127.0.0.1:8111/default/demo',
      { host: 'http://127.0.0.1:8111', owner: 'default', project: 'demo' },
    ],
    [
      'polyaxon://polyaxon.example/acme/demo/',
      { host: 'https://polyaxon.example', owner: 'acme', project: 'demo' },
    ],
    ['polyaxon+http://polyaxon.example', { host: 'http://polyaxon.example', owner: null, project: null }],
    ['Polyaxon+HTTPS://127.0.0.1', { host: 'https://127.0.0.1', owner: null, project: null }],
  ])('parses %s', (text, expected) => {
    const location = parsePolyaxonUrl(text);

    expect(location).toEqual({ scheme: 'polyaxon', ...expected });
    if (location.host !== null)
      expect(parsePolyaxonUrl(toPolyaxonUrl(location, location.host))).toEqual(location);
  });
});

describe('findProxy', () => {
  const none = 'direct.example, .sub.example:8443 other.example:90';
  const proxies = { http: 'http://p:1', https: 'http://p:2', none };
  it.each([
    ['http://a.example', 'http://p:1'],
    ['https://a.example', 'http://p:2'],
    ['https://direct.example', null],
    ['https://below.direct.example', null],
    ['https://notdirect.example', 'http://p:2'],
    ['https://x.sub.example:8443', null],
    ['https://x.sub.example', 'http://p:2'],
    ['http://other.example:90', null],
    ['http://localhost', null],
    ['https://127.0.0.7:1', null],
    ['http://[::1]', null],
  ])('returns the proxy for %s: %s', (url, proxy) => {
    expect(findProxy(new URL(url), proxies)).toBe(proxy);
  });

  it('returns null for any host with *, and without a proxy', () => {
    expect(findProxy(new URL('http://a.example'), { ...proxies, none: '*' })).toBeNull();
    expect(findProxy(new URL('https://a.example'), { http: 'http://p:1' })).toBeNull();
  });
});

describe('ProjectDirectory', () => {
  it('returns the project of a run, and the fallback for other runs', () => {
    const projects = new ProjectDirectory({ owner: 'acme', project: 'demo' });
    projects.set('a', { owner: 'other', project: 'theirs' });

    expect(projects.refOf('a')).toEqual({ owner: 'other', project: 'theirs', uuid: 'a' });
    expect(projects.refOf('b')).toEqual({ owner: 'acme', project: 'demo', uuid: 'b' });
    projects.delete('a');
    expect(projects.refOf('a')).toEqual({ owner: 'acme', project: 'demo', uuid: 'a' });
  });

  it.each([
    ['demo', { project: 'demo' }],
    ['acme/demo', { owner: 'acme', project: 'demo' }],
    ['acme.demo', { owner: 'acme', project: 'demo' }],
    ['acme/team/demo', { owner: 'acme', project: 'demo' }],
  ])('parses the project %s', (text, expected) => {
    expect(parseProject(text)).toEqual(expected);
  });
});
