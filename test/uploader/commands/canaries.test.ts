/** A canary in every slot that holds a credential, and servers that repeat all they receive: no command prints a canary or writes it to a file. */

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { createRedactor } from '../../../uploader/base/redact.js';
import type { OutcomeError } from '../../../uploader/base/retry-table.js';
import { openKubernetesLeases } from '../../../uploader/cluster/kubernetes-leases.js';
import { FLAGS, type Row, SETTINGS, variablesOf } from '../../../uploader/settings/table.js';
import { webhook } from '../../../uploader/settings/value-types.js';
import { createCertificate } from '../../support/certificate.js';
import { waitFor } from '../../support/child-server.js';
import { call } from '../../support/data-provider-client.js';
import { runCommand } from '../../support/run-command.js';
import { createSharedTempDir } from '../../support/temp-dir.js';
import { makeRun, RUN } from '../support/run-tree.js';

const certificate = createCertificate();

/** The value of each slot, in the form that its place needs. */
const CANARIES = {
  s3Key: 'canaryS3Key0/1a+2b3c4d5e6f7081920a1b2c3d',
  s3Session: 'canaryS3Session1a2b3c4d5e6f708192',
  azureKey: Buffer.from('canaryAzureKey1a2b3c4d5e6f7081').toString('base64'),
  azureSignature: 'canaryAzureSignature1a2b3c4d5e6f',
  gcsSubject: 'canaryGcsSubject1a2b3c4d5e6f7081',
  polyaxonToken: 'canaryPolyaxonToken1a2b3c4d5e6f',
  endpointPassword: 'canaryEndpointPassword1a2b3c4d',
  webhook: 'canaryWebhook1a2b3c4d5e6f708192',
  proxyPassword: 'canaryProxyPassword1a2b3c4d5e6f',
  proxyToken: 'canaryProxyToken1a2b3c4d5e6f7081',
  sharedAccess: 'canarySharedAccess1a2b3c4d5e6f70',
  accountKey: Buffer.from('canaryAccountKey1a2b3c4d5e6f708').toString('base64'),
  containerToken: 'canaryContainerToken1a2b3c4d5e6f',
  webIdentity: 'canaryWebIdentity1a2b3c4d5e6f7081',
  polyaxonFile: 'canaryPolyaxonFile1a2b3c4d5e6f70',
  clientKey: certificate.key.split('\n')[1]!,
  serviceAccountKey: 'canaryServiceAccountKey1a2b3c4d5e',
  kubernetesToken: 'canaryKubernetesToken1a2b3c4d5e6f',
  storeUrl: 'canaryStoreUrl/1a+2b3c4d5e6f7081',
  serveToken: 'canaryServeToken1a2b3c4d5e6f7081',
};
/** The settings and variables that are secrets, or paths of files that contain one, with the canary of each. */
const SLOTS: Readonly<Record<string, keyof typeof CANARIES>> = {
  alertWebhook: 'webhook',
  token: 'serveToken',
  AWS_SECRET_ACCESS_KEY: 's3Key',
  AWS_SESSION_TOKEN: 's3Session',
  AWS_CONTAINER_AUTHORIZATION_TOKEN: 'containerToken',
  AZURE_STORAGE_CONNECTION_STRING: 'azureKey',
  AZURE_STORAGE_KEY: 'accountKey',
  AZURE_STORAGE_SAS_TOKEN: 'sharedAccess',
  GOOGLE_APPLICATION_CREDENTIALS: 'gcsSubject',
  POLYAXON_AUTH_TOKEN: 'polyaxonToken',
  POLYAXON_KEY_FILE: 'clientKey',
  POLYTRACK_ALERT_WEBHOOK: 'webhook',
};
/** Named like secrets, but public: names, identifiers, certificates, and paths of files without secrets. */
const PUBLIC = [
  ...['include', 'kmsKey', 'POLYTRACK_KMS_KEY', 'AWS_ACCESS_KEY_ID', 'POLYAXON_AUTHENTICATION_TYPE'],
  ...['POLYAXON_SSL_CA_CERT', 'POLYAXON_CERT_FILE'],
];
const SECRET_NAME = /token|secret|password|credential|webhook|key|auth|cert|connection|signature/i;
const VARIABLE = /\b(?:AWS|AZURE|GOOGLE|KUBERNETES|POLYAXON|POLYTRACK)(?:_[A-Z0-9]+)+\b/g;
/** V8 repeats so much of invalid JSON. */
const SHOWN_LENGTH = 9;
/** A signature lets others repeat a request; it is made from a secret, so only its prefix is known. */
const SIGNATURE = /Signature=[0-9a-f]{16}|SharedKey account:[\w+/]{16}/;

