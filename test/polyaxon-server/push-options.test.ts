/** `sync` of one run under another project, name or uuid: a real server has both runs, and nothing on disk changes. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import type { PolyaxonServer } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';
import { createRunSync, PROJECT, ServerRun, startServer } from '../uploader/polyaxon-sync/support.js';

const OTHER = 'other-project';

function hashFiles(directory: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort())
    hash.update(entry).update(readFileSync(entry));
  return hash.digest('hex');
}

describeWithPeers(['polyaxon'], 'sync of a run under another identity', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startServer();
    await server.send('POST', '/api/v1/default/projects/create', { name: OTHER });
  });

  async function createRun() {
    const target = createRunSync(() => server.url);
    const run = target.startRun({ name: 'own', project: PROJECT });
    run.logMetric('loss', 1, { step: 0 });
    run.logInputs({ lr: 0.1 });
    await run.end();
    const state = createTempDir();
    const directory = run.paths.run;
    const files = hashFiles(directory);
    const sync = async (...flags: string[]) => {
      const store = `polyaxon://${new URL(server.url).host}`;
      const result = await runCli(...['sync', directory, '--store', store, '--state-dir', state, ...flags]);
      expect(hashFiles(directory)).toBe(files);
      return result;
    };
    return { run, sync };
  }

  it('creates a second run with the new uuid, in the project and with the name that are given', async () => {
    const { run, sync } = await createRun();
    expect((await sync()).code).toBe(0);
    const first = new ServerRun(server, run.uuid);
    const before = await first.everything();

    const pushed = await sync('--new-uuid', '--project', OTHER, '--as', 'renamed');

    expect(pushed.stderr).toMatch(/new uuid: [0-9a-f]{32}/);
    expect(pushed.code).toBe(0);
    const uuid = /new uuid: ([0-9a-f]{32})/.exec(pushed.stderr)?.[1] ?? '';
    const second = new ServerRun(server, uuid, OTHER);
    expect(await second.run()).toMatchObject({ name: 'renamed', status: 'succeeded', inputs: { lr: 0.1 } });
    const namesOf = async (served: ServerRun) => (await served.lineage()).map(({ name }) => name);
    expect(await namesOf(second)).toEqual(await namesOf(first));
    const events = await server.get(`/streams/v1/default/default/${OTHER}/runs/${uuid}/events/metric`, {
      names: 'loss',
    });
    expect(JSON.stringify(events)).toContain('loss');
    expect(await first.everything()).toEqual(before);

    // Neither upload knows of the other: both are complete already.
    expect((await sync()).code).toBe(0);
    expect((await sync('--as-run', uuid, '--project', OTHER)).code).toBe(0);
    expect(await second.run()).toMatchObject({ name: 'renamed' });
    expect(await first.everything()).toEqual(before);
  });

  it('gives the run another name, which a later sync without the flag keeps', async () => {
    const { run, sync } = await createRun();
    expect((await sync('--as', 'renamed')).code).toBe(0);
    const served = new ServerRun(server, run.uuid);
    expect(await served.run()).toMatchObject({ name: 'renamed', status: 'succeeded' });
    expect((await sync()).code).toBe(0);
    expect(await served.run()).toMatchObject({ name: 'renamed' });
    expect((await sync('--as', 'again')).code).toBe(0);
    expect(await served.run()).toMatchObject({ name: 'again' });
  });

  it('uploads to the project of the flag instead of that of the run, unless the server has the run elsewhere', async () => {
    const { run, sync } = await createRun();
    expect((await sync('--project', OTHER)).code).toBe(0);
    expect(await new ServerRun(server, run.uuid, OTHER).run()).toMatchObject({ name: 'own' });

    const rejected = await sync('--project', PROJECT);

    expect(rejected.code).toBe(1);
    expect(rejected.stdout + rejected.stderr).toContain('--new-uuid');
  });

  it.each([
    [['--as', 'x', '--all']],
    [['--new-uuid', '--as-run', 'ab'.repeat(16)]],
    [['--new-uuid', '--take-over']],
    [['--as', 'x', '--group']],
  ])('rejects %j', async (flags) => {
    const { sync } = await createRun();
    const result = await sync(...flags);
    expect([result.code, result.stderr]).toEqual([2, expect.stringMatching(/^ERR_CONFIG|ERR_CONFIG/)]);
  });

  it('rejects a root of runs, and a name without a Polyaxon server', async () => {
    const target = createRunSync(() => server.url);
    await target.startRun({ name: 'a' }).end();
    const root = await runCli(...['sync', target.root, '--polyaxon', server.url, '--new-uuid']);
    expect([root.code, root.stderr]).toEqual([2, expect.stringContaining('not the directory of one run')]);
    const { run } = await createRun();
    const plain = ['sync', run.paths.run, '--store', `file://${createTempDir()}`, '--as', 'x'];
    const found = await runCli(...plain);
    expect([found.code, found.stderr]).toEqual([2, expect.stringContaining('needs a Polyaxon server')]);
  });
});
