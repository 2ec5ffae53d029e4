/** Faults of a server or a network: nothing is created twice, nothing is lost, and files are still stored. */

import { once } from 'node:events';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { spawnScript } from '../../support/child-script.js';
import { type CannedAnswer, FaultProxy, type ProxiedRequest } from '../../support/fault-proxy.js';
import { describeWithPeers } from '../../support/peers.js';
import type { PolyaxonServer } from '../../support/polyaxon.js';
import { countRuns, createRunSync, PROJECT, ServerRun, type SyncTarget, startServer } from './support.js';

const isApi = ({ url }: ProxiedRequest): boolean => url.startsWith('/api/');
const isWrite = (request: ProxiedRequest): boolean => isApi(request) && request.method !== 'GET';

const LINEAGE = ['accuracy', 'loss', 'set', 'tensorboard'];

async function makeRun(runSync: SyncTarget, name: string) {
  const run = runSync.startRun({ name, tags: ['a'] });
  run.logInputs({ lr: 0.1 });
  for (const metric of ['loss', 'accuracy']) run.logMetric(metric, 0.5, { step: 1 });
  writeFileSync(join(run.getOutputsPath(), 'weights.bin'), 'weights');
  await run.logDataRef('set', { hash: 'abc' });
  await run.end();
  return run;
}

