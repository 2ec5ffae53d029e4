/** Programs in jobs of Polyaxon, as the platform starts them, with a real server: what Python's client reports arrives from polytrack too. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, it } from 'vitest';
import { ServedRun } from '../polyaxon/served-run.js';
import { spawnScript } from '../support/child-script.js';
import { findFreePort, waitFor } from '../support/child-server.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, polyaxonEnv, runPolyaxonPython, startSandbox } from '../support/polyaxon.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const PYTHON = `
from polyaxon import tracking
tracking.init(track_code=False, track_env=False, collect_resources=False)
tracking.log_inputs(lr=0.1, layers=[1, 2])
tracking.log_tags(['t1', 't2'])
tracking.set_description('what it does')
tracking.log_meta(cluster='a')
tracking.log_progress(0.25)
for step in range(3):
    tracking.log_metric('loss', 1 / (step + 1), step=step)
tracking.log_outputs(accuracy=0.5)
tracking.log_progress(1)
tracking.log_data_ref(name='data', path='s3://data/set', hash='abc')
tracking.end()
`;
const TYPESCRIPT = `
tracking.init({ trackCode: false, trackEnv: false, collectResources: false });
tracking.logInputs({ lr: 0.1, layers: [1, 2] });
tracking.logTags(['t1', 't2']);
tracking.setDescription('what it does');
tracking.logMeta({ cluster: 'a' });
tracking.logProgress(0.25);
for (let step = 0; step < 3; step++) tracking.logMetric('loss', 1 / (step + 1), { step });
tracking.logOutputs({ accuracy: 0.5 });
tracking.logProgress(1);
tracking.logDataRef('data', { path: 's3://data/set', hash: 'abc' });
await tracking.end();
`;

interface ManagedRun {
  readonly uuid: string;
  readonly env: NodeJS.ProcessEnv;
  readonly served: ServedRun;
}

describeWithPeers(['polyaxon'], 'a job of Polyaxon', () => {
  let server: PolyaxonServer;
  let count = 0;

  beforeAll(async () => {
    server = await startSandbox();
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
  });

  /** Creates a run as the platform does before it starts the job, and returns the variables of the job. */
  async function createManaged(variables: NodeJS.ProcessEnv = {}): Promise<ManagedRun> {
    count += 1;
    const uuid = count.toString(16).padStart(32, 'a');
    const status = { type: 'running', status: true };
    await server.send('POST', '/api/v1/default/demo/runs/sync', {
      ...{
        uuid,
        name: 'job-of-the-platform',
        kind: 'job',
        runtime: 'job',
        is_managed: false,
        managed_by: 'user',
      },
      ...{ created_at: new Date().toISOString(), status: 'running', status_conditions: [status] },
    });
    const home = createSharedTempDir();
    mkdirSync(join(home, 'context', 'artifacts', uuid), { recursive: true });
    const env = {
      ...polyaxonEnv(home),
      POLYAXON_IS_MANAGED: 'true',
      POLYAXON_HOST: server.url,
      POLYAXON_RUN_INSTANCE: `default.demo.runs.${uuid}`,
      POLYAXON_CONTEXT_ROOT: join(home, 'context'),
      POLYAXON_COLLECT_ARTIFACTS: 'true',
      ...variables,
    };
    const served = new ServedRun(server, { owner: 'default', project: 'demo', uuid }, { force: true });
    return { uuid, env, served };
  }

  async function runJob(body: string, env: NodeJS.ProcessEnv): Promise<void> {
    const [code] = (await once(spawnScript('tracking', body, env), 'exit')) as [number | null];
    expect(code).toBe(0);
  }

  async function readRun(served: ServedRun) {
    const { name, description, inputs, outputs, tags, meta_info, status } = (await server.get(
      served.api,
    )) as Record<string, unknown>;
    return {
      name,
      description,
      inputs,
      outputs,
      tags: [...((tags as string[] | null) ?? [])].sort(),
      meta_info,
      status,
    };
  }

  async function readLineage(served: ServedRun): Promise<[name: string, kind: string][]> {
    const { results } = (await server.get(`${served.api}/lineage/artifacts`)) as {
      results: { name: string; kind: string }[];
    };
    return results.map(({ name, kind }): [string, string] => [name, kind]).sort();
  }

  it('has the same data on the server with polytrack as with the Python client', async () => {
    const [theirs, ours] = [await createManaged(), await createManaged()];
    const script = join(createSharedTempDir(), 'job.py');
    writeFileSync(script, PYTHON);

    await runPolyaxonPython(script, [], { home: String(theirs.env.HOME), env: theirs.env });
    await runJob(TYPESCRIPT, ours.env);

    const [expected, found] = [await readRun(theirs.served), await readRun(ours.served)];
    expect(found.inputs).toEqual(expected.inputs);
    expect(found).toMatchObject({
      name: expected.name,
      description: expected.description,
      tags: expected.tags,
    });
    expect(found.meta_info).toMatchObject(expected.meta_info as object);
    expect(found.outputs).toMatchObject(expected.outputs as object);
    expect(await readLineage(ours.served)).toEqual(expect.arrayContaining(await readLineage(theirs.served)));
  });

  it('sends no files beside the sidecar of the platform, and all of them without one', async () => {
    const [beside, alone] = [
      await createManaged(),
      await createManaged({ POLYAXON_HAS_PROCESS_SIDECAR: 'true' }),
    ];

    await runJob(TYPESCRIPT, beside.env);
    await runJob(TYPESCRIPT, alone.env);

    expect(await beside.served.files()).toEqual([]);
    expect((await alone.served.files()).map(([path]) => path)).toContain('events/metric/loss.plx');
    expect(await readRun(alone.served)).toMatchObject({ inputs: { lr: 0.1 }, outputs: { accuracy: 0.5 } });
  });

  it('is on the server while it runs, and complete after it was killed', async () => {
    const { env, served } = await createManaged();
    const child = spawnScript(
      'tracking',
      `tracking.init({ trackCode: false, collectResources: false, heartbeatIntervalMs: 500 });
      tracking.logInputs({ lr: 0.2 });
      setTimeout(() => tracking.logOutputs({ last: 1 }), 4_000);
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 4_300);`,
      env,
    );
    const ended = once(child, 'exit');

    await waitFor('inputs of a live run', async () => (await readRun(served)).inputs ?? undefined);
    expect(child.exitCode).toBe(null);
    await ended;
    await waitFor(
      'the last output',
      async () => 'last' in (((await readRun(served)).outputs as object) ?? {}) || undefined,
    );
    expect(await readRun(served)).toMatchObject({ name: 'job-of-the-platform', inputs: { lr: 0.2 } });
  });

  // Python's client is not killed: it would lose the requests that it has not sent yet.
  it.each([
    ['SIGKILL, as from the out-of-memory killer', `process.kill(process.pid, 'SIGKILL');`, []],
    [
      'a heap that is full',
      'const rows = []; for (;;) rows.push(new Array(1_000).fill(rows.length));',
      ['--max-old-space-size=48'],
    ],
  ])(
    'has the data that the program logged, as the Python client reports it, after %s',
    async (_, death, flags) => {
      const [theirs, ours] = [await createManaged(), await createManaged()];
      const script = join(createSharedTempDir(), 'job.py');
      writeFileSync(script, PYTHON);
      await runPolyaxonPython(script, [], { home: String(theirs.env.HOME), env: theirs.env });

      const logged = TYPESCRIPT.replace('await tracking.end();', 'await tracking.getOrCreateRun().flush();');
      const env = { ...ours.env, NODE_OPTIONS: flags.join(' ') };
      const child = spawnScript('tracking', `${logged}\n${death}`, env);
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];

      expect(code === null ? signal : code).not.toBe(0);
      const expected = await readRun(theirs.served);
      await waitFor('the last output', async () => {
        const { outputs } = await readRun(ours.served);
        const { accuracy, loss } = (outputs ?? {}) as { accuracy?: number; loss?: number };
        return (accuracy === 0.5 && loss !== undefined) || undefined;
      });
      await waitFor('the lineage', async () => (await readLineage(ours.served)).length > 1 || undefined);
      const { name, description, inputs, tags, outputs, meta_info } = expected;
      expect(await readRun(ours.served)).toMatchObject({ name, description, inputs, tags, outputs });
      expect((await readRun(ours.served)).meta_info).toMatchObject(meta_info as object);
    },
  );

  it('trains undisturbed while the server is unavailable, and reports everything afterwards', async () => {
    const port = await findFreePort();
    const { env, served } = await createManaged({ POLYAXON_HOST: `http://127.0.0.1:${port}` });
    const body = `const warned = [];
      tracking.init({ trackCode: false, collectResources: false, onWarning: (warning) => warned.push(warning) });
      tracking.logInputs({ lr: 0.3 });
      for (let step = 0; step < 60; step++) {
        tracking.logMetric('loss', step, { step });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await tracking.end();
      if (warned.length > 0) throw new Error(JSON.stringify(warned));`;
    const forwarder = net.createServer((client) => {
      const upstream = net.connect(Number(new URL(server.url).port), '127.0.0.1');
      client.pipe(upstream).pipe(client);
      for (const socket of [client, upstream]) socket.on('error', () => socket.destroy());
    });

    const job = runJob(body, env);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await new Promise<void>((resolve) => forwarder.listen(port, '127.0.0.1', resolve));
    await job;

    expect(await readRun(served)).toMatchObject({ inputs: { lr: 0.3 }, outputs: { loss: 59 } });
    forwarder.close();
  });

  it('keeps the name of the platform if `polytrack run` starts its program', async () => {
    const { env, served } = await createManaged();
    const cli = fileURLToPath(new URL('../../dist/uploader/cli.js', import.meta.url));
    const words = ['run', '--', process.execPath, '-e', 'console.log("trained")'];
    const child = spawn(process.execPath, [cli, ...words], { env, cwd: String(env.HOME), stdio: 'ignore' });
    expect((await once(child, 'exit'))[0]).toBe(0);
    expect(await readRun(served)).toMatchObject({
      name: 'job-of-the-platform',
      meta_info: { has_tensorboard: true },
    });
  });

  it('is reported by the uploader of the option sync, if there is one', async () => {
    const { uuid, env, served } = await createManaged();
    const store = createSharedTempDir();
    const options = `sync: { store: 'file://${store}' }`;

    await runJob(TYPESCRIPT.replace('trackCode: false', `${options}, trackCode: false`), env);

    expect(await readRun(served)).toMatchObject({ inputs: { lr: 0.1 }, outputs: { accuracy: 0.5 } });
    expect(existsSync(join(store, uuid, 'run.plx.json'))).toBe(true);
  });

  it('reports nothing if that is turned off', async () => {
    const { env, served } = await createManaged({ POLYTRACK_REPORT: 'false' });

    await runJob(TYPESCRIPT, env);

    expect(await readRun(served)).toMatchObject({ inputs: null, outputs: null });
  });

  it('warns once, with what to do, if it does not know its server', async () => {
    const { env } = await createManaged({ POLYAXON_HOST: '' });
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { tracking } from '${new URL('../../dist/src/index.js', import.meta.url).href}'; ${TYPESCRIPT}`,
      ],
      { env, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    await once(child, 'exit');

    expect(stderr.match(/WARN_RUN_UNREPORTED/g)).toHaveLength(1);
    expect(stderr).toContain('POLYAXON_HOST is not set');
  });
});
