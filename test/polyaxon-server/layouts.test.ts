/** Log directories of Keras become the right runs on a real server: by `import`, by `sync`, and by a `watch` that sees them grow. */

import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startWatch } from '../../bench/support/uploader-process.mjs';
import { ServedRun } from '../polyaxon/served-run.js';
import { waitFor } from '../support/child-server.js';
import { runCli } from '../support/cli.js';
import { FIXTURES } from '../support/expected-runs.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';

const KERAS = join(FIXTURES, 'keras');
const RUNS = '/api/v1/default/demo/runs';

interface Expected {
  readonly hparams?: Record<string, unknown>;
  readonly history: Record<string, number[]>;
}

interface Run {
  readonly uuid: string;
  readonly name: string;
  readonly inputs: Record<string, unknown> | null;
  readonly outputs: Record<string, number> | null;
  readonly status: string;
}

const { sweep, fit } = JSON.parse(readFileSync(join(KERAS, 'expected.json'), 'utf8')) as {
  sweep: Record<string, Expected>;
  fit: Expected;
};
/** By the name that a run has in Polyaxon, which allows neither "=" nor "." nor "/". */
const EXPECTED: Readonly<Record<string, Expected>> = {
  'sweep__lr0-1': sweep['lr=0.1']!,
  'sweep__lr0-01': sweep['lr=0.01']!,
  fit,
};

describeWithPeers(['polyaxon'], 'log directories of Keras', () => {
  describe.each([
    ['import', 'succeeded'],
    ['sync', 'running'], // the writer may be between two events
  ])('%s', (command, status) => {
    it('creates one run for each trial and each fit, with its hyperparameters and series', async () => {
      const { server, store } = await startServer();
      const logs = join(createTempDir(), 'logs');
      cpSync(KERAS, logs, { recursive: true });
      const args = [command, logs, '--store', store, '--state-dir', createTempDir()];

      for (let count = 0; count < 2; count += 1) {
        const { code, stdout, stderr } = await runCli(...args);
        expect(code, stdout + stderr).toBe(0);
        expect(stdout).toContain('hparams-configuration');
        await expectRuns(server, status);
      }
    });
  });

  it('watch creates the same runs while the directories grow, and never another one', async () => {
    const { server, store } = await startServer();
    const home = createTempDir();
    const root = join(home, 'logs');
    const copy = (path: string): void => cpSync(join(KERAS, path), join(root, path), { recursive: true });
    cpSync(join(KERAS, 'sweep'), join(root, 'sweep'), {
      recursive: true,
      filter: (path) => !path.includes('lr='),
    });
    const start = () =>
      startWatch({ root, stateDir: join(home, 'state'), env: {}, home, intervalSeconds: 1, store });
    const first = start();
    onTestFinished(() => void first.end('SIGKILL'));
    copy('sweep/lr=0.1/train');
    copy('fit/train');
    const names = async (): Promise<string[]> => (await listRuns(server)).map(({ name }) => name).sort();
    await waitFor('two runs', async () => ((await names()).length === 2 ? true : undefined));
    expect(await names()).toEqual(['fit', 'sweep__lr0-1']);
    const before = await listRuns(server);
    // The session and the validation appear later.
    copy('fit');
    copy('sweep/lr=0.1');
    await waitFor('the session', async () =>
      (await listRuns(server)).some(({ inputs }) => inputs?.lr === 0.1) ? true : undefined,
    );
    expect(await first.end('SIGTERM'), first.output).toBe(0);

    // Another watch, without the state of the first one, finds the same runs, and another trial.
    rmSync(join(home, 'state'), { recursive: true });
    const second = start();
    onTestFinished(() => void second.end('SIGKILL'));
    copy('sweep/lr=0.01');
    await waitFor('all data', () => expectRuns(server, 'running').then(() => true));
    expect(await second.end('SIGTERM'), second.output).toBe(0);

    const uuids = (await listRuns(server)).map(({ uuid }) => uuid);
    expect(uuids).toEqual(expect.arrayContaining(before.map(({ uuid }) => uuid)));
  });
});

async function startServer(): Promise<{ server: PolyaxonServer; store: string }> {
  const server = await startSandbox();
  await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
  return { server, store: `polyaxon://${new URL(server.url).host}/default/demo` };
}

async function listRuns(server: PolyaxonServer): Promise<Run[]> {
  const { results } = (await server.get(RUNS)) as { results: Run[] };
  return Promise.all(results.map(({ uuid }) => server.get(`${RUNS}/${uuid}`) as Promise<Run>));
}

async function expectRuns(server: PolyaxonServer, expected: string): Promise<void> {
  const runs = await listRuns(server);
  expect(runs.map(({ name }) => name).sort()).toEqual(Object.keys(EXPECTED).sort());
  for (const { uuid, name, inputs, outputs, status } of runs) {
    const { hparams, history } = EXPECTED[name]!;
    expect(inputs ?? {}, name).toEqual(hparams ?? {});
    expect(status, name).toBe(expected);
    const served = new ServedRun(server, { owner: 'default', project: 'demo', uuid }, { force: true });
    for (const [metric, values] of Object.entries(history)) {
      const [phase, key] = metric.startsWith('val_') ? ['validation', metric.slice(4)] : ['train', metric];
      const series = `${phase}__epoch_${key}`;
      const [events] = await served.events('events/metric', { names: series });
      expect(events?.data.metric, `${name} ${series}`).toEqual(values.map(Math.fround));
      expect(outputs?.[series], `${name} ${series}`).toBe(Math.fround(values.at(-1)!));
    }
  }
  const uuid = runs.find(({ name }) => name === 'fit')!.uuid;
  const fitRun = new ServedRun(server, { owner: 'default', project: 'demo', uuid }, { force: true });
  const [rate] = await fitRun.events('events/metric', { names: 'metrics__learning_rate' });
  expect(rate?.data.metric).toEqual([0.1, 0.05].map(Math.fround));
}
