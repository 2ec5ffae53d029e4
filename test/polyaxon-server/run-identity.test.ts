/** Two runs with one uuid: a real server keeps the first, and nothing of the second is reported. */

import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Run } from '../../src/index.js';
import { nodeIo, sync } from '../../uploader/index.js';
import { runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import type { PolyaxonServer } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';
import {
  createRunSync,
  PROJECT,
  ServerRun,
  type SyncTarget,
  startServer,
} from '../uploader/polyaxon-sync/support.js';

const OTHER_HOST = { ...nodeIo, hostId: async () => 'another-host' };

describeWithPeers(['polyaxon'], 'a run with the uuid of another one', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startServer();
  });

  async function log(target: SyncTarget, uuid?: string): Promise<Run> {
    const run = target.startRun({ ...(uuid === undefined ? {} : { uuid }), tags: [target.root] });
    run.logMetric('loss', 1, { step: 0 });
    run.logInputs({ root: target.root });
    await run.end();
    return run;
  }

  it('F101: is rejected with an error that names both places, and changes nothing', async () => {
    const [first, second] = [createRunSync(() => server.url), createRunSync(() => server.url)];
    const { uuid, paths } = await log(first);
    const other = await log(second, uuid);
    expect((await first.sync()).isComplete).toBe(true);
    const served = new ServerRun(server, uuid);
    const before = await served.everything();

    for (let syncs = 0; syncs < 2; syncs += 1) {
      const report = await sync(await second.toConfig(), { io: OTHER_HOST });
      expect(report.isComplete).toBe(false);
      const [conflict] = report.unsent.filter(({ error }) => error.code === 'ERR_RUN_CONFLICT');
      expect(conflict?.error.message).toMatch(
        new RegExp(`the server has this run from ${paths.run} on host \\S+.*; ${other.paths.run} on host`),
      );
      expect(conflict?.error.hint).toContain('--take-over');
    }
    expect(await served.everything()).toEqual(before);

    // The owner may still report it.
    rmSync(first.stateDirectory, { recursive: true });
    expect((await first.sync()).unsent).toEqual([]);
    expect(await served.everything()).toEqual(before);
  });

  it('is rejected by `polytrack sync --polyaxon` without a store', async () => {
    const roots = [createRunSync(() => server.url), createRunSync(() => server.url)] as const;
    const { uuid } = await log(roots[0]);
    await log(roots[1], uuid);
    const send = (root: string, ...more: string[]) =>
      runCli(
        ...['sync', root, '--polyaxon', server.url, '--project', PROJECT],
        ...['--state-dir', createTempDir(), ...more],
      );
    expect(await send(roots[0].root)).toMatchObject({ code: 0 });
    const served = new ServerRun(server, uuid);
    const before = await served.everything();

    const rejected = await send(roots[1].root);
    expect(rejected.code).toBe(1);
    expect(rejected.stdout + rejected.stderr).toContain('ERR_RUN_CONFLICT');
    expect(rejected.stdout + rejected.stderr).toContain(`${roots[0].root}/runs/${uuid} on host`);
    expect(await served.everything()).toEqual(before);

    expect(await send(roots[1].root, '--take-over')).toMatchObject({ code: 0 });
    expect((await served.run()).inputs).toEqual({ root: roots[1].root });
    expect(await send(roots[0].root)).toMatchObject({ code: 1 });
  });

  it('is rejected for a copy on another host, and not for a directory that was moved on its host', async () => {
    const target = createRunSync(() => server.url);
    const { uuid, paths } = await log(target);
    await target.sync();
    const copy = createRunSync(() => server.url);
    cpSync(paths.run, join(copy.root, 'runs', uuid), { recursive: true });
    const report = await sync(await copy.toConfig(), { io: OTHER_HOST });
    expect(report.unsent.map(({ error }) => error.code)).toContain('ERR_RUN_CONFLICT');

    const moved = createRunSync(() => server.url);
    rmSync(join(copy.root, 'runs', uuid), { recursive: true });
    cpSync(paths.run, join(moved.root, 'runs', uuid), { recursive: true });
    renameSync(paths.run, `${createTempDir()}/gone`);
    expect((await moved.sync()).unsent).toEqual([]);
  });

  it('is reported if the platform or another program has created it', async () => {
    const target = createRunSync(() => server.url);
    const run = await log(target);
    await server.send('POST', `/api/v1/default/${PROJECT}/runs/sync`, {
      ...{ uuid: run.uuid, name: 'theirs', kind: 'job', runtime: 'job' },
      ...{ is_managed: false, managed_by: 'user', created_at: '2026-01-01T00:00:00Z' },
    });
    expect((await target.sync()).unsent).toEqual([]);
    const served = await new ServerRun(server, run.uuid).run();
    expect(served).toMatchObject({ status: 'succeeded', inputs: { root: target.root } });
    expect(served.meta_info).not.toHaveProperty('polytrack_origin');
  });

  it('keeps its owner when the meta information of the run is reset', async () => {
    const target = createRunSync(() => server.url);
    const run = target.startRun();
    run.logMeta({ a: 1 });
    await run.flush();
    await target.sync();
    run.logMeta({ b: 2 }, { reset: true });
    await run.end();
    await target.sync();
    const { meta_info } = await new ServerRun(server, run.uuid).run();
    expect(meta_info).toMatchObject({ b: 2, polytrack_origin: { directory: run.paths.run } });
    expect(meta_info).not.toHaveProperty('a');
  });
});
