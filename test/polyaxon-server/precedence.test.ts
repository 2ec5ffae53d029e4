/** Which of two values of a field a real server ends up with: that of the program, of the platform or another client, or of the run file. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Run, RunOptions } from '../../src/index.js';
import { runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import type { PolyaxonServer } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';
import { listRuns, startTracked } from '../support/tracked-program.js';
import {
  createRunSync,
  PROJECT,
  type ServedRun,
  ServerRun,
  type SyncTarget,
  startServer,
} from '../uploader/polyaxon-sync/support.js';

type Values = Readonly<Record<string, unknown>>;

interface Field {
  /** Sets the field as a program does, to one of two values. */
  readonly set: (run: Run, value: 'first' | 'second') => void;
  /** Body of a request that sets the field as another client does. */
  readonly theirs: Values;
  /** Expected data of the server while it has the value of the program, and that of the other client. */
  readonly ours: (value: 'first' | 'second') => Values;
  readonly kept: Values;
  /** The server adds the value of the program to that of the other client. */
  readonly isMerged?: boolean;
}

/** Each row of the table in docs/polyaxon.md, except the status. */
const FIELDS: Record<string, Field> = {
  name: {
    set: (run, value) => run.setName(value),
    theirs: { name: 'theirs' },
    ours: (value) => ({ name: value }),
    kept: { name: 'theirs' },
  },
  description: {
    set: (run, value) => run.setDescription(value),
    theirs: { description: 'theirs' },
    ours: (value) => ({ description: value }),
    kept: { description: 'theirs' },
  },
  readme: {
    set: (run, value) => run.setReadme(value),
    theirs: { readme: 'theirs' },
    ours: (value) => ({ readme: value }),
    kept: { readme: 'theirs' },
  },
  tags: {
    set: (run, value) => run.logTags([value]),
    theirs: { tags: ['theirs'] },
    ours: (value) => ({ tags: expect.arrayContaining([value]) }),
    kept: { tags: ['theirs'] },
    isMerged: true,
  },
  ...Object.fromEntries(
    (['inputs', 'outputs', 'meta_info'] as const).map((field): [string, Field] => [
      field,
      {
        set: (run, value) => {
          if (field === 'inputs') run.logInputs({ key: value });
          else if (field === 'outputs') run.logOutputs({ key: value });
          else run.logMeta({ key: value });
        },
        theirs: { [field]: { key: 'theirs', other: 1 } },
        ours: (value) => ({ [field]: expect.objectContaining({ key: value }) }),
        kept: { [field]: expect.objectContaining({ key: 'theirs', other: 1 }) },
      },
    ]),
  ),
};