describeWithPeers(['polyaxon'], 'runs reported to a faulty server', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startServer();
  });

  it('have one run and one entry for each artifact, even if every answer is lost once', {
    timeout: 240_000,
  }, async () => {
    const proxy = await FaultProxy.start(server.url);
    const runSync = createRunSync(() => proxy.endpoint);
    const before = await countRuns(server);
    const asked = new Map<string, number>();
    proxy.script = (request) => {
      const key = `${request.method} ${request.url}`;
      const count = asked.get(key) ?? 0;
      asked.set(key, count + 1);
      const isLost = count === 0 || (request.method !== 'GET' && count % 2 === 0);
      return isApi(request) && isLost ? { kind: 'drop-answer' } : undefined;
    };
    const run = await makeRun(runSync, 'lost-answers');
    expect((await runSync.sync({ retryTimeoutMs: 120_000 })).unsent).toEqual([]);

    expect(await countRuns(server)).toBe(before + 1);
    const served = new ServerRun(server, run.uuid);
    expect((await served.lineage()).map(({ name }) => name)).toEqual(LINEAGE);
    expect(await served.types()).toEqual(['running', 'succeeded']);
    expect(await served.run()).toMatchObject({
      status: 'succeeded',
      tags: ['a'],
      inputs: { lr: 0.1 },
      outputs: { loss: 0.5, accuracy: 0.5 },
    });
  });

  it('have one run if two uploaders create it at the same time', async () => {
    const [one, other] = [createRunSync(() => server.url), createRunSync(() => server.url)];
    const before = await countRuns(server);
    const run = await makeRun(one, 'raced');
    const path = one.root;
    const reports = await Promise.all([one.sync({ path }), other.sync({ path })]);
    expect(reports.map(({ unsent }) => unsent)).toEqual([[], []]);
    expect(await countRuns(server)).toBe(before + 1);
    const served = new ServerRun(server, run.uuid);
    expect(await served.types()).toEqual(['running', 'succeeded']);
    expect((await served.lineage()).map(({ name }) => name)).toEqual(LINEAGE);
  });

  it('are sent without rejected items, which are reported', async () => {
    const runSync = createRunSync(() => server.url);
    const run = runSync.startRun({ name: 'refused' });
    run.logInputs({ good: 1 });
    run.logArtifactLineage([{ name: 'x'.repeat(300), kind: 'file', summary: {}, is_input: false }]);
    run.logArtifactLineage([{ name: 'fine', kind: 'file', summary: {}, is_input: false }]);
    await run.end();
    const report = await runSync.sync();
    expect(report.unsent.map(({ path, error }) => [path, error.code])).toEqual([
      [`${run.uuid} in Polyaxon`, 'ERR_API_INVALID'],
    ]);
    const served = new ServerRun(server, run.uuid);
    expect((await served.lineage()).map(({ name }) => name)).toEqual(['fine', 'tensorboard']);
    expect(await served.run()).toMatchObject({ status: 'succeeded', inputs: { good: 1 } });
  });

  it('of a killed program are reported later if its last values cannot be read', async () => {
    const runSync = createRunSync(() => server.url);
    const uuid = 'e10'.padEnd(32, '0');
    const body = `const run = new Run({ root: ${JSON.stringify(runSync.root)}, uuid: '${uuid}', project: '${PROJECT}', trackCode: false });
      run.logMetric('loss', 0.25, { step: 1 });
      await run.flush();
      process.kill(process.pid, 'SIGKILL');`;
    await once(spawnScript('Run', body), 'exit');
    const logs = join(runSync.root, 'runs', uuid, 'outputs/tensorboard');
    renameSync(logs, `${logs}.kept`);
    // A link to itself gives an error of the disk (ELOOP) that any user can cause; one of the device (EIO) takes the same way.
    symlinkSync('tensorboard', logs);

    const failed = await runSync.sync({ exportEvents: false });

    expect(failed.unsent.find(({ path }) => path.endsWith('in Polyaxon'))?.error).toMatchObject({
      code: 'ERR_FILE_UNREADABLE',
      message: expect.stringMatching(/outputs\/tensorboard: .*ELOOP/),
    });
    rmSync(logs);
    renameSync(`${logs}.kept`, logs);
    await runSync.sync({ exportEvents: false });
    expect(await new ServerRun(server, uuid).run()).toMatchObject({
      status: 'failed',
      outputs: { loss: 0.25 },
    });
  });

  it('are sent in smaller requests if a request is too large', async () => {
    const proxy = await FaultProxy.start(server.url);
    const runSync = createRunSync(() => proxy.endpoint);
    const run = runSync.startRun({ name: 'large' });
    for (let index = 0; index < 40; index += 1) run.logMetric(`metric-${index}`, index, { step: 0 });
    await run.end();
    proxy.script = (request) =>
      isWrite(request) && Number(request.headers['content-length'] ?? 0) > 3_000
        ? { kind: 'answer', answer: { status: 413, body: 'too large' } }
        : undefined;
    expect((await runSync.sync()).unsent).toEqual([]);
    expect(await new ServerRun(server, run.uuid).lineage()).toHaveLength(41);
  });

  it('are sent without the items of a request that always fails', async () => {
    const proxy = await FaultProxy.start(server.url);
    const runSync = createRunSync(() => proxy.endpoint);
    const run = await makeRun(runSync, 'poison');
    proxy.script = ({ method, url }) =>
      method === 'POST' && url.endsWith('/lineage/artifacts')
        ? { kind: 'answer', answer: { status: 500 } }
        : undefined;
    const report = await runSync.sync({ retryTimeoutMs: 120_000 });
    expect(report.unsent).toHaveLength(4);
    expect(await new ServerRun(server, run.uuid).run()).toMatchObject({
      inputs: { lr: 0.1 },
      status: 'succeeded',
    });

    proxy.script = () => undefined;
    expect((await runSync.sync()).unsent).toEqual([]);
    expect(await new ServerRun(server, run.uuid).lineage()).toHaveLength(4);
  });

  it.each<[name: string, code: string, answer: CannedAnswer]>([
    ['401', 'ERR_API_UNAUTHORIZED', { status: 401, body: '{"detail":"Invalid token."}' }],
    ['403', 'ERR_API_FORBIDDEN', { status: 403, body: '{"detail":"No."}' }],
    ['422', 'ERR_API_INVALID', { status: 422, body: '{"created_at":["No."]}' }],
    ['a page', 'ERR_STORE_UNAVAILABLE', { status: 200, body: '<html>log in</html>' }],
    ['409', 'ERR_STORE_UNAVAILABLE', { status: 409, body: '{"detail":"busy"}' }],
    ['429', 'ERR_STORE_UNAVAILABLE', { status: 429, headers: { 'retry-after': '1' }, body: '' }],
    ['503', 'ERR_STORE_UNAVAILABLE', { status: 503, body: '' }],
  ])(
    'are reported later if the server answers %s, and files are stored',
    {
      timeout: 120_000,
    },
    async (_, code, answer) => {
      const proxy = await FaultProxy.start(server.url);
      const runSync = createRunSync(() => proxy.endpoint);
      const run = await makeRun(runSync, 'refusing');
      proxy.script = (request) => (isApi(request) ? { kind: 'answer', answer } : undefined);
      const report = await runSync.sync({ retryTimeoutMs: 1_500 });
      expect(report.unsent.map(({ error }) => error.code)).toEqual([code]);
      expect(report.unsent[0]?.error.hint).not.toBe('');
      expect(report.files.stored).toBe(report.files.total);
      expect(readdirSync(join(runSync.store, run.uuid))).toContain('run.plx.json');
      expect(runSync.events.filter(({ kind }) => kind === 'api-rejected')).toHaveLength(1);

      proxy.script = () => undefined;
      expect((await runSync.sync()).unsent).toEqual([]);
      expect((await new ServerRun(server, run.uuid).run()).status).toBe('succeeded');
    },
  );

  it('report a missing project, or create it if allowed', async () => {
    const runSync = createRunSync(() => server.url);
    const run = runSync.startRun({ name: 'homeless', project: 'unheard-of' });
    await run.end();
    const [unsent] = (await runSync.sync()).unsent;
    expect(unsent?.error.code).toBe('ERR_API_PROJECT_MISSING');
    expect(unsent?.error.hint).toContain('--create-project');

    const { api } = await runSync.toConfig();
    if (api === undefined) throw new Error('the configuration has no API');
    expect((await runSync.sync({ api: { ...api, createsProject: true } })).unsent).toEqual([]);
    expect((await new ServerRun(server, run.uuid, 'unheard-of').run()).status).toBe('succeeded');
  });

  it('name files that can never be stored in their end status', async () => {
    const runSync = createRunSync(() => server.url);
    const run = runSync.startRun({ name: 'unsendable' });
    const names = Array.from({ length: 6 }, (_, index) => String(index).repeat(200));
    const deep = join(run.getOutputsPath(), ...names);
    mkdirSync(deep, { recursive: true });
    writeFileSync(join(deep, 'lost.txt'), 'x');
    await run.end();
    await runSync.sync();
    const end = (await new ServerRun(server, run.uuid).conditions()).at(-1);
    expect(end?.type).toBe('succeeded');
    expect(end?.message).toContain('1 of its files cannot be stored: outputs/000');
  });
});
