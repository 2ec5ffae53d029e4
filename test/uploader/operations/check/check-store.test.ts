import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ListObjectsV2Command, PutBucketLifecycleConfigurationCommand } from '@aws-sdk/client-s3';
import { Command } from 'commander';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { addCheckCommand } from '../../../../uploader/commands/check.js';
import { readAnswers } from '../../../../uploader/store/capability-cache.js';
import { openS3Store } from '../../../../uploader/store/s3/s3-store.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { NO_TERMINAL } from '../../../support/no-terminal.js';
import { describeWithPeers } from '../../../support/peers.js';
import { S3Server } from '../../../support/s3-server.js';
import { createTempDir } from '../../../support/temp-dir.js';

/** Runs the command in the test's process. */
async function check(...args: readonly string[]) {
  let stdout = '';
  let stderr = '';
  let code: number | undefined;
  const program = new Command('polytrack').exitOverride();
  addCheckCommand(program, {
    environment: process.env,
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    columns: () => undefined,
    signal: new AbortController().signal,
    io: nodeIo,
    terminal: NO_TERMINAL,
    setExitCode: (exitCode) => {
      code = exitCode;
    },
  });
  await program.parseAsync(['node', 'polytrack', 'check', ...args]);
  return { stdout, stderr, code };
}

describe('check of a directory', () => {
  it('prints the capabilities and leaves only the lock directory behind', async () => {
    const root = join(createTempDir(), 'store');

    const { stdout, code } = await check(`file://${root}`, '--state-dir', createTempDir());

    expect(code).toBe(0);
    expect(stdout).toMatch(/appends to objects +yes\n/);
    expect(stdout).toMatch(/The store can be used\.\n$/);
    expect(readdirSync(root, { recursive: true })).toEqual(['.plx']);
  });

  it('reports a state directory that is not writable', async () => {
    const blocked = join(createTempDir(), 'file');
    writeFileSync(blocked, '');

    const { stdout, code } = await check(`file://${createTempDir()}`, '--state-dir', blocked);

    expect(code).toBe(0);
    expect(stdout).toContain(`NOTICE_STATE_DIR: ${blocked} is not writable`);
  });

  it('reports a file at the path of the store', async () => {
    const path = join(createTempDir(), 'file');
    writeFileSync(path, '');

    const { stdout, code } = await check(`file://${path}`, '--state-dir', createTempDir(), '--json');

    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ isUsable: false, error: { code: 'ERR_STORE_DISK' } });
  });
});

it.each([
  ['ftp://host/x', 'ERR_STORE_URL'],
  ['s3:///x', 'ERR_STORE_URL'],
])('refuses %s', async (url, code) => {
  const checked = await check(url, '--state-dir', createTempDir());

  expect(checked.code).toBe(2);
  expect(checked.stdout).toContain(`${code}: `);
});

