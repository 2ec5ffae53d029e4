import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attempt } from '../../../uploader/polyaxon-api/api-error.js';
import { PolyaxonClient } from '../../../uploader/polyaxon-api/client.js';
import type { Variables } from '../../../uploader/polyaxon-api/connection.js';
import { createCertificate, daysFromNow } from '../../support/certificate.js';
import { createTempDir } from '../../support/temp-dir.js';
import { connectTo } from '../support/polyaxon-client.js';
import { type Answer, always, startScriptedServer } from '../support/scripted-server.js';

const TOKEN = 's3cr3t-token-0123456789';
const REF = { owner: 'default', project: 'demo', uuid: 'a'.repeat(32) };
const INSTALLATION = JSON.stringify({ version: '2.16.1', dist: 'ce' });

async function openClient(url: string, variables: Variables = {}): Promise<PolyaxonClient> {
  const connection = await connectTo(url, { POLYAXON_AUTH_TOKEN: TOKEN, ...variables });
  const client = new PolyaxonClient({ connection });
  onTestFinished(() => client.close());
  return client;
}

async function failureOf(call: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await call.then(
    () => new Error('it did not fail'),
    (found: unknown) => found as Error,
  );
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(TOKEN);
  return error as unknown as Record<string, unknown>;
}

describe('error answers', () => {
  it.each([
    [
      401,
      '{"detail":"Invalid token."}',
      { code: 'ERR_API_UNAUTHORIZED', isRetryable: false, concernsAllFiles: true },
    ],
    [
      403,
      '{"detail":"No permission."}',
      { code: 'ERR_API_FORBIDDEN', isRetryable: false, concernsAllFiles: false },
    ],
    [409, '{"detail":"Conflict."}', { code: 'ERR_API_CONFLICT', isRetryable: true, maxAttempts: 5 }],
    [
      413,
      '<html><h1>413 Request Entity Too Large</h1></html>',
      { code: 'ERR_API_TOO_LARGE', isRetryable: false },
    ],
    [
      422,
      '{"name":["Too long.","Odd."]}',
      { code: 'ERR_API_INVALID', fields: { name: ['Too long.', 'Odd.'] } },
    ],
    [405, '', { code: 'ERR_API_SERVER', isRetryable: true }],
    [429, '{"detail":"Request was throttled."}', { code: 'ERR_API_THROTTLED', isRetryable: true }],
    [500, '<html><style>x{}</style>Server Error</html>', { code: 'ERR_API_SERVER', isRetryable: true }],
    [502, '', { code: 'ERR_API_SERVER', isRetryable: true }],
    [503, 'maintenance', { code: 'ERR_API_SERVER', isRetryable: true }],
    [522, '', { code: 'ERR_API_SERVER', isRetryable: true }],
    [501, '', { code: 'ERR_API_SERVER', isRetryable: false }],
    [407, '', { code: 'ERR_API_UNREACHABLE', isRetryable: false }],
    [404, '<html>nginx</html>', { code: 'ERR_API_MISSING', concernsAllFiles: true }],
  ])('%d %s', async (status, body, expected) => {
    const { url } = await startScriptedServer(always(status, body));

    const error = await failureOf((await openClient(url)).patchRun(REF, { name: 'x' }));

    expect(error).toMatchObject({ httpStatus: status, ...expected });
    expect(error.message).toMatch(new RegExp(`^change the run a{32}: ${status}`));
    expect(error.message).not.toMatch(/[<\n]|x\{\}/);
    expect(error.hint).toMatch(/\.$/);
  });

  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT', date: 'Wed, 21 Oct 2026 07:28:00 GMT' }, 30_000],
    [{ 'retry-after': 'soon' }, undefined],
  ])('set the delay before a retry from %j', async (headers: Record<string, string>, retryAfterMs) => {
    const { url } = await startScriptedServer(always(429, '{}', headers));
    const client = await openClient(url);

    expect(await failureOf(client.installation())).toMatchObject({ retryAfterMs });
    expect(await attempt(() => client.installation())).toMatchObject({
      status: 'retry',
      ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }),
    });
  });

  it('never contain the token, even if the server repeats it', async () => {
    const { url } = await startScriptedServer(({ headers }, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ detail: `bad header: ${headers.authorization}` }));
    });

    const error = await failureOf((await openClient(url)).installation());

    expect(error.message).toContain('bad header: Token …');
  });

  it.each([
    ['[Errno 28] No space left on device', { isRetryable: true, maxAttempts: Number.POSITIVE_INFINITY }],
    ['[Errno 13] Permission denied', { isRetryable: true, maxAttempts: 5 }],
    ['[Errno 36] File name too long', { code: 'ERR_API_INVALID', isRetryable: false }],
  ])('classify a failed upload by %s', async (reason, expected) => {
    const text = `Run's artifacts upload was unsuccessful, an error was raised while uploading the data ${reason}.`;
    const { url } = await startScriptedServer(always(400, text, { 'content-type': 'text/html' }));

    const error = await failureOf((await openClient(url)).uploadArtifact(REF, 'a/b', Buffer.from('x')));

    expect(error).toMatchObject({ code: 'ERR_API_SERVER', ...expected });
  });
});

