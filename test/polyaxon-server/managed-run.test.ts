/**
 * Programs in jobs of Polyaxon, as the platform starts them, with a real server: what Python's client reports arrives from polytrack too.
 *
 * Long because all tests share one server, whose start takes longer than most of them.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
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

const OPERATION = {
  ...{ version: 1.1, kind: 'operation' },
  component: { kind: 'component', run: { kind: 'job', container: { name: 'main', image: 'busybox' } } },
};

/** Makes a server available at another port, until `close`. */
async function forward(server: PolyaxonServer, port: number): Promise<{ close(): Promise<void> }> {
  const open = new Set<net.Socket>();
  const forwarder = net.createServer((client) => {
    const upstream = net.connect(Number(new URL(server.url).port), '127.0.0.1');
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => open.delete(socket));
    }
  });
  await new Promise<void>((resolve) => forwarder.listen(port, '127.0.0.1', resolve));
  return {
    async close() {
      for (const socket of open) socket.destroy();
      forwarder.close();
      await once(forwarder, 'close');
    },
  };
}

interface ManagedRun {
  readonly uuid: string;
  readonly env: NodeJS.ProcessEnv;
  readonly served: ServedRun;
}

describeWithPeers(['polyaxon'], 'a job of Polyaxon', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startSandbox();
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
  });

  /** Creates a run of an agent, as the platform does before it starts the job, and returns the variables of the job. */
  async function createManaged(variables: NodeJS.ProcessEnv = {}): Promise<ManagedRun> {
    const { uuid } = (await server.send('POST', '/api/v1/default/demo/runs', {
      ...{ name: 'job-of-the-platform', is_managed: true, content: JSON.stringify(OPERATION) },
    })) as { uuid: string };
    const condition = { type: 'running', status: true };
    await server.send('POST', `/api/v1/default/demo/runs/${uuid}/statuses`, { condition });
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

  /** The lineage by name, without the uuid of the run. `state` tells versions of an artifact apart. */
  async function readLineage(served: ServedRun): Promise<Record<string, object>> {
    const { results } = (await server.get(`${served.api}/lineage/artifacts`)) as {
      results: { name: string; run: string; meta_info: { run: object } }[];
    };
    return Object.fromEntries(
      results.map(({ name, run: _, meta_info, ...entry }) => [
        name,
        { ...entry, meta_info: { ...meta_info, run: { ...meta_info.run, uuid: null } } },
      ]),
    );
  }

  /** The statuses in order, with what explains them. */
  async function readStatuses(served: ServedRun): Promise<object[]> {
    const { status_conditions } = (await server.get(`${served.api}/statuses`)) as {
      status_conditions: { type: string; reason: string | null; message: string | null }[];
    };
    return status_conditions.map(({ type, reason, message }) => ({ type, reason, message }));
  }

  /** What the server has of the run of the Python client. Its program is run once. */
  let theirs: Promise<Awaited<ReturnType<typeof readEverything>>> | undefined;
  async function runPython() {
    const job = await createManaged();
    const script = join(createSharedTempDir(), 'job.py');
    writeFileSync(script, PYTHON);
    await runPolyaxonPython(script, [], { home: String(job.env.HOME), env: job.env });
    return readEverything(job.served);
  }

  async function readEverything(served: ServedRun) {
    return {
      run: await readRun(served),
      lineage: await readLineage(served),
      statuses: await readStatuses(served),
    };
  }

  /** Compares a run field by field and entry by entry with that of the Python client. polytrack adds outputs, meta information and lineage. */
  async function expectEqual(served: ServedRun): Promise<void> {
    theirs ??= runPython();
    const [expected, found] = [await theirs, await readEverything(served)];
    const { outputs, meta_info, ...fields } = expected.run;
    expect(found.run).toMatchObject(fields);
    expect(found.run.inputs).toEqual(fields.inputs);
    expect(found.run.outputs).toMatchObject(outputs as object);
    expect(found.run.meta_info).toMatchObject(meta_info as object);
    expect(found.statuses).toEqual(expected.statuses);
    expect(Object.keys(expected.lineage)).toContain('data');
    expect(found.lineage).toMatchObject(expected.lineage);
  }

  it('has the same data on the server with polytrack as with the Python client', async () => {
    const { env, served } = await createManaged();

    await runJob(TYPESCRIPT, env);

    await expectEqual(served);
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

  describe('has the last values of its metrics on the server while it runs', () => {
    /** Starts a job that logs `values`, one after the other, each with `log` and once the test asks for it. */
    function startLogging(env: NodeJS.ProcessEnv, init: string, log: string, values: readonly string[]) {
      const turns = createSharedTempDir();
      const child = spawnScript(
        'tracking',
        `import { existsSync } from 'node:fs';
        tracking.init({ trackCode: false, trackEnv: false, collectResources: false, ${init} });
        for (const [step, value] of [${values.join(', ')}].entries()) {
          while (!existsSync('${turns}/' + step)) await new Promise((resolve) => setTimeout(resolve, 50));
          ${log}
        }
        while (!existsSync('${turns}/end')) await new Promise((resolve) => setTimeout(resolve, 50));
        await tracking.end();`,
        env,
      );
      const next = (turn: number | 'end') => writeFileSync(join(turns, String(turn)), '');
      return { child, ended: once(child, 'exit'), next };
    }

    /** Waits until the server has these outputs. */
    async function waitForOutputs(served: ServedRun, expected: object): Promise<void> {
      await waitFor(`outputs ${JSON.stringify(expected)}`, async () => {
        const outputs = (await readRun(served)).outputs as Record<string, unknown> | null;
        const isThere = Object.entries(expected).every(([name, value]) => outputs?.[name] === value);
        return (
          (isThere && outputs !== null && Object.keys(expected).every((name) => name in outputs)) || undefined
        );
      });
    }

    it.each([
      ['beside the sidecar of the platform', {}, '', true],
      ['without a sidecar', { POLYAXON_HAS_PROCESS_SIDECAR: 'true' }, '', true],
      ['without Polyaxon event files', {}, `formats: ['tensorboard'],`, false],
    ])('%s', async (_, variables, init, hasFiles) => {
      const { env, served } = await createManaged(variables);
      const values = ['0.5', 'NaN', '4'];
      const log = `tracking.logMetric('val/acc', value, { step });
        tracking.logMetric('loss', step === 1 ? -Infinity : step, { step });`;
      const { child, ended, next } = startLogging(env, init, log, values);

      const expected = [
        { val__acc: 0.5, loss: 0 },
        { val__acc: null, loss: null },
        { val__acc: 4, loss: 2 },
      ];
      for (const [step, outputs] of expected.entries()) {
        next(step);
        await waitForOutputs(served, outputs);
      }
      if (hasFiles)
        await waitFor('the lineage of a live metric', async () => {
          const { val__acc: entry } = (await readLineage(served)) as Record<string, { summary?: object }>;
          return entry?.summary !== undefined || undefined;
        });

      expect(child.exitCode).toBe(null);
      next('end');
      expect((await ended)[0]).toBe(0);
      expect((await readRun(served)).outputs).toEqual({ val__acc: 4, loss: 2 });
    });

    it('once the server is available again', async () => {
      const port = await findFreePort();
      const { env, served } = await createManaged({ POLYAXON_HOST: `http://127.0.0.1:${port}` });
      let forwarder = await forward(server, port);
      const log = `tracking.logMetric('loss', value, { step });`;
      const { child, ended, next } = startLogging(env, '', log, ['3', '2', '1']);
      next(0);
      await waitForOutputs(served, { loss: 3 });

      await forwarder.close();
      next(1);
      next(2);
      forwarder = await forward(server, port);
      await waitForOutputs(served, { loss: 1 });

      expect(child.exitCode).toBe(null);
      next('end');
      expect((await ended)[0]).toBe(0);
      await forwarder.close();
    });

    it('if another process writes the run too', async () => {
      const { env, served } = await createManaged();
      const log = `tracking.logMetric('loss', value, { step });`;
      const main = startLogging(env, '', log, ['3', '2']);
      main.next(0);
      await waitForOutputs(served, { loss: 3 });
      const worker = startLogging(env, `worker: 'eval',`, log, ['30', '20']);

      worker.next(0);
      await waitForOutputs(served, { loss: 3, eval__loss: 30 });
      main.next(1);
      worker.next(1);
      await waitForOutputs(served, { loss: 2, eval__loss: 20 });

      expect([main.child.exitCode, worker.child.exitCode]).toEqual([null, null]);
      for (const { ended, next } of [worker, main]) {
        next('end');
        expect((await ended)[0]).toBe(0);
      }
      expect((await readRun(served)).outputs).toEqual({ loss: 2, eval__loss: 20 });
    });
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
      const ours = await createManaged();
      const logged = TYPESCRIPT.replace('await tracking.end();', 'await tracking.getOrCreateRun().flush();');
      const env = { ...ours.env, NODE_OPTIONS: flags.join(' ') };
      const child = spawnScript('tracking', `${logged}\n${death}`, env);
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];

      expect(code === null ? signal : code).not.toBe(0);
      await waitFor('the last output', async () => {
        const { outputs } = await readRun(ours.served);
        const { accuracy, loss } = (outputs ?? {}) as { accuracy?: number; loss?: number };
        return (accuracy === 0.5 && loss !== undefined) || undefined;
      });
      await waitFor('the lineage', async () => 'data' in (await readLineage(ours.served)) || undefined);
      await expectEqual(ours.served);
    },
  );

  // POLYTRACK_OUTAGE_SECONDS=60 makes the outage longer.
  const outageMs = Number(process.env.POLYTRACK_OUTAGE_SECONDS ?? 3) * 1_000;
  it('trains undisturbed while the server is unavailable, and reports everything afterwards', {
    timeout: outageMs + 120_000,
  }, async () => {
    const steps = outageMs / 100 + 30;
    const port = await findFreePort();
    const { env, served } = await createManaged({ POLYAXON_HOST: `http://127.0.0.1:${port}` });
    const body = `const warned = [];
      tracking.init({ trackCode: false, collectResources: false, onWarning: (warning) => warned.push(warning) });
      tracking.logInputs({ lr: 0.3 });
      for (let step = 0; step < ${steps}; step++) {
        tracking.logMetric('loss', step, { step });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await tracking.end();
      if (warned.length > 0) throw new Error(JSON.stringify(warned));`;

    const job = runJob(body, env);
    await new Promise((resolve) => setTimeout(resolve, outageMs));
    const forwarder = await forward(server, port);
    await job;

    expect(await readRun(served)).toMatchObject({ inputs: { lr: 0.3 }, outputs: { loss: steps - 1 } });
    await forwarder.close();
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

    expect(await readRun(served)).toMatchObject({ inputs: {}, outputs: null });
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
