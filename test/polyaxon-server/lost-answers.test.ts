/** Uploads a run through a network that loses the response to every request once, after the server has processed it. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Run } from '../../src/index.js';
import { ServedRun } from '../polyaxon/served-run.js';
import { type CliResult, runCli } from '../support/cli.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../support/polyaxon.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const STEPS = 32;
const METRICS = ['loss', 'accuracy'];

interface Listed<T> {
  readonly count: number;
  readonly results: readonly T[];
}

describeWithPeers(['polyaxon'], 'a run that is uploaded while each response is lost once', () => {
  const root = createSharedTempDir();
  const states = createSharedTempDir();
  let server: PolyaxonServer;
  let proxy: FaultProxy;
  let run: Run;
  let pushed: CliResult;

  async function push(host: string, state: string): Promise<CliResult> {
    const store = `polyaxon://${new URL(host).host}/default/demo`;
    return runCli(
      'sync',
      root,
      '--store',
      store,
      '--state-dir',
      join(states, state),
      '--retry-timeout',
      '120',
    );
  }

  beforeAll(async () => {
    server = await startSandbox();
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
    run = new Run({ ...NO_CAPTURE, root, project: 'default/demo', name: 'unheard', tags: ['a'] });
    run.logInputs({ lr: 0.1 });
    for (let step = 0; step < STEPS; step += 1)
      for (const name of METRICS) run.logMetric(name, step / STEPS, { step });
    run.logText('note', 'hello', { step: 1 });
    writeFileSync(join(run.getOutputsPath(), 'weights.bin'), 'weights');
    await run.logDataRef('set', { hash: 'abc' });
    await run.end();

    proxy = await FaultProxy.start(server.url, afterAll);
    const attempts = new Map<string, number>();
    proxy.script = ({ method, url }) => {
      const key = `${method} ${url}`;
      const attempt = attempts.get(key) ?? 0;
      attempts.set(key, attempt + 1);
      return attempt % 2 === 0 ? { kind: 'drop-answer' } : undefined;
    };
    pushed = await push(proxy.endpoint, 'first');
  });

  it('is uploaded by one command', () => {
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0);
    const lost = proxy.log.filter(({ fault }) => fault === 'drop-answer');
    expect(lost.length).toBeGreaterThan(20);
    expect(lost.filter(({ method }) => method !== 'GET').length).toBeGreaterThan(7);
  });

  it('is one run, and has each status once', async () => {
    const { count } = (await server.get('/api/v1/default/demo/runs')) as Listed<unknown>;
    expect(count).toBe(1);
    const found = (await server.get(`/api/v1/default/demo/runs/${run.uuid}/statuses`)) as {
      status_conditions: { type: string }[];
    };
    const types = found.status_conditions.map(({ type }) => type);
    expect(types.filter((type) => type !== 'created')).toEqual(['running', 'succeeded']);
  });

  it('has one lineage entry for each artifact', async () => {
    const route = `/api/v1/default/demo/runs/${run.uuid}/lineage/artifacts`;
    const { results } = (await server.get(route, { limit: 1000 })) as Listed<{ name: string }>;
    expect(results.map(({ name }) => name).sort()).toEqual([...METRICS, 'note', 'set', 'tensorboard'].sort());
  });

  it('has the same data, and a second sync changes nothing', async () => {
    const place = { owner: 'default', project: 'demo', uuid: run.uuid };
    const served = new ServedRun(server, place, { force: true });
    const look = async () => ({ run: await server.get(served.api), files: await served.files() });
    for (const name of METRICS) {
      const [events] = await served.events('events/metric', { names: name });
      expect(events?.data.step).toEqual(Array.from({ length: STEPS }, (_, step) => step));
      expect(events?.data.metric).toEqual(Array.from({ length: STEPS }, (_, step) => step / STEPS));
    }
    const weights = await served.bytes('outputs/weights.bin');
    expect(weights.equals(readFileSync(join(run.getOutputsPath(), 'weights.bin')))).toBe(true);
    const before = await look();

    const again = await push(proxy.endpoint, 'second');

    expect(again.code, again.stdout + again.stderr).toBe(0);
    expect(await look()).toEqual(before);
  });
});