const SOURCES = fileURLToPath(new URL('../../../uploader/', import.meta.url));

const home = createSharedTempDir();
/** Files that contain a canary, as a user would have them. */
const secrets = createSharedTempDir();
const root = join(home, 'root');
const store = `file://${home}/store`;
/** A request that arrives here shows which canaries are in use. */
const received: string[] = [];
let port = 0;
let tlsPort = 0;

/** Answers by a part of the path. */
const LISTINGS = {
  'list-type=2': '<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated></ListBucketResult>',
  'comp=list':
    '<EnumerationResults ContainerName="container"><Prefix>a/</Prefix><Blobs></Blobs><NextMarker></NextMarker></EnumerationResults>',
  installation: '{"version":"2.16.1","dist":"ce"}',
};
/** Whether listings succeed, so that a command tries to upload. */
let hasListings = false;

async function repeat(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = (await buffer(request)).toString('latin1').slice(0, 1000);
  const { authorization, 'x-amz-security-token': session, ...headers } = request.headers;
  const all = [authorization, session, request.method, request.url, JSON.stringify(headers), body].join(' ');
  received.push(all);
  const url = request.url ?? '';
  const listing = Object.entries(LISTINGS).find(([part]) => url.includes(part))?.[1];
  if (hasListings && listing !== undefined) {
    response.setHeader('content-type', listing.startsWith('{') ? 'application/json' : 'application/xml');
    response.end(listing);
    return;
  }
  const isXml = /bucket|container/.test(url);
  const text = all.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  response.writeHead(request.method === 'HEAD' ? 404 : request.method === 'GET' ? 400 : 403, {
    'content-type': isXml ? 'application/xml' : 'application/json',
  });
  response.end(
    isXml
      ? `<Error><Code>Odd</Code><Message>${text}</Message></Error>`
      : JSON.stringify({ message: all, detail: all, error: all, error_description: all }),
  );
}

const server = createServer((request, response) => void repeat(request, response));
const tlsServer = createTlsServer(
  { ...certificate, requestCert: true, rejectUnauthorized: false },
  (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    received.push(`client certificate: ${subject?.CN}`);
    void repeat(request, response);
  },
);