describe('a rejection before the body is sent', () => {
  it.each([true, false])('is reported; connection closed: %s', async (closes) => {
    const server = createServer((request, response) => {
      response.writeHead(413, closes ? { connection: 'close' } : {}).end('too large');
      if (closes) setTimeout(() => request.socket.destroy(), 50);
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const client = await openClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const mib = Buffer.alloc(1024 * 1024);
    const chunks = async function* () {
      for (let index = 0; index < 64; index += 1) yield mib;
    };

    const error = await failureOf(
      client.uploadArtifact(REF, 'large', { sizeBytes: 64 * mib.length, chunks }),
    );

    // If the server does not wait for the whole body, either error may be seen first.
    expect(['ERR_API_TOO_LARGE', ...(closes ? ['ERR_API_UNREACHABLE'] : [])]).toContain(error.code);
  });
});

describe('getTree', () => {
  it.each([
    '{"files":{},"dirs":[{"toString":1}]}',
    '{"files":{},"dirs":[1]}',
    '{"files":null,"dirs":[]}',
    '[]',
  ])('rejects %s, which is no directory', async (answer) => {
    const { url } = await startScriptedServer(always(200, answer));

    expect(await failureOf((await openClient(url)).getTree(REF, ''))).toMatchObject({
      code: expect.stringMatching(/^ERR_API_/),
    });
  });

  it.each([
    [`Could not list path x. Error [Errno 2] No such file or directory: '/root/x'`],
    [`Could not list path x. Error [Errno 20] Not a directory: '/root/x'`],
    [`Could not list path x. Error bucket/prefix/${REF.uuid}/events/metric`],
  ])('returns null for the error %s', async (error) => {
    const { url } = await startScriptedServer(always(200, JSON.stringify({ files: {}, dirs: [], error })));

    expect(await (await openClient(url)).getTree(REF, 'events/metric')).toBeNull();
  });

  it.each(['[Errno 13] Permission denied: /x', 'Unable to locate credentials'])(
    'throws for the error %s',
    async (reason) => {
      const error = `Could not list path x. Error ${reason}`;
      const { url } = await startScriptedServer(always(200, JSON.stringify({ files: {}, dirs: [], error })));

      expect(await failureOf((await openClient(url)).getTree(REF, 'events/metric'))).toMatchObject({
        code: 'ERR_API_SERVER',
        isRetryable: true,
      });
    },
  );
});

describe('invalid answers', () => {
  const LOGIN = '<html><body>Please <b>log in</b></body></html>';
  it.each(['installation', 'getRun', 'uploadArtifact'] as const)(
    'throw for an HTML page instead of JSON: %s',
    async (name) => {
      const { url } = await startScriptedServer(always(200, LOGIN, { 'content-type': 'text/html' }));
      const client = await openClient(url);
      const calls = {
        installation: () => client.installation(),
        getRun: () => client.getRun(REF),
        uploadArtifact: () => client.uploadArtifact(REF, 'a', Buffer.from('x')),
      };

      const error = await failureOf(calls[name]());

      expect(error).toMatchObject({ code: 'ERR_API_NOT_JSON', isRetryable: true, concernsAllFiles: true });
      expect(error.message).toContain('text/html instead of an answer of the API: Please log in');
    },
  );

  it.each(['[]', '"text"', '{"count":1}', 'null'])('throw for JSON that is not a run: %s', async (body) => {
    const { url } = await startScriptedServer(always(200, body));

    expect(await failureOf((await openClient(url)).getRun(REF))).toMatchObject({ code: 'ERR_API_NOT_JSON' });
  });

  it('throw for damaged compressed data, but not for a valid compressed answer', async () => {
    let body = gzipSync(INSTALLATION);
    const { url } = await startScriptedServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(body);
    });
    const client = await openClient(url);

    expect(await client.installation()).toMatchObject({ version: '2.16.1' });
    body = body.subarray(0, 20);
    expect(await failureOf(client.installation())).toMatchObject({ code: 'ERR_API_UNREACHABLE' });
  });

  it.each([
    ['no header', (() => undefined) as Answer],
    [
      'half of a body',
      ((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        response.write('{"version":');
      }) as Answer,
    ],
  ])('time out: %s', async (_name, answer) => {
    const { url } = await startScriptedServer(answer);

    const error = await failureOf((await openClient(url, { POLYAXON_TIMEOUT: '0.5' })).installation());

    expect(error).toMatchObject({ code: 'ERR_API_UNREACHABLE', isRetryable: true });
  });

  it.each([
    ['throw for a closed connection', (_request, response) => response.destroy()],
    [
      'throw for half of a body',
      (_request, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half');
        setTimeout(() => response.destroy(), 50);
      },
    ],
  ] as [string, Answer][])('%s', async (_name, answer) => {
    const { url } = await startScriptedServer(answer);

    expect(await failureOf((await openClient(url)).installation())).toMatchObject({
      code: 'ERR_API_UNREACHABLE',
      isRetryable: true,
    });
  });

  it('throw for a host without an address', async () => {
    const client = await openClient('http://no-such-host.invalid');

    expect(await failureOf(client.installation())).toMatchObject({
      code: 'ERR_API_UNREACHABLE',
      isRetryable: true,
    });
  });
});

