/** Health, readiness and metrics of a watch, over HTTP. */

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { messageOf } from '../../../../src/base/errors.js';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { serveMonitor } from '../../../../uploader/engine/monitor/http-server.js';
import { Monitor } from '../../../../uploader/engine/monitor/monitor.js';
import { toExposition } from '../../../../uploader/engine/monitor/prometheus.js';
import { RefusedError, resolveConfig } from '../../../../uploader/index.js';
import type { SyncConfig } from '../../../../uploader/settings/sync-config.js';
import { findFreePort, waitFor } from '../../../support/child-server.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { createHarness } from '../../support/sync-harness.js';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

async function get(port: number, path: string, method = 'GET'): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  const type = response.headers.get('content-type') ?? '';
  return { status: response.status, type, text: await response.text() };
}

/** The samples of an exposition, by name and labels. */
function parse(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

async function withHttp(): Promise<{ port: number; config: Partial<SyncConfig> }> {
  const port = await findFreePort();
  return { port, config: { http: { host: '127.0.0.1', port } } };
}

describe('watch with --http', () => {
  it('reports health, readiness and metrics', async () => {
    const harness = createHarness({ 'outputs/a': 'content' });
    const { port, config } = await withHttp();
    const watch = harness.startWatch({ config });

    await waitFor('readiness', async () => (await get(port, '/readyz')).status === 200 || undefined);
    const metrics = await waitFor(
      'metrics',
      async () => {
        const answer = await get(port, '/metrics');
        return parse(answer.text).polytrack_stored_files === 3 ? answer : undefined;
      },
      30_000,
    );

    expect(await get(port, '/healthz')).toMatchObject({ status: 200, text: 'alive\n' });
    expect(metrics.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(parse(metrics.text)).toMatchObject({
      'polytrack_stored_objects_total{strategy="put"}': 3,
      polytrack_lag_seconds: 0,
      polytrack_backlog_files: 0,
      polytrack_backlog_bytes: 0,
      polytrack_lost_bytes: 0,
      polytrack_ready: 1,
      'polytrack_runs{phase="live"}': 1,
    });
    expect(parse(metrics.text).polytrack_sent_bytes_total).toBeGreaterThan(7);
    expect(metrics.text).toMatch(
      /^polytrack_build_info\{version="\d+\.\d+\.\d+.*",node_version="\d+\..*"\} 1$/m,
    );
    expect(metrics.text).not.toContain(harness.root);
    await watch.stop();
    await expect(get(port, '/healthz')).rejects.toThrow();
  });

  it('reports calls to the store by operation, with their durations and last success', async () => {
    const harness = createHarness({ 'outputs/a': 'content' });
    const { port, config } = await withHttp();
    const watch = harness.startWatch({ config });
    const metrics = await waitFor('metrics', async () => {
      const found = parse((await get(port, '/metrics')).text);
      return found.polytrack_stored_files === 3 ? found : undefined;
    });

    const commits = metrics['polytrack_store_calls_total{operation="commit",result="ok"}'];
    expect(commits).toBeGreaterThanOrEqual(3);
    expect(metrics['polytrack_store_call_duration_seconds_count{operation="commit"}']).toBe(commits);
    expect(metrics['polytrack_store_call_duration_seconds_bucket{operation="commit",le="+Inf"}']).toBe(
      commits,
    );
    expect(metrics['polytrack_store_call_duration_seconds_bucket{operation="commit",le="300"}']).toBe(
      commits,
    );
    for (const operation of ['check', 'list', 'commit'])
      expect(
        metrics[`polytrack_last_success_timestamp_seconds{operation="${operation}"}`],
        operation,
      ).toBeCloseTo(Date.now() / 1000, -3);
    await watch.stop();
  });

  it('is healthy but not ready during an outage of the store, and reports the backlog', async () => {
    const harness = createHarness({ 'outputs/a': 'content' });
    harness.store.fault = () => 'fail';
    const { port, config } = await withHttp();
    const watch = harness.startWatch({ config });

    const answer = await waitFor(
      'the outage',
      async () => {
        const found = await get(port, '/readyz').catch(() => undefined);
        return found?.text.startsWith('the store') ? found : undefined;
      },
      30_000,
    );

    expect(answer.status).toBe(503);
    expect((await get(port, '/healthz')).status).toBe(200);
    const metrics = parse((await get(port, '/metrics')).text);
    expect(metrics.polytrack_retries_total).toBeGreaterThan(0);
    expect(Object.keys(metrics).filter((name) => name.includes('result="retry"'))).not.toEqual([]);
    expect(Object.keys(metrics).filter((name) => name.includes('operation="commit",result="ok"'))).toEqual(
      [],
    );
    expect(metrics['polytrack_retry_causes_total{code="Error"}']).toBeGreaterThan(0);
    expect(metrics.polytrack_store_outage_seconds).toBeGreaterThan(0);
    expect(metrics).toMatchObject({ polytrack_backlog_files: 3, polytrack_ready: 0 });
    await watch.stop();
  });

  it('is not ready while the root is unavailable, and exposes no path', async () => {
    const harness = createHarness({ 'outputs/a': 'content' });
    const { port, config } = await withHttp();
    const watch = harness.startWatch({ config });
    await watch.until('stored', () => harness.stored('outputs/a') === 'content');
    rmSync(harness.root, { recursive: true });

    const answer = await waitFor(
      'the pause',
      async () => {
        const found = await get(port, '/readyz');
        return found.text === 'paused\n' ? found : undefined;
      },
      30_000,
    );

    expect(answer.status).toBe(503);
    await watch.stop();
  });

  it('counts errors by code', async () => {
    const monitor = new Monitor(new FakeClock());
    const harness = createHarness();
    const large = { ...harness.store.capabilities, maxObjectBytes: 1 };
    harness.store.capabilities = large;
    await harness.sync();
    for (const event of harness.events) monitor.onEvent(event);

    expect(parse(monitor.toText())).toMatchObject({ 'polytrack_errors_total{code="ERR_STORE_LIMIT"}': 2 });
  });

  it('answers only GET and HEAD of existing paths', async () => {
    const harness = createHarness();
    const { port, config } = await withHttp();
    const watch = harness.startWatch({ config });
    await waitFor(
      'the server',
      async () => (await get(port, '/healthz')).status === 200 || undefined,
      30_000,
    );

    expect(await get(port, '/')).toMatchObject({ status: 404 });
    expect(await get(port, '/metrics/../../etc/passwd')).toMatchObject({ status: 404 });
    expect(await get(port, '/metrics', 'POST')).toMatchObject({ status: 405 });
    expect(await get(port, '/metrics', 'HEAD')).toMatchObject({ status: 200, text: '' });
    const odd = await new Promise<number>((resolve) => {
      request({ port, host: '127.0.0.1', path: '/metrics?x=<script>' }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).end();
    });
    expect(odd).toBe(200);
    await watch.stop();
  });

  it('fails when the address is in use, and sends nothing', async () => {
    const first = createHarness();
    const second = createHarness();
    const { port, config } = await withHttp();
    const watch = first.startWatch({ config });
    await waitFor(
      'the server',
      async () => (await get(port, '/healthz')).status === 200 || undefined,
      30_000,
    );

    const refused = await second.startWatch({ config }).report.catch((error: unknown) => error);

    expect(refused).toBeInstanceOf(RefusedError);
    expect(messageOf(refused)).toContain(`--http 127.0.0.1:${port}: cannot listen at this address`);
    expect(second.store.calls).toEqual([]);
    await watch.stop();
  });
});

describe('serveMonitor', () => {
  it('F82: answers although as many clients as it accepts have sent half a request', async () => {
    const server = await serveMonitor(new Monitor(new FakeClock()), { host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.close());
    const port = Number(new URL(server.url).port);
    const clients = Array.from({ length: 200 }, () =>
      connect(port, '127.0.0.1').on('error', () => undefined),
    );
    onTestFinished(() => clients.forEach((client) => void client.destroy()));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    for (const client of clients) client.write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
    await vi.waitFor(
      () => expect(clients.filter(({ destroyed }) => !destroyed).length).toBeLessThan(65),
      20_000,
    );

    expect((await get(port, '/healthz')).status).toBe(200);
  });
});

describe('Monitor.health', () => {
  it('fails when the loop is stuck', () => {
    const clock = new FakeClock();
    const monitor = new Monitor(clock);

    clock.seconds += 119;
    expect(monitor.health().isGood).toBe(true);
    clock.seconds += 2;
    expect(monitor.health()).toEqual({ isGood: false, reason: 'no progress for 121 s' });
    expect(monitor.readiness().isGood).toBe(false);
  });
});

describe('--http', () => {
  it.each([
    ['9400', { host: '127.0.0.1', port: 9400 }],
    [':9400', { host: '127.0.0.1', port: 9400 }],
    ['0.0.0.0:9400', { host: '0.0.0.0', port: 9400 }],
    ['[::1]:0', { host: '::1', port: 0 }],
  ])('%s', async (http, expected) => {
    const flags = { store: 'file:///s', http, stateDir: createTempDir() };
    const { config } = await resolveConfig('.', flags, { HOME: createTempDir() }, nodeFileSystem);

    expect(config.http).toEqual(expected);
  });

  it.each(['', 'host', '70000', 'a:b:1', 'http://x:1'])('rejects %j', async (http) => {
    const flags = { store: 'file:///s', http };

    await expect(resolveConfig('.', flags, { HOME: createTempDir() }, nodeFileSystem)).rejects.toThrow(
      'is not an address',
    );
  });
});

describe('toExposition', () => {
  it('escapes labels and help texts', () => {
    const text = toExposition([
      { name: 'a', help: 'one\ntwo', type: 'gauge', samples: [{ labels: { x: 'q"b\\n\n' }, value: 1 }] },
      { name: 'empty', help: '', type: 'gauge', samples: [] },
    ]);

    expect(text).toBe('# HELP a one\\ntwo\n# TYPE a gauge\na{x="q\\"b\\\\n\\n"} 1\n');
  });
});