describeWithPeers(['s3'], 'check of a bucket', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let stateDirectory: string;

  beforeAll(async () => {
    server = await S3Server.startShared();
    await server.bucket('checked');
  });

  beforeEach(async () => {
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    proxy = await FaultProxy.start(server.endpoint);
    vi.stubEnv('AWS_ENDPOINT_URL', proxy.endpoint);
    stateDirectory = createTempDir();
    vi.stubEnv('POLYTRACK_STATE_DIR', stateDirectory);
  });

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  it('prints all facts and no secret', async () => {
    const { stdout, code } = await check('s3://checked/some/prefix');

    expect(code).toBe(0);
    expect(stdout.replaceAll(proxy.endpoint, 'ENDPOINT')).toBe(
      readFileSync(new URL('./check-text.golden.txt', import.meta.url), 'utf8'),
    );
    expect(stdout).not.toContain(server.secretAccessKey);
  });

  it('prints the same facts as JSON', async () => {
    const { stdout, code } = await check('s3://checked', '--json');

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      isUsable: true,
      region: 'us-east-1',
      permissions: { list: true, put: true, get: true, abort: true, delete: true },
      capabilities: { conditionalComplete: true, rangeCopy: false },
      error: null,
    });
    expect(stdout).not.toContain(server.secretAccessKey);
  });

  it('writes only test objects and removes them', async () => {
    await check('s3://checked/prefix');

    const writes = proxy.log.filter(({ method }) => method === 'PUT' || method === 'POST');
    expect(writes.every(({ url }) => url.startsWith('/checked/prefix/.plx/probe/'))).toBe(true);
    const client = server.createClient();
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'checked' }));
    client.destroy();
    expect(Contents ?? []).toEqual([]);
  });

  it.each([
    ['a missing bucket', 's3://no-such-bucket', {}, 'ERR_STORE_BUCKET', 2],
    ['wrong credentials', 's3://checked', { AWS_SECRET_ACCESS_KEY: 'wrong' }, 'ERR_STORE_CREDENTIALS', 2],
    ['an unknown identity', 's3://checked', { AWS_ACCESS_KEY_ID: 'unknown' }, 'ERR_STORE_CREDENTIALS', 2],
    [
      'no credentials',
      's3://checked',
      { AWS_ACCESS_KEY_ID: undefined, AWS_EC2_METADATA_DISABLED: 'true' },
      'ERR_STORE_CREDENTIALS',
      2,
    ],
    ['no server', 's3://checked', { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }, 'ERR_STORE_UNAVAILABLE', 1],
  ])('reports %s before anything is written', async (_, url, environment, errorCode, exitCode) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);

    const { stdout, code } = await check(url, '--json');

    expect(code).toBe(exitCode);
    const { error } = JSON.parse(stdout) as { error: { code: string; hint: string } };
    expect(error.code).toBe(errorCode);
    expect(error.hint).toMatch(/\.$/);
    expect(proxy.log.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('corrects a wrong region and reports it', async () => {
    const { stdout, code } = await check('s3://checked', '--region', 'eu-central-1');

    expect(code).toBe(0);
    expect(stdout).toMatch(/region +us-east-1\n/);
    expect(stdout).toContain('NOTICE_STORE_REGION: the bucket is in the region us-east-1');
  });

  it("signs with the store's time when the clock is wrong, and reports it", async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3600_000 });

    const { stdout, code } = await check('s3://checked');

    expect(code).toBe(0);
    expect(stdout).toMatch(/clock +(3599|36\d\d) s ahead of this host\n/);
    expect(stdout).toContain('NOTICE_CLOCK: ');
  });

  it.each([
    ['PutObject', 'put', 1],
    ['List', 'list', 1],
    ['GetObject', 'get', 1],
    ['HeadObject', 'get', 1],
    ['AbortMultipartUpload', 'abort', 0],
    ['DeleteObject', 'delete', 0],
  ] as const)('reports that %s is not allowed', async (operation, permission, exitCode) => {
    const body = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>';
    proxy.script = (request) =>
      request.operation === operation &&
      !request.url.includes('?versioning') &&
      !request.url.includes('?lifecycle')
        ? { kind: 'answer', answer: { status: 403, body } }
        : undefined;

    const { stdout, code } = await check('s3://checked', '--json');

    expect(JSON.parse(stdout)).toMatchObject({ permissions: { [permission]: false } });
    expect(code).toBe(exitCode);
  });

  it('reports a lifecycle rule that covers the prefix', async () => {
    const client = server.createClient();
    const Rules = [
      {
        ID: 'old',
        Status: 'Enabled' as const,
        Filter: { Prefix: 'a/' },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ];
    const isKept = await client
      .send(
        new PutBucketLifecycleConfigurationCommand({ Bucket: 'checked', LifecycleConfiguration: { Rules } }),
      )
      .then(
        () => true,
        () => false,
      );
    client.destroy();
    // If the server has no lifecycle rules, the proxy answers as S3 does.
    if (!isKept) answerLifecycle(proxy);

    const covered = await check('s3://checked/a/b', '--json');
    const other = await check('s3://checked/b', '--json');

    expect(JSON.parse(covered.stdout)).toMatchObject({ lifecycle: { status: 'set', afterDays: 7 } });
    expect(JSON.parse(other.stdout)).toMatchObject({ lifecycle: { status: 'absent' } });
  });

  describe('capabilities', () => {
    it('that were learned are used by later processes for a week', async () => {
      await check('s3://checked');
      const learned = (await readBack()).get('putIfNoneMatch');
      const nextWeek = () => nodeIo.clock.wallTime() + 8 * 24 * 3600;

      expect(learned).toBe('yes');
      expect((await readBack(nextWeek)).entries).toEqual([]);
    });

    it('are learned again when the file is damaged', async () => {
      await check('s3://checked');
      const directory = join(stateDirectory, 'stores');
      for (const name of readdirSync(directory)) writeFileSync(join(directory, name), '{"version":2}');

      expect((await readBack()).entries).toEqual([]);
    });

    it('are unknown where a question fails, and the others are asked', async () => {
      const body = '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>no</Message></Error>';
      proxy.script = ({ operation, url }) =>
        operation === 'CompleteMultipartUpload' || url.includes('?versioning')
          ? { kind: 'answer', answer: { status: 500, body } }
          : undefined;

      const { stdout, code } = await check('s3://checked', '--json');

      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        isUsable: true,
        capabilities: {
          conditionalCreate: true,
          conditionalComplete: 'unknown',
          multipartChecksum: 'unknown',
          listMultipart: true,
          versioning: 'unknown',
        },
      });
      expect((await check('s3://checked')).stdout).toMatch(/conditional multipart uploads +unknown\n/);
    });

    it('are found although one request in ten fails', async () => {
      let requests = 0;
      proxy.script = () => {
        requests += 1;
        return requests % 10 === 0 ? { kind: 'answer', answer: { status: 500, body: '' } } : undefined;
      };

      const { stdout, code } = await check('s3://checked', '--json');

      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        capabilities: { conditionalCreate: true, conditionalReplace: true, checksumHeaders: true },
      });
    });

    async function readBack(wallTime = nodeIo.clock.wallTime) {
      const store = await openS3Store({ bucket: 'checked', prefix: '', endpoint: proxy.endpoint });
      const io = { ...nodeIo, clock: { ...nodeIo.clock, wallTime } };
      await readAnswers(store, { io, stateDirectory });
      await store.close();
      return store.learned;
    }
  });
});

function answerLifecycle(proxy: FaultProxy): void {
  const body = [
    '<?xml version="1.0"?><LifecycleConfiguration><Rule><ID>old</ID><Status>Enabled</Status>',
    '<Filter><Prefix>a/</Prefix></Filter>',
    '<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>',
    '</Rule></LifecycleConfiguration>',
  ].join('');
  proxy.script = ({ url }) =>
    url.includes('?lifecycle') ? { kind: 'answer', answer: { status: 200, body } } : undefined;
}