describe('credentials', () => {
  it.each([
    [{}, { authorization: `Token ${TOKEN}` }],
    [{ POLYAXON_AUTHENTICATION_TYPE: 'EphemeralToken' }, { authorization: `EphemeralToken ${TOKEN}` }],
    [
      { POLYAXON_HEADER: 'X-POLYAXON-SERVICE', POLYAXON_HEADER_SERVICE: 'runner' },
      { 'x-polyaxon-service': 'runner' },
    ],
  ])('are sent as set by %j', async (variables: Variables, headers) => {
    const { url, seen } = await startScriptedServer(always(200, INSTALLATION));

    await (await openClient(url, variables)).installation();

    expect(seen[0]?.headers).toMatchObject(headers);
  });

  it('are not sent for the token no-auth', async () => {
    const { url, seen } = await startScriptedServer(always(200, INSTALLATION));

    await (await openClient(url, { POLYAXON_AUTH_TOKEN: 'no-auth' })).installation();

    expect(seen[0]?.headers).not.toHaveProperty('authorization');
  });

  it('are read again when the cluster renews the file, also during a call', async () => {
    const root = createTempDir();
    const path = join(root, '.configs', '.auth');
    mkdirSync(join(root, '.configs'));
    writeFileSync(path, JSON.stringify({ token: 'old' }));
    const { url, seen } = await startScriptedServer(({ headers }, response) => {
      if (headers.authorization !== 'Token old') return always(200, INSTALLATION)({} as never, response);
      writeFileSync(path, JSON.stringify({ token: 'renewed' }));
      return always(401, '{"detail":"Token expired."}')({} as never, response);
    });
    const client = await openClient(url, { POLYAXON_CONTEXT_ROOT: root });

    expect(await client.installation()).toMatchObject({ version: '2.16.1' });
    await client.installation();

    expect(seen.map(({ headers }) => headers.authorization)).toEqual([
      'Token old',
      'Token renewed',
      'Token renewed',
    ]);
  });

  it('are not part of a printed connection', async () => {
    const connection = await connectTo('http://127.0.0.1:9', { POLYAXON_AUTH_TOKEN: TOKEN });
    await connection.credentials.authorization();

    expect(inspect(connection, { depth: 10, showHidden: true }) + JSON.stringify(connection)).not.toContain(
      TOKEN,
    );
  });
});

describe('a broken connection', () => {
  const cut = (response: ServerResponse): void => {
    response.socket?.destroy();
  };

  it('is retried once for a GET', async () => {
    const { url, seen } = await startScriptedServer((_request, response) => {
      if (seen.length % 2 === 1) cut(response);
      else response.writeHead(200, { 'content-type': 'application/json' }).end(INSTALLATION);
    });

    expect(await (await openClient(url)).installation()).toMatchObject({ version: '2.16.1' });

    expect(seen).toHaveLength(2);
  });

  it('fails a GET the second time, and fails any other request at once', async () => {
    const { url, seen } = await startScriptedServer((_request, response) => cut(response));
    const client = await openClient(url);

    expect(await failureOf(client.installation())).toMatchObject({ code: 'ERR_API_UNREACHABLE' });
    expect(seen).toHaveLength(2);
    expect(await failureOf(client.patchRun(REF, { name: 'x' }))).toMatchObject({ isRetryable: true });
    expect(seen).toHaveLength(3);
  });
});

