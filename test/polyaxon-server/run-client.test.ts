/** Calls `RunClient` and `ProjectClient` on the real server, and what that server does not serve on one that records requests. */

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Run } from '../../src/index.js';
import type { HttpRequest, HttpResponse, Transport } from '../../uploader/base/http/transport.js';
import { createUndiciTransport } from '../../uploader/base/http/undici-transport.js';
import { PolyaxonClient, ProjectClient, RunClient } from '../../uploader/polyaxon.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../support/polyaxon.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';
import { connectTo } from '../uploader/support/polyaxon-client.js';

const OPERATION = {
  ...{ version: 1.1, kind: 'operation' },
  component: { kind: 'component', run: { kind: 'job', container: { name: 'main', image: 'busybox' } } },
};
/** Repeats a request that the server rejects with 405 and no text, because another request locks its SQLite database. */
function repeatBusy(transport: Transport): Transport {
  const send = async (request: HttpRequest, attempts = 5): Promise<HttpResponse> => {
    const response = await transport.send(request);
    if (response.status !== 405 || attempts === 0) return response;
    response.body.destroy();
    await setTimeout(100);
    return send(request, attempts - 1);
  };
  return { send: (request) => send(request), close: () => transport.close() };
}

/** Repeats a program that ends because of such an answer. */
async function runBusy<Result>(run: () => Promise<Result>, attempts = 5): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (attempts === 0 || !/httpStatus: 405/.test(String((error as { stderr?: unknown }).stderr)))
      throw error;
    await setTimeout(1_000);
    return runBusy(run, attempts - 1);
  }
}

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describeWithPeers(['polyaxon'], 'the SDK on the real server', () => {
  let server: PolyaxonServer;
  let client: PolyaxonClient;
  let project: ProjectClient;
  const directory = createSharedTempDir();

  async function createRun(name: string): Promise<RunClient> {
    const run = new RunClient({ project: 'demo', client });
    await run.create({ name, tags: ['test'] });
    return run;
  }

  beforeAll(async () => {
    server = await startSandbox();
    const connection = await connectTo(server.url);
    client = new PolyaxonClient({ connection, transport: repeatBusy(createUndiciTransport(connection)) });
    project = new ProjectClient({ project: 'demo', client });
    await project.create({ description: 'a demo' });
    await new ProjectClient({ project: 'other', client }).getOrCreate();
  });
  afterAll(() => client.close());

  describe('RunClient', () => {
    it('creates, changes, fetches and deletes a run', async () => {
      const run = await createRun('first');
      expect(run).toMatchObject({ owner: 'default', project: 'demo', status: 'created' });
      expect(run.uuid).toMatch(/^[0-9a-f]{32}$/);

      await run.setName('renamed');
      await run.setDescription('about it');
      await run.setReadme('# Read me');
      await run.update({ tags: ['new'] });
      const found = new RunClient({ project: 'default/demo', uuid: run.uuid!, client });
      expect(await found.refreshData()).toMatchObject({
        ...{ uuid: run.uuid, name: 'renamed', description: 'about it', readme: '# Read me', tags: ['new'] },
        ...{ status: 'created', is_managed: false },
      });
      expect(found.runData?.name).toBe('renamed');
      expect(found.settings).toMatchObject({ namespace: 'polyaxon' });
      expect(await found.getNamespace()).toBe('polyaxon');

      await run.delete();
      // The server deletes its files later.
      expect(await found.refreshData()).toMatchObject({ live_state: -1 });
      expect(await all(found.list({ query: 'name:renamed' }))).toEqual([]);
      const none = new RunClient({ project: 'demo', uuid: 'f'.repeat(32), client });
      await expect(none.refreshData()).rejects.toMatchObject({ code: 'ERR_API_RUN_MISSING' });
    });

    it('finds the server automatically, and the run in the variables of a job', async () => {
      const { uuid } = await createRun('job');
      process.env.POLYAXON_RUN_INSTANCE = `default.demo.runs.${uuid}`;
      const run = new RunClient({ host: server.url });
      delete process.env.POLYAXON_RUN_INSTANCE;

      expect(await run.refreshData()).toMatchObject({ uuid, name: 'job' });
      await run.close();
    });

    it('merges inputs, outputs, meta and tags, or replaces them', async () => {
      const run = await createRun('values');

      await run.logInputs({ lr: 0.1, 'batch size': 8 });
      await run.logInputs({ epochs: 3 });
      await run.logOutputs({ loss: 1 });
      await run.logOutputs({ accuracy: 0.5 }, { reset: true });
      await run.logMeta({ flag: true });
      await run.logProgress(0.5);
      await run.logTags('a, b');
      await run.logInputs({});

      expect(await run.getInputs()).toEqual({ lr: 0.1, 'batch-size': 8, epochs: 3 });
      expect(await run.getOutputs()).toEqual({ accuracy: 0.5 });
      expect(run.runData?.meta_info).toMatchObject({ flag: true, progress: 0.5 });
      expect([...(run.runData?.tags ?? [])].sort()).toEqual(['a', 'b', 'test']);
      await run.logTags([], { reset: true });
      expect((await run.refreshData()).tags).toEqual([]);
      expect(await run.getRunsIo({ query: `uuid:${run.uuid}` })).toEqual([
        { uid: run.uuid, values: { lr: 0.1, 'batch-size': 8, epochs: 3, accuracy: 0.5 } },
      ]);
    });

    it('logs statuses, and watches them until the end', async () => {
      const run = await createRun('statuses');
      const watched = all(run.watchStatuses({ intervalMs: 50 }));
      const started = run.waitForCondition({ statuses: ['running'], intervalMs: 50 });

      await run.start();
      expect(await started).toBe('running');
      await run.logStatus('processing', { reason: 'Test', message: 'is busy' });
      await run.logSucceeded();

      const found = await watched;
      expect(found.at(-1)?.status).toBe('succeeded');
      const conditions = found.flatMap((each) => each.conditions);
      expect(conditions.map(({ type }) => type)).toEqual(['created', 'running', 'processing', 'succeeded']);
      expect(conditions[2]).toMatchObject({ reason: 'Test', message: 'is busy' });
      expect(run.status).toBe('succeeded');
      expect(await run.waitForCondition()).toBe('succeeded');
      await run.logFailed({ message: 'after all', force: true });
      expect(await run.getStatuses()).toMatchObject({ status: 'failed' });
      await run.logStopped({ force: true });
      expect((await run.getStatuses()).status).toBe('stopped');
    });

    it('ends a watch when its signal is aborted', async () => {
      const run = await createRun('aborted');
      const controller = new AbortController();
      const { signal } = controller;
      const watched = all(run.watchStatuses({ intervalMs: 60_000, signal }));
      const logs = all(run.watchLogs({ intervalMs: 60_000, signal }));
      const reason = new Error('enough');
      void setTimeout(100).then(() => controller.abort(reason));

      await expect(watched).rejects.toBe(reason);
      await expect(logs).rejects.toBe(reason);
      await expect(run.refreshData({ signal })).rejects.toBe(reason);
    });

    it('stops, skips, approves, invalidates, archives, restores and bookmarks a run', async () => {
      const run = await createRun('actions');
      await run.approve();
      await run.invalidate();
      await run.bookmark();
      expect(await run.refreshData()).toMatchObject({ bookmarked: true });
      await run.unbookmark();
      expect(await run.refreshData()).toMatchObject({ bookmarked: false });
      await run.archive();
      expect(await run.refreshData()).toMatchObject({ live_state: 0 });
      await run.restore();
      expect(await run.refreshData()).toMatchObject({ live_state: 1 });
      await run.stop();
      expect(await run.refreshData()).toMatchObject({ status: 'stopping' });

      const skipped = await createRun('skipped');
      await skipped.skip();
      expect(await skipped.refreshData()).toMatchObject({ status: 'skipped' });
    });

    it('restarts, copies and resumes a run with an operation', async () => {
      const run = new RunClient({ project: 'demo', client });
      await run.create({ name: 'operation', content: OPERATION });
      await run.logStopped();

      const restarted = await run.restart({ name: 'again' });
      const copied = await run.copy({ name: 'copied', dirs: ['outputs'] });
      const resumed = await run.resume({ tags: ['more'] });

      expect(restarted).toMatchObject({ name: 'again' });
      expect(copied).toMatchObject({ name: 'copied' });
      expect(new Set([run.uuid, restarted.uuid, copied.uuid]).size).toBe(3);
      expect(resumed.uuid).toBe(run.uuid);
      await expect((await createRun('bare')).restart()).rejects.toMatchObject({ code: 'ERR_API_INVALID' });
    });

    it('transfers a run to another project', async () => {
      const run = await createRun('moved');

      await run.transfer('other');

      expect(run.project).toBe('other');
      expect(await run.refreshData()).toMatchObject({ project: 'other' });
    });

    it('lists runs page by page, filtered, sorted and limited', async () => {
      for (let at = 0; at < 5; at += 1) await createRun(`listed-${at}`);
      const run = new RunClient({ project: 'demo', client });
      const names = async (options: object) => (await all(run.list(options))).map(({ name }) => name);

      expect(await names({ query: 'name:%listed-%', sort: 'name' })).toEqual(
        [0, 1, 2, 3, 4].map((at) => `listed-${at}`),
      );
      expect(await names({ query: 'name:%listed-%', sort: 'name', offset: 1, limit: 2 })).toEqual([
        'listed-1',
        'listed-2',
      ]);
      expect(await all((await createRun('childless')).listChildren())).toEqual([]);
    });

    it('sets and gets lineage', async () => {
      const run = await createRun('lineage');
      const entry = {
        name: 'data',
        kind: 'data',
        path: 's3://b/d',
        summary: { hash: 'abc' },
        is_input: true,
      };

      await run.logArtifactLineage(entry);
      await run.logArtifactLineage([{ ...entry, name: 'more' }]);
      const upstream = await createRun('upstream');
      await run.setRunEdgesLineage([{ uuid: upstream.uuid!, is_upstream: true, values: { a: 1 } }]);
      const edges = await client.request('GET', [
        'default',
        'demo',
        'runs',
        run.uuid!,
        'lineage',
        'upstream',
      ]);
      expect(JSON.stringify(edges)).toContain(upstream.uuid);

      const found = await all(run.getArtifactsLineage());
      expect(found.map(({ name }) => name).sort()).toEqual(['data', 'more']);
      expect(found).toContainEqual(expect.objectContaining(entry));
      const ofProject = await all(run.getRunsArtifactsLineage({ query: 'name:more' }));
      expect(ofProject.map(({ name }) => name)).toContain('more');
    });

    it('uploads, lists, downloads and deletes files and directories', async () => {
      const run = await createRun('files');
      const local = join(directory, 'local');
      mkdirSync(join(local, 'sub/.plx'), { recursive: true });
      mkdirSync(join(local, '.plx'));
      writeFileSync(join(local, 'a.txt'), 'content of a');
      writeFileSync(join(local, 'sub/empty'), '');
      writeFileSync(join(local, 'sub/.plx/kept'), 'kept');
      writeFileSync(join(local, '.plx/heartbeat'), 'never');
      symlinkSync('/etc/passwd', join(local, 'link'));
      const big = Buffer.alloc(700_000, 'xyz');
      writeFileSync(join(local, 'sub/big'), big);

      expect(await run.uploadArtifactsDir(local, 'outputs/dir')).toEqual([
        'outputs/dir/a.txt',
        'outputs/dir/sub/.plx/kept',
        'outputs/dir/sub/big',
        'outputs/dir/sub/empty',
      ]);
      await run.uploadArtifact(join(local, 'a.txt'));
      await run.uploadArtifacts([join(local, 'a.txt'), join(local, 'sub/big')], 'many');

      expect(await run.getArtifactsTree()).toEqual({
        files: { 'a.txt': 12 },
        directories: expect.arrayContaining(['many', 'outputs']),
      });
      expect(await run.getArtifactsTree('no')).toBeNull();
      expect(Buffer.from((await run.getArtifact('many/a.txt'))!).toString()).toBe('content of a');
      expect(await run.getArtifact('no')).toBeNull();
      const target = createTempDir();
      expect(await run.downloadArtifact('a.txt', join(target, 'new/b.txt'))).toBe(true);
      expect(readFileSync(join(target, 'new/b.txt'), 'utf8')).toBe('content of a');
      expect(await run.downloadArtifact('no', join(target, 'no'))).toBe(false);
      expect((await run.downloadArtifacts('outputs', target))?.length).toBe(4);
      expect(readFileSync(join(target, 'dir/sub/big')).equals(big)).toBe(true);
      expect(readFileSync(join(target, 'dir/sub/empty')).length).toBe(0);
      const lineage = { name: 'a', kind: 'file', path: `${run.uuid}/many/a.txt`, summary: {} };
      expect(await run.downloadArtifactForLineage(lineage, join(target, 'one'))).toHaveLength(1);
      expect(readFileSync(join(target, 'one/a.txt'), 'utf8')).toBe('content of a');

      expect(await run.deleteArtifact('a.txt')).toBe(true);
      expect(await run.deleteArtifact('a.txt')).toBe(false);
      expect(await run.deleteArtifacts('outputs/dir/sub')).toBe(true);
      expect(await run.deleteArtifacts('outputs/dir/sub')).toBe(false);
      expect(await run.getArtifactsTree('outputs/dir')).toEqual({ files: { 'a.txt': 12 }, directories: [] });
      await expect(run.deleteArtifacts('')).rejects.toMatchObject({ code: 'ERR_ARTIFACT_INVALID' });
      await expect(run.uploadArtifact(join(local, 'no'))).rejects.toMatchObject({
        code: 'ERR_ARTIFACT_INVALID',
      });
    });

    it('pushes a run directory, reads its events and logs, and pulls it', async () => {
      const root = createTempDir();
      const tracked = new Run({
        ...{ ...NO_CAPTURE, root, name: 'tracked', formats: ['tensorboard', 'polyaxon'], trackLogs: false },
      });
      const wallTime = 1_700_000_000.123456;
      for (let step = 0; step < 3; step += 1)
        tracked.logMetric('loss', step === 1 ? Number.NaN : 1 / (step + 1), {
          step,
          wallTime: wallTime + step,
        });
      tracked.logMetric('accuracy', 0.5, { step: 7 });
      tracked.logText('note', 'hello', { step: 1 });
      tracked.logInputs({ lr: 0.1 });
      await tracked.end();
      const line = { timestamp: '2026-01-02T03:04:05.000000+00:00', value: 'epoch 1' };
      const lines = [line, { timestamp: '2026-01-02T03:04:06.000000+00:00', value: 'epoch 2' }].map(
        (each) => `${JSON.stringify(each)}\n`,
      );
      mkdirSync(join(tracked.getArtifactsPath(), 'plxlogs'), { recursive: true });
      writeFileSync(join(tracked.getArtifactsPath(), 'plxlogs/a.jsonl'), lines.join(''));
      writeFileSync(join(tracked.getArtifactsPath(), 'plxlogs/b.jsonl'), lines[0]!);

      const run = new RunClient({ project: 'demo', client });
      await run.pushOfflineRun(tracked.getArtifactsPath());
      expect(run.uuid).toBe(tracked.uuid);
      expect(await run.refreshData()).toMatchObject({
        name: 'tracked',
        status: 'succeeded',
        project: 'demo',
      });
      expect(await run.getInputs()).toEqual({ lr: 0.1 });
      await expect(run.pushOfflineRun(tracked.getArtifactsPath())).rejects.toMatchObject({
        code: 'ERR_API_INVALID',
      });
      await expect(run.pushOfflineRun(root)).rejects.toMatchObject({ code: 'ERR_ARTIFACT_INVALID' });

      const [accuracy, loss, ...others] = await run.getMetrics();
      expect(others).toEqual([]);
      expect(accuracy).toMatchObject({ name: 'accuracy', kind: 'metric', steps: Float64Array.of(7) });
      expect(loss?.steps).toEqual(Float64Array.of(0, 1, 2));
      expect(loss?.values).toEqual(Float64Array.of(1, Number.NaN, 1 / 3));
      for (const [at, found] of loss!.wallTimes.entries()) expect(found).toBeCloseTo(wallTime + at, 6);
      expect((await run.getMetrics({ names: ['loss', 'no'] })).map(({ name }) => name)).toEqual(['loss']);
      const [text] = await run.getEvents('text');
      expect(text).toMatchObject({ name: 'note', kind: 'text', values: ['hello'] });
      expect(await run.getEvents('image')).toEqual([]);
      const multi = await run.getMultiRunEvents('metric', [tracked.uuid], ['loss', 'accuracy']);
      expect(
        multi
          .get(tracked.uuid)
          ?.map(({ name }) => name)
          .sort(),
      ).toEqual(['accuracy', 'loss']);

      expect((await run.getLogs()).logs.map(({ value }) => value)).toEqual(['epoch 1', 'epoch 1', 'epoch 2']);
      expect(await all(run.watchLogs())).toHaveLength(3);

      const pulled = join(root, 'pulled');
      await run.pullRemoteRun(pulled);
      const record = JSON.parse(readFileSync(join(pulled, 'run.plx.json'), 'utf8'));
      expect(record).toMatchObject({ uuid: tracked.uuid, name: 'tracked', inputs: { lr: 0.1 } });
      expect(record.status_conditions.at(-1)).toMatchObject({ type: 'succeeded' });
      const lineage = JSON.parse(readFileSync(join(pulled, 'lineages.plx.json'), 'utf8'));
      expect(lineage.map(({ name }: { name: string }) => name)).toContain('loss');
      const event = 'events/metric/loss.plx';
      expect(readFileSync(join(pulled, event))).toEqual(
        readFileSync(join(tracked.getArtifactsPath(), event)),
      );
      const uuid = `${tracked.uuid.slice(0, 31)}${tracked.uuid.endsWith('0') ? '1' : '0'}`;
      writeFileSync(join(pulled, 'run.plx.json'), JSON.stringify({ ...record, uuid }));
      const again = new RunClient({ project: 'other', client });
      await again.pushOfflineRun(pulled, { uploadArtifacts: false });
      expect(await again.refreshData()).toMatchObject({ uuid, status: 'succeeded', project: 'other' });
      expect(await again.getArtifactsTree('events')).toBeNull();
    });

    it('follows the logs of a run that is not managed while they grow', async () => {
      const run = await createRun('growing');
      const line = (value: string) =>
        `${JSON.stringify({ timestamp: '2026-01-02T03:04:05.000000+00:00', value })}\n`;
      const ref = { owner: 'default', project: 'demo', uuid: run.uuid! };
      await run.start();
      await client.uploadArtifact(ref, 'plxlogs/a.jsonl', Buffer.from(line('one')));

      const found: string[] = [];
      for await (const { value } of run.watchLogs({ intervalMs: 20 })) {
        found.push(value);
        if (value !== 'one') continue;
        await client.uploadArtifact(ref, 'plxlogs/a.jsonl', Buffer.from(line('one') + line('two')));
        await run.logSucceeded();
      }

      expect(found).toEqual(['one', 'two']);
    });
  });

  it('runs the example of docs/polyaxon.md', async () => {
    const repository = join(import.meta.dirname, '../..');
    const home = createTempDir();
    mkdirSync(join(home, 'node_modules'));
    symlinkSync(repository, join(home, 'node_modules/polytrack'));
    writeFileSync(join(home, 'notes.txt'), 'notes');
    const page = readFileSync(join(repository, 'docs/polyaxon.md'), 'utf8');
    const [, program = ''] = /```ts\n(import \{ ProjectClient[\s\S]*?)```/.exec(page) ?? [];
    writeFileSync(join(home, 'example.mjs'), program);
    const env = { PATH: process.env.PATH, HOME: home, POLYAXON_HOST: server.url };

    const { stdout, stderr } = await runBusy(() =>
      promisify(execFile)(process.execPath, ['example.mjs'], { cwd: home, env }),
    );

    // A repeated program may have made its run twice.
    expect({ lines: [...new Set(stdout.split('\n'))], stderr }).toEqual({
      ...{ lines: ['from-javascript succeeded', ''], stderr: '' },
    });
  });

  describe('ProjectClient', () => {
    it('gets, changes, lists and deletes a project', async () => {
      const scratch = new ProjectClient({ project: 'scratch', client });
      await scratch.getOrCreate();

      expect(await scratch.update({ description: 'changed', tags: ['a'] })).toMatchObject({ tags: ['a'] });
      expect(await scratch.refreshData()).toMatchObject({ name: 'scratch', description: 'changed' });
      expect(scratch.projectData?.name).toBe('scratch');
      expect((await all(scratch.list())).map(({ name }) => name)).toContain('scratch');
      await scratch.delete();
      await expect(scratch.refreshData()).rejects.toMatchObject({ code: 'ERR_API_PROJECT_MISSING' });
    });

    it('changes several runs at once', async () => {
      const runs = [await createRun('bulk-0'), await createRun('bulk-1')];
      const uuids = runs.map(({ uuid }) => uuid!);
      const facts = async (name: string) =>
        (await Promise.all(runs.map((run) => run.refreshData()))).map(
          (run) => (run as unknown as Record<string, unknown>)[name],
        );

      await project.tagRuns(uuids, ['bulk']);
      expect((await facts('tags')).flat()).toEqual(expect.arrayContaining(['bulk', 'test']));
      await project.approveRuns(uuids);
      await project.invalidateRuns(uuids);
      await project.bookmarkRuns(uuids);
      expect(await facts('bookmarked')).toEqual([true, true]);
      await project.archiveRuns(uuids);
      expect(await facts('live_state')).toEqual([0, 0]);
      await project.restoreRuns(uuids);
      expect(await facts('live_state')).toEqual([1, 1]);
      await project.stopRuns(uuids.slice(0, 1));
      await project.skipRuns(uuids.slice(1));
      expect(await facts('status')).toEqual(['stopping', 'stopping']);
      expect((await all(project.listRuns({ query: 'name:%bulk-%' }))).length).toBe(2);
      await project.deleteRuns(uuids.slice(0, 1));
      expect((await all(project.listRuns({ query: 'name:%bulk-%' }))).length).toBe(1);
      await project.transferRuns(uuids.slice(1), 'other');
      expect((await all(project.listRuns({ query: 'name:%bulk-%' }))).length).toBe(0);
    });

    it('lists and gets versions', async () => {
      expect(await all(project.listVersions('model'))).toEqual([]);
      expect(await project.getVersion('model', 'none')).toBeNull();
    });

    it('is rejected by the open server when it registers a version', async () => {
      const run = await createRun('promoted');

      const { version } = (await server.get('/api/v1/installation')) as { version: string };
      if (version !== '2.16.1') {
        // From 2.18 on, the open server has versions.
        expect(await project.registerModelVersion('1.0')).toMatchObject({ name: '1.0', kind: 'model' });
        expect((await all(project.listVersions('model'))).map(({ name }) => name)).toEqual(['1.0']);
        return;
      }
      const expected = { httpStatus: 405 };
      await expect(project.registerModelVersion('1.0')).rejects.toMatchObject(expected);
      await expect(project.registerArtifactVersion('1.0')).rejects.toMatchObject(expected);
      await expect(run.promoteToModelVersion('1.0')).rejects.toMatchObject(expected);
      await expect(run.promoteToArtifactVersion('1.0')).rejects.toMatchObject(expected);
    });
  });
});

