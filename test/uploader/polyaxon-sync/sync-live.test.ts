/** An active run is reported in order, after an outage, and with few requests. */

import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { type RunUploadStatus, readStatus } from '../../../uploader/engine/monitor/status-file.js';
import { type SyncEvent, type SyncReport, watch } from '../../../uploader/index.js';
import { toStatePaths } from '../../../uploader/pipeline/journal/state-directory.js';
import type { SyncConfig } from '../../../uploader/settings/sync-config.js';
import { waitFor } from '../../support/child-server.js';
import { FaultProxy, type LoggedRequest } from '../../support/fault-proxy.js';
import { describeWithPeers } from '../../support/peers.js';
import type { PolyaxonServer } from '../../support/polyaxon.js';
import { createRunSync, ServerRun, startServer } from './support.js';

const isWrite = ({ method, status }: LoggedRequest): boolean => method !== 'GET' && (status ?? 0) < 300;

interface RunningWatch {
  stop(): Promise<SyncReport>;
}

function startWatch(config: SyncConfig, events: SyncEvent[]): RunningWatch {
  const stop = new AbortController();
  const onEvent = (event: SyncEvent): void => {
    events.push(event);
  };
  const report = watch(config, { signal: stop.signal, onEvent });
  return {
    stop: async () => {
      stop.abort();
      return report;
    },
  };
}

function promiseWithResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Reads the status of the only run. */
async function statusOf(config: SyncConfig): Promise<RunUploadStatus | undefined> {
  const paths = toStatePaths(config.stateDirectory, Buffer.from(config.path), config.store);
  return (await readStatus(nodeIo.fileSystem, paths))?.runs[0];
}

describeWithPeers(['polyaxon'], 'an active run', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startServer();
  });

  it('is reported with few requests after an outage, and its end status is sent last', {
    timeout: 300_000,
  }, async () => {
    const proxy = await FaultProxy.start(server.url);
    const runSync = createRunSync(() => proxy.endpoint);
    const config = await runSync.toConfig();
    const watching = startWatch(config, runSync.events);
    const run = runSync.startRun({ name: 'live', flushIntervalMs: 100 });
    const served = new ServerRun(server, run.uuid);
    run.logInputs({ lr: 0.1 });
    run.logMetric('loss', 0, { step: 0 });
    await waitFor('the run', async () => ((await served.run()).status === 'running' ? true : undefined));
    await waitFor('its metric', async () => {
      return (await served.lineage()).some(({ name }) => name === 'loss') ? true : undefined;
    });

    proxy.script = () => ({ kind: 'answer', answer: { status: 503, body: '' } });
    const before = proxy.log.length;
    for (let step = 1; step <= 60; step += 1) {
      run.logMetric('loss', step, { step });
      run.logOutputs({ step });
      if (step % 20 === 0) run.logTags([`tag-${step}`]);
      await sleep(50);
    }
    await run.logDataRef('set', { hash: 'abc' });
    await waitFor('the status', async () => {
      const api = (await statusOf(config))?.api;
      return api?.state === 'waiting' && api.lastError?.code === 'ERR_API_SERVER' ? true : undefined;
    });
    // The uploader tests from time to time whether the server is available again.
    expect(proxy.log.length - before).toBeLessThan(40);

    const back = proxy.log.length;
    proxy.script = () => undefined;
    await run.end();
    await waitFor('the end', async () => ((await served.run()).status === 'succeeded' ? true : undefined));
    expect((await watching.stop()).unsent).toEqual([]);

    expect(await served.types()).toEqual(['running', 'succeeded']);
    expect(await served.run()).toMatchObject({ outputs: { loss: 60, step: 60 }, inputs: { lr: 0.1 } });
    expect([...(await served.run()).tags].sort()).toEqual(['tag-20', 'tag-40', 'tag-60']);
    const lineage = await served.lineage();
    expect(lineage.map(({ name }) => name)).toEqual(['loss', 'set', 'tensorboard']);
    expect(lineage[0]?.summary).toMatchObject({ metric: { count: 61, last: 60 } });
    // The latest value of each key is sent, not each of its values.
    const writes = proxy.log.slice(back).filter(isWrite);
    expect(writes.length).toBeLessThanOrEqual(8);
    expect(writes.at(-1)?.url).toContain('/statuses');
  });

  it('is reported soon if it ends while a request is in flight', async () => {
    const proxy = await FaultProxy.start(server.url);
    const runSync = createRunSync(() => proxy.endpoint);
    const config = await runSync.toConfig();
    const watching = startWatch(config, runSync.events);
    const run = runSync.startRun({ name: 'overtaken', flushIntervalMs: 100 });
    const served = new ServerRun(server, run.uuid);
    run.logMetric('loss', 0, { step: 0 });
    await waitFor('its metric', async () => {
      return (await served.lineage()).some(({ name }) => name === 'loss') ? true : undefined;
    });

    const { promise: until, resolve: release } = promiseWithResolvers();
    proxy.script = ({ method }) => (method === 'PATCH' ? { kind: 'hold', until } : undefined);
    run.logTags(['late']);
    await waitFor('a request', () => proxy.log.find(({ fault }) => fault === 'hold'));
    await run.end();
    await waitFor('all stored', async () =>
      (await statusOf(config))?.phase === 'complete' ? true : undefined,
    );
    release();
    await waitFor(
      'the end',
      async () => ((await served.run()).status === 'succeeded' ? true : undefined),
      20_000,
    );
    expect((await watching.stop()).unsent).toEqual([]);
  });

  it('is shown with its error in the status while the API rejects it', async () => {
    const proxy = await FaultProxy.start(server.url);
    proxy.script = () => ({ kind: 'answer', answer: { status: 401, body: '{"detail":"Invalid token."}' } });
    const runSync = createRunSync(() => proxy.endpoint);
    const config = await runSync.toConfig();
    const run = runSync.startRun({ name: 'denied', flushIntervalMs: 100 });
    run.logMetric('loss', 1, { step: 0 });
    await run.end();
    const watching = startWatch(config, runSync.events);
    const status = await waitFor('the status', async () => {
      const found = await statusOf(config);
      return found?.api?.state === 'rejected' && found.phase === 'complete' ? found : undefined;
    });
    expect(status.api?.lastError).toMatchObject({ code: 'ERR_API_UNAUTHORIZED' });
    expect(status.pendingFiles).toBe(0);
    const report = await watching.stop();
    expect(report.unsent.map(({ error }) => error.code)).toEqual(['ERR_API_UNAUTHORIZED']);
    expect(runSync.events.filter(({ kind }) => kind === 'api-rejected')).toHaveLength(1);
  });
});
