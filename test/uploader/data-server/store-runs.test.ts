/** The data server on the runs of an S3 bucket: what it shows, and which requests it sends. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { CountingProxy } from '../../../bench/support/counting-proxy.mjs';
import { Run } from '../../../src/index.js';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { serveRuns } from '../../../uploader/operations/tensorboard/serve-runs.js';
import { waitFor } from '../../support/child-server.js';
import { listRuns, readSeries } from '../../support/data-provider-client.js';
import { describeWithPeers } from '../../support/peers.js';
import { runCommand } from '../../support/run-command.js';
import { S3Server } from '../../support/s3-server.js';
import { encodeRecords, scalars } from '../../support/scalar-files.js';
import { NO_CAPTURE } from '../../support/start-run.js';
import { createTempDir } from '../../support/temp-dir.js';

afterEach(() => vi.unstubAllEnvs());

const KEY = 'logs/a/events.out.tfevents.1.host';

async function start(prefix = '') {
  const server = await S3Server.start();
  const bucket = await server.bucket('runs');
  const proxy = await CountingProxy.start(Number(new URL(server.endpoint).port));
  onTestFinished(() => proxy.stop());
  const client = server.createClient();
  onTestFinished(() => client.destroy());
  const cache = createTempDir();
  for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
  const environment = { ...server.env, AWS_ENDPOINT_URL: proxy.endpoint, HOME: cache, XDG_CACHE_HOME: cache };
  const problems: string[] = [];
  return {
    proxy,
    bucket,
    cache,
    problems,
    put: (key: string, body: Buffer) =>
      client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body })),
    remove: (key: string) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })),
    serve: async (io = nodeIo, options: { reloadSeconds?: number } = {}) => {
      const running = await serveRuns(`s3://${bucket}${prefix}`, {
        ...{ host: '127.0.0.1', port: 0, io, environment, flags: {}, capacity: 10_000, ...options },
        onProblem: (problem) => problems.push(problem),
      });
      onTestFinished(() => running[Symbol.asyncDispose]());
      return running;
    },
  };
}

async function awaitSteps(port: number, run: string, steps: string): Promise<void> {
  await waitFor(`the steps ${steps}`, async () => {
    const found = (await readSeries(port, run, 'loss')).map(([step]) => step).join();
    return found === steps || undefined;
  });
}

describeWithPeers(['s3'], 'the data server on S3', () => {
  it('shows runs of polytrack by name and status, and other event files by their directory', async () => {
    const { bucket, put, serve } = await start();
    const root = createTempDir();
    for (const [name, outcome] of [
      ['good', 'succeeded'],
      ['bad', 'failed'],
    ] as const) {
      const run = new Run({ root, name, ...NO_CAPTURE, announce: false });
      run.logMetrics({ loss: 0.5 }, { step: 3 });
      await run.end({ status: outcome });
    }
    const { code } = await runCommand([
      'sync',
      root,
      '--store',
      `s3://${bucket}`,
      '--state-dir',
      createTempDir(),
    ]);
    await put(KEY, encodeRecords(scalars('loss', [[1, 1]])));
    const { port } = await serve();

    const names = await waitFor('the runs', async () => {
      const found = await listRuns(port);
      return found.length === 3 ? found : undefined;
    });

    expect(code).toBe(0);
    expect(names.map((name) => name.replace(/-[0-9a-f]{8}/, '')).sort()).toEqual([
      'bad (failed)',
      'good',
      'logs/a',
    ]);
    await awaitSteps(port, names.find((name) => name.startsWith('good'))!, '3');
  });

  it('reads only the new bytes of a copy that an earlier server has left, and all again without it', async () => {
    const { put, serve, proxy, cache } = await start();
    const points = (count: number): [number, number][] => Array.from({ length: count }, (_, i) => [i, i]);
    await put(KEY, encodeRecords(scalars('loss', points(20_000))));
    const first = await serve();
    await waitFor(
      'all points',
      async () => (await readSeries(first.port, 'logs/a', 'loss', 1))[0]?.[0] === '19999' || undefined,
    );
    await first[Symbol.asyncDispose]();
    const before = proxy.receivedBytes;

    await put(KEY, encodeRecords(scalars('loss', points(20_010))));
    const second = await serve();
    await waitFor(
      'the new points',
      async () => (await readSeries(second.port, 'logs/a', 'loss', 1))[0]?.[0] === '20009' || undefined,
    );
    const received = proxy.receivedBytes - before;
    await second[Symbol.asyncDispose]();
    rmSync(join(cache, 'polytrack'), { recursive: true });
    const third = await serve();
    await waitFor(
      'all points',
      async () => (await readSeries(third.port, 'logs/a', 'loss', 1))[0]?.[0] === '20009' || undefined,
    );

    expect(received).toBeLessThan(20_000);
  });

  it('reads an object again that was replaced by another one', async () => {
    const { put, serve } = await start();
    await put(
      KEY,
      encodeRecords(
        scalars('loss', [
          [1, 1],
          [2, 1],
        ]),
      ),
    );
    const first = await serve();
    await awaitSteps(first.port, 'logs/a', '1,2');
    await first[Symbol.asyncDispose]();

    await put(
      KEY,
      encodeRecords(
        scalars('loss', [
          [7, 1],
          [8, 1],
          [9, 1],
        ]),
      ),
    );
    const second = await serve();

    await awaitSteps(second.port, 'logs/a', '7,8,9');
  });

  it('asks for new bytes of a live run with one conditional request each time, and writes nothing', async () => {
    const { put, serve, proxy } = await start();
    const uuid = 'a'.repeat(32);
    const key = `${uuid}/outputs/tensorboard/events.out.tfevents.1.host`;
    await put(`${uuid}/run.plx.json`, Buffer.from('{"name":"live","status":"running"}'));
    await put(key, encodeRecords(scalars('loss', [[1, 1]])));
    const { port } = await serve();
    const run = 'live-aaaaaaaa (running)';
    await awaitSteps(port, run, '1');
    const before = new Map(proxy.operations);

    await put(
      key,
      encodeRecords(
        scalars('loss', [
          [1, 1],
          [2, 1],
        ]),
      ),
    );
    await awaitSteps(port, run, '1,2');

    const sent = [...proxy.operations].map(([name, count]) => [name, count - (before.get(name) ?? 0)]);
    expect(
      sent.filter(([name, count]) => Number(count) > 0 && name !== 'GET' && !/get/i.test(String(name))),
    ).toEqual([]);
    expect([...proxy.operations.keys()].some((name) => /put|post|delete/i.test(name))).toBe(false);
  });

  it('joins an object and the segments behind it, and reads both again when they are replaced', async () => {
    const { put, remove, serve } = await start();
    const uuid = 'c'.repeat(32);
    const path = 'outputs/tensorboard/events.out.tfevents.1.host';
    const segment = (generation: number, offset: number, body: Buffer) =>
      `${uuid}/.plx/seg/${path}/${generation}/${String(offset).padStart(20, '0')}-${body.length}`;
    const records = (...steps: number[]) =>
      encodeRecords(
        scalars(
          'loss',
          steps.map((step) => [step, 1]),
          steps[0],
        ),
      );
    await put(`${uuid}/run.plx.json`, Buffer.from('{"name":"seg","status":"succeeded"}'));
    const [object, tail, other] = [records(1, 2), records(3, 4), records(7, 8)];
    await put(`${uuid}/${path}`, object);
    await put(segment(0, object.length, tail), tail);
    const run = 'seg-cccccccc';
    const first = await serve();
    await awaitSteps(first.port, run, '1,2,3,4');
    await first[Symbol.asyncDispose]();

    // The program was restarted: another file of the same size, and another tail.
    await put(`${uuid}/${path}`, other);
    const otherTail = records(9);
    await put(segment(1, other.length, otherTail), otherTail);
    const second = await serve();
    await awaitSteps(second.port, run, '7,8,9');
    await second[Symbol.asyncDispose]();

    // The object is complete, and its segments are gone.
    await put(`${uuid}/${path}`, Buffer.concat([other, otherTail, records(10)]));
    await remove(segment(0, object.length, tail));
    await remove(segment(1, other.length, otherTail));
    const third = await serve();
    await awaitSteps(third.port, run, '7,8,9,10');
  });

  it('asks for new bytes as often as TensorBoard reloads', async () => {
    const { put, serve, proxy } = await start();
    const uuid = 'd'.repeat(32);
    await put(`${uuid}/run.plx.json`, Buffer.from('{"name":"live","status":"running"}'));
    await put(
      `${uuid}/outputs/tensorboard/events.out.tfevents.1.host`,
      encodeRecords(scalars('loss', [[1, 1]])),
    );
    const { port } = await serve(nodeIo, { reloadSeconds: 0.2 });
    await awaitSteps(port, 'live-dddddddd (running)', '1');
    const before = proxy.requests;

    await sleep(1100);

    expect(proxy.requests - before).toBeGreaterThan(3);
    expect(proxy.requests - before).toBeLessThan(7);
  });

  it('sends no request while there are no calls, and continues at the next call', async () => {
    const { put, serve, proxy } = await start();
    const uuid = 'b'.repeat(32);
    const key = `${uuid}/outputs/tensorboard/events.out.tfevents.1.host`;
    await put(`${uuid}/run.plx.json`, Buffer.from('{"name":"live","status":"running"}'));
    await put(key, encodeRecords(scalars('loss', [[1, 1]])));
    let passedMs = 0;
    const clock = Object.assign(Object.create(nodeIo.clock), {
      monotonicMs: () => nodeIo.clock.monotonicMs() + passedMs,
    });
    const { port } = await serve({ ...nodeIo, clock });
    await awaitSteps(port, 'live-bbbbbbbb (running)', '1');
    const atFirst = proxy.requests;
    await waitFor('a request for new bytes', () => proxy.requests > atFirst || undefined);

    passedMs = 61_000;
    await sleep(1500);
    const before = proxy.requests;
    await sleep(3000);
    expect(proxy.requests).toBe(before);

    await listRuns(port);
    expect(proxy.requests).toBeGreaterThan(before);
  });
});

it('deletes the oldest copies while it reads a store that is larger than the limit, and shows all runs', async () => {
  const store = createTempDir();
  const body = encodeRecords(
    scalars(
      'loss',
      Array.from({ length: 100 }, (_, step) => [step, 1]),
    ),
  );
  for (let run = 0; run < 10; run++) {
    mkdirSync(join(store, `logs/${run}`), { recursive: true });
    writeFileSync(join(store, `logs/${run}/events.out.tfevents.1.host`), body);
  }
  const cache = createTempDir();
  const environment = { HOME: cache, XDG_CACHE_HOME: cache };

  const running = await serveRuns(`file://${store}`, {
    ...{ host: '127.0.0.1', port: 0, io: nodeIo, environment, flags: {}, capacity: 10_000 },
    maxCacheBytes: 3.5 * body.length,
    onProblem: () => {},
  });
  onTestFinished(() => running[Symbol.asyncDispose]());

  for (let run = 0; run < 10; run++)
    await waitFor(
      'the run',
      async () => (await readSeries(running.port, `logs/${run}`, 'loss')).length === 100 || undefined,
    );
  const copies = readdirSync(join(cache, 'polytrack/objects')).filter((name) => !name.includes('.'));
  expect(copies).toHaveLength(3);
});

it('shows a store that is a directory', async () => {
  const store = createTempDir();
  mkdirSync(join(store, 'logs/a'), { recursive: true });
  writeFileSync(join(store, KEY), encodeRecords(scalars('loss', [[4, 1]])));
  const environment = { HOME: createTempDir(), XDG_CACHE_HOME: createTempDir() };

  const running = await serveRuns(`file://${store}`, {
    ...{ host: '127.0.0.1', port: 0, io: nodeIo, environment, flags: {}, capacity: 10_000 },
    onProblem: () => {},
  });
  onTestFinished(() => running[Symbol.asyncDispose]());

  await awaitSteps(running.port, 'logs/a', '4');
});