describe('redirects', () => {
  it('are followed by a GET, without credentials to another origin', async () => {
    const other = await startScriptedServer(always(200, INSTALLATION));
    const { url, seen } = await startScriptedServer(({ url: path }, response) => {
      const location = path === '/moved' ? `${other.url}/elsewhere` : '/moved';
      response.writeHead(302, { location }).end();
    });
    const variables = { POLYAXON_HEADER: 'x-polyaxon-service', POLYAXON_HEADER_SERVICE: 'runner' };

    expect(await (await openClient(url, variables)).installation()).toMatchObject({ version: '2.16.1' });

    expect(seen.map(({ headers }) => headers.authorization)).toEqual([`Token ${TOKEN}`, `Token ${TOKEN}`]);
    expect(other.seen).toHaveLength(1);
    expect(other.seen[0]?.headers).not.toHaveProperty('authorization');
    expect(other.seen[0]?.headers).not.toHaveProperty('x-polyaxon-service');
  });

  it('are not followed by other requests, and the error names the target without secrets', async () => {
    const other = await startScriptedServer(always(200, '{}'));
    const location = `${other.url}/api?signature=hidden`;
    const { url } = await startScriptedServer(always(308, '', { location }));

    const error = await failureOf((await openClient(url)).patchRun(REF, { name: 'x' }));

    expect(error).toMatchObject({ code: 'ERR_API_REDIRECTED', isRetryable: false });
    expect(error.message).toContain(`308 to ${other.url}/api`);
    expect(error.message).not.toContain('hidden');
    expect(other.seen).toEqual([]);
  });

  it('fail after a maximum number', async () => {
    const { url, seen } = await startScriptedServer(always(302, '', { location: '/again' }));

    expect(await failureOf((await openClient(url)).installation())).toMatchObject({
      code: 'ERR_API_REDIRECTED',
    });
    expect(seen.length).toBeLessThan(10);
  });
});

describe('TLS', () => {
  function toFile(name: string, text: string): string {
    const path = join(createTempDir(), name);
    writeFileSync(path, text);
    return path;
  }

  it('trusts only the configured authority', async () => {
    const certificate = createCertificate();
    const { url, seen } = await startScriptedServer(always(200, INSTALLATION), certificate);
    const trusting = await openClient(url, { POLYAXON_SSL_CA_CERT: toFile('ca.pem', certificate.cert) });

    expect(await failureOf((await openClient(url)).installation())).toMatchObject({
      code: 'ERR_API_UNTRUSTED',
      isRetryable: true,
      retryAfterMs: 300_000,
      hint: expect.stringContaining('POLYAXON_SSL_CA_CERT'),
    });
    expect(seen).toEqual([]);
    expect(await trusting.installation()).toMatchObject({ version: '2.16.1' });
  });

  it('rejects certificates that have expired or are for another host', async () => {
    const expired = createCertificate({ to: daysFromNow(-1) });
    const otherHost = createCertificate({ name: 'other.example', address: '192.0.2.1' });
    for (const certificate of [expired, otherHost]) {
      const { url } = await startScriptedServer(always(200, INSTALLATION), certificate);
      const variables = { POLYAXON_SSL_CA_CERT: toFile('ca.pem', certificate.cert) };

      expect(await failureOf((await openClient(url, variables)).installation())).toMatchObject({
        code: 'ERR_API_UNTRUSTED',
      });
    }
    const { url } = await startScriptedServer(always(200, INSTALLATION), otherHost);
    const variables = {
      POLYAXON_SSL_CA_CERT: toFile('ca.pem', otherHost.cert),
      POLYAXON_ASSERT_HOSTNAME: 'false',
    };
    expect(await (await openClient(url, variables)).installation()).toMatchObject({ version: '2.16.1' });
  });

  it('trusts any certificate only if verification is turned off', async () => {
    const { url } = await startScriptedServer(always(200, INSTALLATION), createCertificate());

    expect(await (await openClient(url, { POLYAXON_VERIFY_SSL: 'false' })).installation()).toMatchObject({
      version: '2.16.1',
    });
  });

  it('reports a server without TLS', async () => {
    const { url } = await startScriptedServer(always(200, INSTALLATION));

    expect(await failureOf((await openClient(url.replace('http', 'https'))).installation())).toMatchObject({
      code: 'ERR_API_UNTRUSTED',
    });
  });
});