server.on('connect', ({ headers }, socket) => {
  received.push(JSON.stringify(headers));
  socket.end(`HTTP/1.1 407 ${headers['proxy-authorization']}\r\n\r\n${JSON.stringify(headers)}`);
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => tlsServer.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
  ({ port: tlsPort } = tlsServer.address() as AddressInfo);
  makeRun(root, {
    'outputs/a': 'content',
    'outputs/.env': 'x',
    'run.plx.json': JSON.stringify({ uuid: RUN }),
  });
  makeRun(root, {
    'run.plx.json': JSON.stringify({ uuid: RUN, name: 'a run', status: 'failed' }),
    '.plx/alerts-main.jsonl': `${JSON.stringify({ id: '1', time: new Date().toISOString(), level: 'warn', title: 't', text: '', run: { uuid: RUN, name: 'n' } })}\n`,
  });
  writeFileSync(join(secrets, 'subject'), CANARIES.gcsSubject);
  writeFileSync(
    join(secrets, 'gcs.json'),
    JSON.stringify({
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `http://127.0.0.1:${port}/token`,
      credential_source: { file: join(secrets, 'subject') },
    }),
  );
  mkdirSync(join(secrets, '.polyaxon'));
  for (const [name, text] of Object.entries({
    'client.key': certificate.key,
    'client.cert': certificate.cert,
    'web-identity': CANARIES.webIdentity,
    'ca.crt': certificate.cert,
    token: CANARIES.kubernetesToken,
    namespace: 'training',
    'broken.json': `{ "private_key": ${CANARIES.serviceAccountKey} }`,
    'key.json': JSON.stringify({
      type: 'service_account',
      client_email: 'a@example.org',
      private_key: `-----BEGIN PRIVATE KEY-----\n${CANARIES.serviceAccountKey}\n-----END PRIVATE KEY-----\n`,
    }),
    'config.json': `{ "alertWebhook": ${CANARIES.webhook} }`,
    '.polyaxon/.auth': JSON.stringify({ token: CANARIES.polyaxonFile }),
  }))
    writeFileSync(join(secrets, name), text);
  const azure = `http://127.0.0.1:${port}/account`;
  const environment = {
    POLYTRACK_STATE_DIR: join(home, 'state'),
    POLYTRACK_RETRY_TIMEOUT: '0',
    POLYTRACK_ALERT_WEBHOOK: `http://127.0.0.1:${port}/services/${CANARIES.webhook}`,
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: CANARIES.s3Key,
    AWS_SESSION_TOKEN: CANARIES.s3Session,
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=http;AccountName=account;AccountKey=${CANARIES.azureKey};BlobEndpoint=${azure};`,
    GOOGLE_APPLICATION_CREDENTIALS: join(secrets, 'gcs.json'),
    STORAGE_EMULATOR_HOST: undefined,
    POLYAXON_AUTH_TOKEN: CANARIES.polyaxonToken,
    POLYAXON_HOST: `http://127.0.0.1:${port}`,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterAll(() => {
  vi.unstubAllEnvs();
  for (const each of [server, tlsServer]) {
    each.closeAllConnections();
    each.close();
  }
});

/** Finds the beginnings of canaries, because a message may repeat only a part. */
function findIn(text: string): string[] {
  const slots = Object.entries(CANARIES).flatMap(([slot, value]) =>
    text.includes(value.slice(0, SHOWN_LENGTH)) ? [slot] : [],
  );
  return SIGNATURE.test(text) ? [...slots, 'signature'] : slots;
}

function findInFiles(): string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .flatMap((file) => {
      const path = join(file.parentPath, file.name);
      return findIn(readFileSync(path, 'latin1')).map((slot) => `${slot} in ${path}`);
    });
}

const STORES = ['s3://bucket/a', 'azure://container/a', 'gs://bucket/a', 'polyaxon://'];

async function expectNoCanary(commands: readonly (readonly string[])[]): Promise<void> {
  const redact = createRedactor(process.env);
  for (const command of commands) {
    let printed = '';
    const onStderr = (text: string): void => {
      printed += text;
    };
    // Wrong flags are printed before the command throws.
    const result = await runCommand(command, { onStderr }).catch((error: unknown) => {
      if (!(error instanceof CommanderError)) throw error;
      return { stdout: '' };
    });
    printed += result.stdout;

    expect(printed).not.toBe('');
    expect(findIn(redact(printed)), command.join(' ')).toEqual([]);
  }
  expect(findInFiles()).toEqual([]);
}

