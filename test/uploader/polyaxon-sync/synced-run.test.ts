/** Runs on a real server: created once, with equal data and statuses in order, and not sent again. */

import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { FaultProxy } from '../../support/fault-proxy.js';
import { describeWithPeers, peerPath } from '../../support/peers.js';
import type { PolyaxonServer } from '../../support/polyaxon.js';
import { createSharedTempDir } from '../../support/temp-dir.js';
import { countRuns, createRunSync, PROJECT, ServerRun, startServer } from './support.js';

const runFile = promisify(execFile);
const WRITES = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);

describeWithPeers(['polyaxon'], 'a run reported to a server', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startServer();
  });

  it('has its data, its lineage and its statuses', async () => {
    const runSync = createRunSync(() => server.url);
    const run = runSync.startRun({ name: 'first', tags: ['a', 'b'], description: 'what it is' });
    run.logInputs({ lr: 0.1, nested: { deep: [1, null] } });
    run.logOutputs({ best: 0.5 });
    for (let step = 0; step < 10; step += 1) run.logMetric('train/loss', 1 / (1 + step), { step });
    run.logText('note', 'hello');
    writeFileSync(join(run.getOutputsPath(), 'weights.bin'), 'weights');
    await run.logArtifactRef(run.getOutputsPath('weights.bin'), 'file', { name: 'train__loss' });
    await run.end();

    const report = await runSync.sync();
    expect(report.unsent).toEqual([]);
    expect(report.isComplete).toBe(true);

    const served = new ServerRun(server, run.uuid);
    const found = await served.run();
    expect(found).toMatchObject({
      name: 'first',
      description: 'what it is',
      status: 'succeeded',
      tags: ['a', 'b'],
      inputs: { lr: 0.1, nested: { deep: [1, null] } },
      outputs: { best: 0.5, train__loss: 0.1 },
    });
    expect(found.finished_at).toContain(new Date().toISOString().slice(0, 10));
    expect(await served.types()).toEqual(['running', 'succeeded']);
    const lineage = await served.lineage();
    expect(lineage.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      'note text',
      'tensorboard tensorboard',
      'train__loss metric',
      'train__loss-file file',
    ]);
    const loss = lineage.find(({ name }) => name === 'train__loss');
    expect(loss).toMatchObject({
      path: 'events/metric/train__loss.plx',
      summary: { is_event: true, step: { count: 10, min: 0, max: 9 }, metric: { count: 10, last: 0.1 } },
    });
    expect(readFileSync(join(runSync.store, run.uuid, 'events/metric/train__loss.plx'), 'utf8')).toContain(
      '0.1',
    );
  });

  it('is not sent again, with or without the state directory', async () => {
    const proxy = await FaultProxy.start(server.url);
    const runSync = createRunSync(() => proxy.endpoint);
    const run = runSync.startRun({ name: 'again', tags: ['x'] });
    run.logInputs({ lr: 0.1, big: 1e21, negative: -0, empty: {}, list: [] });
    run.logMetric('loss', 0.1 + 0.2, { step: 1 });
    run.logMetric('bad', Number.NaN, { step: 1 });
    await run.end();
    expect((await runSync.sync()).isComplete).toBe(true);
    const served = new ServerRun(server, run.uuid);
    const before = await served.everything();
    const first = proxy.log.length;

    expect((await runSync.sync()).isComplete).toBe(true);
    const second = proxy.log.slice(first).map(({ method, url }) => `${method} ${url}`);
    expect(second.filter((each) => WRITES.has(each.split(' ')[0]!))).toEqual([]);
    expect(second).toEqual([`GET /api/v1/default/${PROJECT}/runs/${run.uuid}`]);

    rmSync(runSync.stateDirectory, { recursive: true });
    const third = proxy.log.length;
    expect((await runSync.sync()).isComplete).toBe(true);
    const without = proxy.log.slice(third).map(({ method, url }) => `${method} ${url}`);
    expect(without.filter((each) => WRITES.has(each.split(' ')[0]!))).toEqual([]);
    expect(await served.everything()).toEqual(before);
  });

  it('is reopened when it is resumed, without removed values', async () => {
    const runSync = createRunSync(() => server.url);
    const run = runSync.startRun({ name: 'resumed', tags: ['a', 'b'] });
    run.logInputs({ kept: 1, removed: 2 });
    run.logMetric('loss', 1, { step: 0 });
    await run.end();
    await runSync.sync();

    const next = runSync.startRun({ uuid: run.uuid, resume: true });
    next.logInputs({ kept: 3 }, { reset: true });
    next.logTags(['b'], { reset: true });
    next.logMetric('loss', 0.5, { step: 1 });
    await next.flush();
    await runSync.sync();
    const served = new ServerRun(server, run.uuid);
    expect(await served.run()).toMatchObject({ status: 'running', inputs: { kept: 3 }, tags: ['b'] });
    expect((await served.run()).outputs).toMatchObject({ loss: 0.5 });

    await next.end({ status: 'failed', message: 'interrupted' });
    await runSync.sync();
    expect(await served.types()).toEqual(['running', 'succeeded', 'running', 'failed']);
    expect((await served.conditions()).at(-1)?.message).toBe('interrupted');
    expect(await countRuns(server)).toBeGreaterThan(0);
  });

  it('has the duration until its last end, also when it was reported before that', async () => {
    const proxy = await FaultProxy.start(server.url);
    const runSync = createRunSync(() => proxy.endpoint);
    const toDuration = ({ paths }: { paths: { runFile: string } }) =>
      (JSON.parse(readFileSync(paths.runFile, 'utf8')) as { duration: number }).duration;
    const run = runSync.startRun({ name: 'longer' });
    run.logMetric('loss', 1, { step: 0 });
    await run.flush();
    await runSync.sync();
    await run.end({ status: 'failed' });
    const duration = toDuration(run);
    await sleep(300);
    await runSync.sync();
    const served = new ServerRun(server, run.uuid);
    const first = await served.run();
    expect(first).toMatchObject({ status: 'failed', duration });

    const next = runSync.startRun({ uuid: run.uuid, resume: true });
    await sleep(300);
    await next.end();
    await runSync.sync();
    expect(toDuration(next)).toBeGreaterThanOrEqual(duration + 0.3);
    // The server keeps the first end time, whatever is sent; the last condition has the last one.
    expect(await served.run()).toMatchObject({
      status: 'succeeded',
      duration: toDuration(next),
      finished_at: first.finished_at,
    });

    rmSync(runSync.stateDirectory, { recursive: true });
    const before = proxy.log.length;
    await runSync.sync();
    expect(proxy.log.slice(before).filter(({ method }) => WRITES.has(method))).toEqual([]);
  });

  it('keeps the status and the duration of an end that another client has set', async () => {
    const runSync = createRunSync(() => server.url);
    const run = runSync.startRun({ name: 'stopped' });
    run.logMetric('loss', 1, { step: 0 });
    await run.flush();
    await runSync.sync();
    await server.send('POST', `/api/v1/default/${PROJECT}/runs/${run.uuid}/statuses`, {
      condition: { type: 'stopped', status: true, reason: 'OtherClient', message: 'enough' },
    });
    const served = new ServerRun(server, run.uuid);
    const { duration } = await served.run();
    run.logMetric('loss', 2, { step: 1 });
    await sleep(100);
    await run.end();
    expect((await runSync.sync()).isComplete).toBe(true);
    expect(await served.run()).toMatchObject({ status: 'stopped', duration, outputs: { loss: 2 } });
    expect(await served.types()).toEqual(['running', 'stopped']);
  });

  it('is recreated on a server that has lost it', async () => {
    const directory = createSharedTempDir();
    const forgetful = await startServer(directory);
    const runSync = createRunSync(() => forgetful.url);
    const run = runSync.startRun({ name: 'lost' });
    run.logMetric('loss', 1, { step: 0 });
    await run.end();
    await runSync.sync();
    // Delete the rows directly, because the server only marks a run as deleted.
    const script = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute('delete from db_artifactlineage')
database.execute('delete from db_artifact')
database.execute('delete from db_run')
database.commit()`;
    await runFile(peerPath('polyaxon'), ['-c', script, join(directory, '.polyaxon', 'plx.db')]);
    expect(await countRuns(forgetful)).toBe(0);

    expect((await runSync.sync()).unsent).toEqual([]);
    const served = new ServerRun(forgetful, run.uuid);
    expect(await served.types()).toEqual(['running', 'succeeded']);
    expect((await served.lineage()).map(({ name }) => name)).toEqual(['loss', 'tensorboard']);
  });
});