describe('proxies', () => {
  /** Forwards requests and tunnels for any host to one server. */
  async function startProxy(target: string) {
    const seen: string[] = [];
    const sockets = new Set<Socket>();
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      response.writeHead(200, { 'content-type': 'application/json' }).end(INSTALLATION);
    });
    server.on('connect', (request, socket: Socket) => {
      seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      const upstream = connect(Number(new URL(target).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.pipe(upstream).pipe(socket);
      });
      for (const each of [socket, upstream]) {
        sockets.add(each);
        each.on('error', () => undefined);
      }
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close();
    });
    return { seen, port: (server.address() as AddressInfo).port };
  }

  it('in the environment receive http requests, with their own credentials', async () => {
    const { url } = await startScriptedServer(always(200, INSTALLATION));
    const { port, seen } = await startProxy(url);
    const client = await openClient('http://polyaxon.test', {
      http_proxy: `http://me:pass@127.0.0.1:${port}`,
    });

    expect(await client.installation()).toMatchObject({ version: '2.16.1' });
    expect(seen).toEqual([
      `GET http://polyaxon.test/api/v1/installation Basic ${Buffer.from('me:pass').toString('base64')}`,
    ]);
  });

  it('tunnel https requests, and the server presents its own certificate', async () => {
    const certificate = createCertificate({ name: 'polyaxon.test' });
    const { url, seen: served } = await startScriptedServer(always(200, INSTALLATION), certificate);
    const { port, seen } = await startProxy(url);
    const ca = join(createTempDir(), 'ca.pem');
    writeFileSync(ca, certificate.cert);
    const variables = { HTTPS_PROXY: `http://127.0.0.1:${port}`, POLYAXON_SSL_CA_CERT: ca };

    expect(await (await openClient('https://polyaxon.test', variables)).installation()).toMatchObject({
      version: '2.16.1',
    });
    expect(seen).toEqual(['CONNECT polyaxon.test:443']);
    expect(served[0]?.headers.authorization).toBe(`Token ${TOKEN}`);
    expect(
      await failureOf(
        (await openClient('https://polyaxon.test', { https_proxy: variables.HTTPS_PROXY })).installation(),
      ),
    ).toMatchObject({
      code: 'ERR_API_UNTRUSTED',
    });
  });

  it('that are unreachable cause an error', async () => {
    const client = await openClient('http://polyaxon.test', { http_proxy: 'http://127.0.0.1:9' });

    expect(await failureOf(client.installation())).toMatchObject({
      code: 'ERR_API_UNREACHABLE',
      isRetryable: true,
    });
  });

  it('are not used for loopback', async () => {
    const { url, seen } = await startScriptedServer(always(200, INSTALLATION));

    await (await openClient(url, { http_proxy: 'http://127.0.0.1:9' })).installation();

    expect(seen).toHaveLength(1);
  });
});

describe('answers without end', () => {
  it('F81: end the list of a lineage whose server repeats the same page', async () => {
    const page = { results: [{ name: 'a', kind: 'metric' }] };
    const { url, seen } = await startScriptedServer(always(200, JSON.stringify(page)));
    const client = await openClient(url);

    const failure = await failureOf(client.getLineage(REF));

    expect(failure).toMatchObject({ code: 'ERR_API_SERVER', isRetryable: false, concernsAllFiles: false });
    expect(String(failure)).toContain('the list does not end');
    expect(seen.length).toBe(2);
  });

  it('F80: take no time to search, even if a page consists of unclosed elements', async () => {
    for (const element of ['<script', '<']) {
      const { url } = await startScriptedServer(always(400, element.repeat(2_000_000)));
      const client = await openClient(url);
      const startMs = performance.now();

      // Searching all of it for the end of each element would take hours, and as much as is read some seconds.
      expect(await failureOf(client.installation())).toMatchObject({
        code: 'ERR_API_INVALID',
        httpStatus: 400,
      });
      expect(performance.now() - startMs).toBeLessThan(2_000);
    }
  });

  it('F85: are not parsed if their JSON is nested too deeply', async () => {
    const { url } = await startScriptedServer(always(200, '['.repeat(1_000_000)));
    const client = await openClient(url);

    expect(await failureOf(client.installation())).toMatchObject({ code: 'ERR_API_NOT_JSON' });
  });
});