describeWithPeers(['polyaxon'], 'of two values of a field', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startServer();
  });

  async function change(uuid: string, body: Values): Promise<void> {
    await server.send('PATCH', `/api/v1/default/${PROJECT}/runs/${uuid}`, body);
  }

  async function createOnServer(uuid: string, body: Values): Promise<void> {
    const created = {
      ...{ uuid, kind: 'job', runtime: 'job', is_managed: false, managed_by: 'user' },
      ...{ created_at: new Date().toISOString(), name: 'of-the-platform' },
    };
    await server.send('POST', `/api/v1/default/${PROJECT}/runs/sync`, created);
    await change(uuid, body);
  }

  /** Syncs a run that is active, so that its program can set the field again. */
  async function start(options?: RunOptions): Promise<{ target: SyncTarget; run: Run; served: ServerRun }> {
    const target = createRunSync(() => server.url);
    const run = target.startRun(options);
    run.logMetric('loss', 1, { step: 0 });
    return { target, run, served: new ServerRun(server, run.uuid) };
  }

  async function sync(target: SyncTarget, run: Run): Promise<void> {
    await run.flush();
    expect((await target.sync()).unsent).toEqual([]);
  }

  describe.each(Object.entries(FIELDS))('%s', (_, { set, theirs, ours, kept, isMerged }) => {
    it('that of the platform stays if the program sets none', async () => {
      const { target, run, served } = await start();
      await createOnServer(run.uuid, theirs);
      await sync(target, run);
      await run.end();
      await sync(target, run);
      expect(await served.run()).toMatchObject(kept);
    });

    it('that of the program replaces that of the platform', async () => {
      const { target, run, served } = await start();
      await createOnServer(run.uuid, theirs);
      set(run, 'first');
      await sync(target, run);
      const found = await served.run();
      expect(found).toMatchObject(ours('first'));
      if (isMerged === true) expect(found.tags).toContain('theirs');
    });

    it('that of another client stays, also without state directory, if the program sets none', async () => {
      const { target, run, served } = await start();
      await sync(target, run);
      await change(run.uuid, theirs);
      rmSync(target.stateDirectory, { recursive: true });
      run.logMetric('loss', 2, { step: 1 });
      await run.end();
      await sync(target, run);
      expect(await served.run()).toMatchObject(kept);
    });

    it('that of another client stays after that of the program was reported', async () => {
      const { target, run, served } = await start();
      set(run, 'first');
      await sync(target, run);
      await change(run.uuid, theirs);
      run.logMetric('loss', 2, { step: 1 });
      await run.end();
      await sync(target, run);
      expect(await served.run()).toMatchObject(kept);
    });

    it('that of the program is sent again if the state directory is lost', async () => {
      const { target, run, served } = await start();
      set(run, 'first');
      await sync(target, run);
      await change(run.uuid, theirs);
      rmSync(target.stateDirectory, { recursive: true });
      await run.end();
      await sync(target, run);
      expect(await served.run()).toMatchObject(ours('first'));
    });

    it('a new one of the program replaces that of another client', async () => {
      const { target, run, served } = await start();
      set(run, 'first');
      await sync(target, run);
      await change(run.uuid, theirs);
      set(run, 'second');
      await sync(target, run);
      expect(await served.run()).toMatchObject(ours('second'));
    });

    it('one that is written into the run file later counts as that of the program', async () => {
      const { target, run, served } = await start();
      await run.end();
      await sync(target, run);
      await change(run.uuid, theirs);
      const copy = createRunSync(() => server.url).startRun();
      set(copy, 'second');
      await copy.end();
      const written = JSON.parse(readFileSync(copy.paths.runFile, 'utf8')) as Values;
      const file = JSON.parse(readFileSync(run.paths.runFile, 'utf8')) as Values;
      const [field = ''] = Object.keys(theirs);
      writeFileSync(run.paths.runFile, JSON.stringify({ ...file, [field]: written[field] }));
      await sync(target, run);
      expect(await served.run()).toMatchObject(ours('second'));
    });
  });

  describe('status', () => {
    async function post(uuid: string, type: string): Promise<void> {
      const condition = { type, status: true, reason: 'OtherClient' };
      await server.send('POST', `/api/v1/default/${PROJECT}/runs/${uuid}/statuses`, { condition });
    }
    const statusOf = async (served: ServerRun): Promise<ServedRun['status']> => (await served.run()).status;

    it('an end that another client sets stays', async () => {
      const { target, run, served } = await start();
      await sync(target, run);
      await post(run.uuid, 'stopped');
      await run.end();
      await sync(target, run);
      expect(await statusOf(served)).toBe('stopped');
    });

    it('an end of the platform from before the first report stays', async () => {
      const { target, run, served } = await start();
      await createOnServer(run.uuid, {});
      await post(run.uuid, 'failed');
      await run.end();
      await sync(target, run);
      expect(await statusOf(served)).toBe('failed');
    });

    it('an end of the program stays, also if the state directory is lost', async () => {
      const { target, run, served } = await start();
      await run.end({ status: 'failed' });
      await sync(target, run);
      await post(run.uuid, 'running'); // the server ignores it
      rmSync(target.stateDirectory, { recursive: true });
      await sync(target, run);
      expect(await statusOf(served)).toBe('failed');
    });
  });

  it('a name of the program in its options counts as set, and the default of a new run does not', async () => {
    const named = await start({ name: 'mine' });
    await sync(named.target, named.run);
    expect((await named.served.run()).name).toBe('mine');
    const chosen = await start({ name: 'run' });
    await createOnServer(chosen.run.uuid, { name: 'theirs' });
    await sync(chosen.target, chosen.run);
    expect((await chosen.served.run()).name).toBe('run');
    const renamed = await start();
    await createOnServer(renamed.run.uuid, { name: 'theirs' });
    renamed.run.setName('run');
    await sync(renamed.target, renamed.run);
    expect((await renamed.served.run()).name).toBe('run');
    const unnamed = await start();
    await sync(unnamed.target, unnamed.run);
    expect((await unnamed.served.run()).name).toBe('run');
  });

  it('the name that `polytrack run` derives from the program is a default, and --name is not', async () => {
    const store = `polyaxon://${new URL(server.url).host}/default/${PROJECT}`;
    for (const [flags, expected] of [
      [[], 'theirs'],
      [['--name', 'mine'], 'mine'],
    ] as const) {
      const cwd = createTempDir();
      const program = startTracked([...flags, '--', process.execPath, '-e', '0'], { cwd });
      expect(await program.ended, program.stderr()).toBe(0);
      const [directory] = listRuns(join(cwd, 'plx-runs'));
      const served = new ServerRun(server, String(directory).slice(-32));
      const syncAgain = async (): Promise<void> => {
        const synced = await runCli('sync', cwd, '--store', store, '--state-dir', createTempDir());
        expect(synced.code, synced.stdout + synced.stderr).toBe(0);
      };

      await syncAgain();
      expect((await served.run()).name).toBe(expected === 'mine' ? 'mine' : 'node');
      await change(String(directory).slice(-32), { name: 'theirs' });
      await syncAgain();
      expect((await served.run()).name).toBe(expected);
    }
  });
});