interface Recorded {
  readonly request: string;
  readonly body: unknown;
}

/** A server that answers with the given JSON, in order, and records the requests. */
async function record(
  answers: readonly (readonly [status: number, body: unknown])[],
  use: (client: PolyaxonClient) => Promise<void>,
): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += String(piece);
    const [status, body] = answers[recorded.length] ?? [500, {}];
    const url = decodeURIComponent(request.url ?? '');
    recorded.push({ request: `${request.method} ${url}`, body: text === '' ? null : JSON.parse(text) });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  const client = new PolyaxonClient({ connection: await connectTo(`http://127.0.0.1:${address.port}`) });
  try {
    await use(client);
  } finally {
    await client.close();
    server.close();
  }
  return recorded;
}

describe('what the open server does not serve', () => {
  const uuid = 'a'.repeat(32);
  const MISSING = [404, { detail: 'No ProjectVersion matches the given query.' }] as const;

  it('is requested as by Python: versions of models and artifacts', async () => {
    const recorded = await record(
      [MISSING, [201, { name: '1.0' }], [200, { name: '1.0' }], [200, { name: '1.0' }], MISSING, [201, {}]],
      async (client) => {
        const run = new RunClient({ owner: 'acme', project: 'demo', uuid, client });
        const project = new ProjectClient({ project: 'acme/demo', client });
        await run.promoteToModelVersion('1.0', { content: { framework: 'tfjs' }, artifacts: ['model'] });
        await project.registerModelVersion('1.0', { stage: 'staging' }, { force: true });
        await project.registerArtifactVersion('2.0', { description: 'data' });
      },
    );

    const versions = '/api/v1/acme/demo/versions';
    expect(recorded).toEqual([
      { request: `GET ${versions}/model/1.0`, body: null },
      {
        request: `POST ${versions}/model`,
        body: { name: '1.0', content: '{"framework":"tfjs"}', artifacts: ['model'], run: uuid },
      },
      { request: `GET ${versions}/model/1.0`, body: null },
      { request: `PATCH ${versions}/model/1.0`, body: { stage: 'staging' } },
      { request: `GET ${versions}/artifact/2.0`, body: null },
      { request: `POST ${versions}/artifact`, body: { name: '2.0', description: 'data' } },
    ]);
  });

  it('is requested as by Python: the life of a version', async () => {
    const v1 = { name: 'v1', description: 'one', content: '{}', run: uuid, tags: null, stage: 'testing' };
    const answers = [
      ...[[200, v1], [200, v1], [200, {}], [200, v1], [200, v1], MISSING, [201, v1]],
      ...[
        [200, {}],
        [204, null],
        [200, { count: 1, results: [v1] }],
      ],
    ] as const;
    const recorded = await record(answers as never, async (client) => {
      const project = new ProjectClient({ project: 'acme/demo', client });
      await expect(project.registerVersion('component', 'v1')).rejects.toMatchObject({
        code: 'ERR_OPTION_INVALID',
      });
      await project.patchVersion('component', 'v1', { readme: '# v1' });
      await project.stageVersion('component', 'v1', 'production', { message: 'it is good' });
      expect(await project.getVersionStages('component', 'v1')).toEqual({ stage: 'testing', conditions: [] });
      await project.copyVersion(
        'component',
        'v1',
        { description: 'copy' },
        { toProject: 'other', name: 'w' },
      );
      await project.transferVersion('component', 'v1', 'other');
      await project.deleteVersion('component', 'v1');
      expect(await all(project.listVersions('component', { limit: 5 }))).toEqual([v1]);
    });

    const versions = '/api/v1/acme/demo/versions/component';
    const time = expect.stringMatching(/^\d{4}-.*\+00:00$/);
    const times = { last_update_time: time, last_transition_time: time };
    expect(recorded).toEqual([
      { request: `GET ${versions}/v1`, body: null },
      { request: `PATCH ${versions}/v1`, body: { readme: '# v1' } },
      {
        request: `POST ${versions}/v1/stages`,
        body: {
          condition: {
            ...{ type: 'production', status: true, reason: 'Polytrack', message: 'it is good' },
            ...times,
          },
        },
      },
      { request: `GET ${versions}/v1/stages`, body: null },
      { request: `GET ${versions}/v1`, body: null },
      { request: 'GET /api/v1/acme/other/versions/component/w', body: null },
      {
        request: 'POST /api/v1/acme/other/versions/component',
        body: { name: 'w', description: 'copy', content: '{}', run: uuid },
      },
      { request: `POST ${versions}/v1/transfer`, body: { project: 'other' } },
      { request: `DELETE ${versions}/v1`, body: null },
      { request: `GET ${versions}?limit=5&offset=0`, body: null },
    ]);
  });

  it('is requested as by Python: a copy with some artifacts, and a new content', async () => {
    const recorded = await record(Array(3).fill([201, { uuid }]) as never, async (client) => {
      const run = new RunClient({ project: 'demo', uuid, client });
      await run.copy({ dirs: ['outputs'], files: ['a.txt'] });
      await run.restart({ content: OPERATION, recompile: true });
      await run.resume({ content: 'x: 1' });
    });

    const path = `POST /api/v1/default/demo/runs/${uuid}`;
    const copied = { dirs: [`${uuid}/outputs`], files: [`${uuid}/a.txt`] };
    expect(recorded).toEqual([
      { request: `${path}/copy`, body: { meta_info: { copy_artifacts: copied } } },
      {
        request: `${path}/restart`,
        body: { content: JSON.stringify(OPERATION), meta_info: { recompile: true } },
      },
      { request: `${path}/resume`, body: { content: 'x: 1' } },
    ]);
  });

  it('is requested as by Python: logs of running pods', async () => {
    const time = '2026-01-02T03:04:05.000000+00:00';
    const statuses = (status: string) =>
      [
        200,
        { status, status_conditions: [{ type: 'running', status: true, last_transition_time: time }] },
      ] as const;
    const logs = (value: string) => [200, { logs: [{ value }], last_time: `${value}-time` }] as const;
    const found: string[] = [];
    const recorded = await record(
      [
        [200, { uuid, kind: 'job', is_managed: true }],
        ...[statuses('running'), logs('one'), statuses('running')],
        ...[[503, {}] as const, statuses('succeeded'), logs('two')],
      ],
      async (client) => {
        const run = new RunClient({ project: 'demo', uuid, client });
        for await (const { value } of run.watchLogs({ intervalMs: 1 })) found.push(value);
      },
    );

    expect(found).toEqual(['one', 'two']);
    const path = `GET /streams/v1/polyaxon/default/demo/runs/${uuid}/logs?force=true`;
    expect(recorded.filter(({ request }) => request.includes('/logs')).map(({ request }) => request)).toEqual(
      [
        `${path}&last_time=${time}&kind=job`,
        `${path}&last_time=one-time&kind=job`,
        `${path}&last_time=one-time&kind=job`,
      ],
    );
  });

  it('is requested as by Python: logs of a server that sends one file at a time', async () => {
    const answers = [
      { uuid },
      { status: 'failed' },
      ...['a', 'b', null].map((file) => ({ last_file: file })),
    ];
    const found: string[] = [];
    const recorded = await record(
      answers.map((answer) => [200, { logs: [{ value: JSON.stringify(answer) }], ...answer }] as const),
      async (client) => {
        const run = new RunClient({ project: 'demo', uuid, client });
        for await (const { value } of run.watchLogs()) found.push(value);
      },
    );

    expect(found).toEqual(['{"last_file":"a"}', '{"last_file":"b"}', '{"last_file":null}']);
    expect(recorded.slice(2).map(({ request }) => request.replace(/^.*force=true/, ''))).toEqual([
      '',
      '&last_file=a',
      '&last_file=b',
    ]);
  });

  it('ends a watch at an error that is not temporary, and a list at a server that repeats a page', async () => {
    const page = [200, { count: 9, results: [{ uuid }] }] as const;
    await record([[403, { detail: 'no' }], page, page], async (client) => {
      const run = new RunClient({ project: 'demo', uuid, client });
      await expect(run.waitForCondition()).rejects.toMatchObject({ code: 'ERR_API_FORBIDDEN' });
      await expect(all(run.list())).rejects.toMatchObject({ code: 'ERR_API_SERVER' });
    });
  });

  it('never writes outside of the target of a download', async () => {
    await record([[200, { files: { '../evil': 1 }, dirs: [] }]], async (client) => {
      const run = new RunClient({ project: 'demo', uuid, client });
      await expect(run.downloadArtifacts('', createTempDir())).rejects.toMatchObject({
        code: 'ERR_API_SERVER',
      });
    });
  });

  it('rejects wrong identities and numbers before any request', async () => {
    const client = new PolyaxonClient({ connection: await connectTo('http://127.0.0.1:1') });
    const rejected = expect.objectContaining({ code: 'ERR_OPTION_INVALID' });
    expect(() => new RunClient({ client })).toThrow(rejected);
    expect(() => new ProjectClient({ project: 'a/b/c', client })).toThrow(rejected);
    expect(() => new RunClient({ project: 'p', uuid: 'x', client })).toThrow(rejected);
    const run = new RunClient({ project: 'p', client });
    await expect(run.stop()).rejects.toThrow(rejected);
    expect(() => run.list({ limit: Number.NaN })).toThrow(rejected);
    expect(() => run.list({ offset: -1 })).toThrow(rejected);
    expect(() => run.watchLogs({ intervalMs: 0 })).toThrow(rejected);
    await expect(run.waitForCondition({ intervalMs: Number.NaN })).rejects.toThrow(rejected);
    await client.close();
  });
});
