/** Syncs runs to a Polyaxon server: a complete run, a repeated sync, a growing run, and with each response lost once. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Run } from '../../../../src/index.js';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { findStatus } from '../../../../uploader/engine/monitor/find-status.js';
import { sync } from '../../../../uploader/engine/sync.js';
import { resolveConfig } from '../../../../uploader/settings/sync-config.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../../../support/polyaxon.js';
import { startRun } from '../../../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../../../support/temp-dir.js';

describeWithPeers(['polyaxon'], 'sync to a Polyaxon server', () => {
  const directory = createSharedTempDir();
  let server: PolyaxonServer;
  beforeAll(async () => {
    server = await startSandbox(directory);
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
  });
  afterAll(() => server.stop());

  function listFiles(root: string): string[] {
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter((path) => !path.startsWith('.plx/'))
      .sort();
  }

  function expectStored({ uuid, paths }: Run): void {
    const local = paths.run;
    const stored = join(directory, uuid);
    expect(listFiles(stored)).toEqual(listFiles(local));
    for (const path of listFiles(local))
      expect(readFileSync(join(stored, path))).toEqual(readFileSync(join(local, path)));
  }

  async function toConfig(path: string, host: string, stateDir: string) {
    const flags = { store: `polyaxon+${host}/default/demo`, stateDir };
    return (await resolveConfig(path, flags, { HOME: createTempDir() }, nodeIo.fileSystem)).config;
  }

  it('stores everything, sends nothing twice, and uploads grown files again', async () => {
    const { run } = startRun({ formats: ['tensorboard', 'polyaxon'] });
    for (let step = 0; step < 100; step += 1) run.logMetric('loss', 1 / (step + 1), { step });
    run.logText('a note', 'hello');
    writeFileSync(join(run.paths.outputs, 'odd name é+&amp;.txt'), 'odd');
    await run.flush();
    const config = await toConfig(run.paths.run, server.url, createTempDir());

    expect((await sync(config)).isComplete).toBe(true);
    expect(
      await server.get(`/streams/v1/polyaxon/default/demo/runs/${run.uuid}/events/metric`, { names: 'loss' }),
    ).toMatchObject({
      data: [{ name: 'loss', data: { step: expect.objectContaining({ length: 100 }) } }],
    });
    run.logMetric('loss', 0, { step: 100 });
    await run.end();
    expect((await sync(config)).isComplete).toBe(true);

    // Works without `force`, because reading back has refreshed the server's cache.
    expect(
      await server.get(`/streams/v1/polyaxon/default/demo/runs/${run.uuid}/events/metric`, { names: 'loss' }),
    ).toMatchObject({
      data: [{ name: 'loss', data: { step: expect.objectContaining({ length: 101 }) } }],
    });
    expectStored(run);
    const again = await sync(config);
    expect(again).toMatchObject({ isComplete: true, bytes: { sent: 0 } });
    expect(await findStatus(config, nodeIo)).toMatchObject({ store: `polyaxon+${server.url}` });
  });

  it('stores everything when the first response to each request is lost', async () => {
    const { run } = startRun({ formats: ['tensorboard', 'polyaxon'] });
    for (let step = 0; step < 10; step += 1) run.logMetric('loss', step, { step });
    await run.end();
    const proxy = await FaultProxy.start(server.url);
    const lost = new Set<string>();
    proxy.script = ({ method, url }) => {
      const name = `${method} ${url}`;
      if (lost.has(name)) return undefined;
      lost.add(name);
      return { kind: 'drop-answer' };
    };

    expect((await sync(await toConfig(run.paths.run, proxy.endpoint, createTempDir()))).isComplete).toBe(
      true,
    );

    expectStored(run);
  });
});