describe('canaries', () => {
  it.each(STORES)('are neither printed nor stored, although %s repeats what it receives', async (url) => {
    hasListings = false;
    await expectNoCanary([
      ['check', url],
      ['ls', url],
      ['pull', `${url}/${RUN}`, join(home, 'pulled')],
    ]);

    hasListings = true;
    await expectNoCanary([
      ['sync', root, '--store', url, '--verbose'],
      ['sync', root, '--store', url, '--json'],
      ['status', root, '--store', url, '--json'],
      ['verify', root, '--store', url],
    ]);
  });

  it('are neither printed nor stored by commands that succeed, through proxies and beside wrong flags', async () => {
    vi.stubEnv('HTTPS_PROXY', `http://user:${CANARIES.proxyPassword}@127.0.0.1:${port}`);
    await expectNoCanary([
      ['sync', root, '--store', store, '--verbose'],
      ['status', root, '--store', store, '--json'],
      ['ls', `${store}/${RUN}`],
      ['pull', `${store}/${RUN}`, join(home, 'pulled')],
      ['ls', 's3://bucket/a', '--endpoint', 'https://s3.invalid'],
      ['ls', 's3://bucket/a', '--endpoint', `http://user:${CANARIES.endpointPassword}@127.0.0.1:${port}`],
      ['ls', `polyaxon://user:${CANARIES.endpointPassword}@127.0.0.1:${port}/owner/project`],
      ['doctor', root, '--store', store],
    ]);
  });

  it.each<[string, () => Readonly<Record<string, string | undefined>>, string, string?]>([
    [
      'a token before the address of a proxy',
      () => ({ HTTPS_PROXY: `http://${CANARIES.proxyToken}@127.0.0.1:${port}` }),
      's3://bucket/a',
      'https://s3.invalid',
    ],
    [
      'the address of a proxy, without encoding',
      () => ({ HTTPS_PROXY: `http://user:a@b/${CANARIES.proxyToken}@127.0.0.1:${port}` }),
      's3://bucket/a',
      'https://s3.invalid',
    ],
    [
      'the token of a container',
      () => ({
        ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: CANARIES.containerToken,
      }),
      's3://bucket/a',
    ],
    [
      'the file of a web identity',
      () => ({
        ...{ AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined },
        AWS_WEB_IDENTITY_TOKEN_FILE: join(secrets, 'web-identity'),
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/a',
      }),
      's3://bucket/a',
    ],
    ['the URL of a store', () => ({}), `s3://AKIAEXAMPLE:${CANARIES.storeUrl}@bucket/a`],
    [
      'a shared access signature',
      () => ({
        AZURE_STORAGE_CONNECTION_STRING: `BlobEndpoint=http://127.0.0.1:${port}/account;SharedAccessSignature=sv=2020&sig=${CANARIES.sharedAccess}`,
      }),
      'azure://container/a',
    ],
    [
      'a shared access signature beside an account',
      () => ({
        ...{ AZURE_STORAGE_CONNECTION_STRING: undefined, AZURE_STORAGE_ACCOUNT: 'account' },
        AZURE_STORAGE_SAS_TOKEN: `sv=2020&sig=${CANARIES.sharedAccess}`,
        HTTPS_PROXY: `http://127.0.0.1:${port}`,
      }),
      'azure://container/a',
    ],
    [
      'the key of an account',
      () => ({
        ...{ AZURE_STORAGE_CONNECTION_STRING: undefined, AZURE_STORAGE_ACCOUNT: 'account' },
        AZURE_STORAGE_KEY: CANARIES.accountKey,
        HTTPS_PROXY: `http://127.0.0.1:${port}`,
      }),
      'azure://container/a',
    ],
    [
      'a key file that is not JSON',
      () => ({ GOOGLE_APPLICATION_CREDENTIALS: join(secrets, 'broken.json') }),
      'gs://bucket/a',
    ],
    [
      'a key file with a wrong key',
      () => ({ GOOGLE_APPLICATION_CREDENTIALS: join(secrets, 'key.json') }),
      'gs://bucket/a',
    ],
    [
      'a client key',
      () => ({
        POLYAXON_HOST: `https://127.0.0.1:${tlsPort}`,
        POLYAXON_SSL_CA_CERT: join(secrets, 'ca.crt'),
        POLYAXON_CERT_FILE: join(secrets, 'client.cert'),
        POLYAXON_KEY_FILE: join(secrets, 'client.key'),
      }),
      'polyaxon://',
    ],
    [
      'a client key instead of its certificate',
      () => ({
        POLYAXON_HOST: `https://127.0.0.1:${tlsPort}`,
        POLYAXON_CERT_FILE: join(secrets, 'client.key'),
        POLYAXON_KEY_FILE: join(secrets, 'client.cert'),
      }),
      'polyaxon://',
    ],
    [
      'the file of `polyaxon login`',
      () => ({ POLYAXON_AUTH_TOKEN: undefined, POLYAXON_HOME: secrets }),
      'polyaxon://',
    ],
  ])('are neither printed nor stored if they are in %s', async (_, toEnvironment, url, endpoint) => {
    hasListings = false;
    const before = { ...process.env };
    for (const [name, value] of Object.entries(toEnvironment())) vi.stubEnv(name, value);
    onTestFinished(() => {
      for (const name of Object.keys(toEnvironment())) vi.stubEnv(name, before[name]);
    });

    const flags = endpoint === undefined ? [] : ['--endpoint', endpoint];
    await expectNoCanary([
      ['ls', url, '--verbose', ...flags],
      ['sync', root, '--store', url, '--verbose', ...flags],
    ]);
  });

  it('are neither printed nor stored if a flag is wrong or a configuration file is no JSON', async () => {
    const hook = `https://hooks.example.org/${CANARIES.webhook}`;
    await expectNoCanary([
      ['sync', root, '--store', store, `--alert-webhok=${hook}`],
      ['status', root, '--store', store, `--alert-webhook=${hook}`],
      ['sync', root, '--store', store, '--alert-webhook', `ftp://${CANARIES.webhook}`],
      ['ui', root, `--token=${CANARIES.serveToken}`],
      ['serve', root, `--tokn=${CANARIES.serveToken}`],
      ['serve', root, '--token', CANARIES.serveToken, '--port', 'none'],
      ['serve', 's3://bucket/a', '--token', CANARIES.serveToken],
      ['sync', root, '--store', store, '--config', join(secrets, 'config.json'), '--verbose'],
    ]);
  });

  it('are neither printed nor stored by a data server', async () => {
    const stop = new AbortController();
    let printed = '';
    const args = ['serve', root, '--token', CANARIES.serveToken];
    const ended = runCommand(args, {
      signal: stop.signal,
      onStderr: (text) => {
        printed += text;
      },
    });
    const served = await waitFor('the port', () => Number(/localhost:(\d+)/.exec(printed)?.[1]) || undefined);
    const calls = await Promise.all(
      ['', `Bearer ${CANARIES.serveToken}`].map((authorization) =>
        call(served, 'ListRuns', {}, { authorization }),
      ),
    );
    stop.abort();
    const { stdout } = await ended;

    expect(calls.map(({ status }) => status)).toEqual([16, 0]);
    expect(findIn(stdout + printed + JSON.stringify(calls))).toEqual([]);
    expect(findInFiles()).toEqual([]);
  });

  it('are not in the errors of leases in Kubernetes, although the API repeats what it receives', async () => {
    const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(tlsPort) };
    const table = await openKubernetesLeases('team', nodeIo, environment, secrets);
    const errors = await Promise.all([
      table.readAll().catch((error: unknown) => error),
      table.read(0).catch((error: unknown) => error),
    ]);
    await table.close?.();

    const causes = errors.map((error) =>
      JSON.stringify((error as OutcomeError).outcome, (_, value) =>
        value instanceof Error ? value.message : value,
      ),
    );
    expect(causes.join()).toContain('it answers with 400');
    expect(findIn(`${causes.join()} ${table.findProblem()}`)).toEqual([]);
  });

  it('are in every setting and every variable that is a secret', () => {
    const rows = Object.entries<Row>({ ...SETTINGS, ...FLAGS });
    const settings = rows.flatMap(([name, { type, help }]) =>
      SECRET_NAME.test(name) || type === webhook || /\b(?:secret|password|credential)\b/i.test(help)
        ? [name]
        : [],
    );
    const sources = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    );
    const names = sources.flatMap((path) => readFileSync(join(SOURCES, path), 'utf8').match(VARIABLE) ?? []);
    const variables = [...new Set(names)].filter((name) => SECRET_NAME.test(name));
    const found = [...settings, ...settings.flatMap(variablesOf), ...variables];

    expect(found.filter((name) => !(name in SLOTS) && !PUBLIC.includes(name))).toEqual([]);
    expect([...Object.keys(SLOTS), ...PUBLIC].filter((name) => !found.includes(name))).toEqual([]);
  });

  it('were all in use', () => {
    const sent = received.join('\n');

    const proxied = [`user:${CANARIES.proxyPassword}`, `${CANARIES.proxyToken}:`].map(
      (user) => `Basic ${Buffer.from(user).toString('base64')}`,
    );
    const { s3Session, gcsSubject, polyaxonToken, sharedAccess, containerToken, webIdentity } = CANARIES;
    const used = [
      ...['AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE', 'SharedKey account:', 'client certificate: a test'],
      ...[s3Session, gcsSubject, polyaxonToken, sharedAccess, containerToken, webIdentity, ...proxied],
      ...[CANARIES.webhook, CANARIES.polyaxonFile, CANARIES.kubernetesToken],
    ];
    expect(used.filter((each) => !sent.includes(each))).toEqual([]);
  });
});
