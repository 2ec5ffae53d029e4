/** A run that is resumed after its first end was reported: what a real server has of its new end, and what its API does not allow. */

import { beforeAll, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import type { PolyaxonServer } from '../support/polyaxon.js';
import { createRunSync, PROJECT, ServerRun, startServer } from '../uploader/polyaxon-sync/support.js';

interface Ended {
  readonly status: string;
  readonly finished_at: string;
  readonly duration: number;
}

const UUID = '000000000000000000000000000000aa';
const START = '2026-01-01T00:00:00Z';
const FIRST_END = '2026-01-01T00:00:01Z';
const NEW_END = '2026-01-01T00:00:09Z';
const RECORD = { uuid: UUID, name: 'r', kind: 'job', runtime: 'job', is_managed: false, managed_by: 'user' };
const RUNS = `/api/v1/default/${PROJECT}/runs`;

describeWithPeers(['polyaxon'], 'a run that is resumed after its end was reported', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startServer();
  });

  it('has the status, the conditions and the duration of the last end', async () => {
    const target = createRunSync(() => server.url);
    const first = target.startRun({ name: 'resumed' });
    first.logMetric('loss', 1, { step: 0 });
    await first.end({ status: 'failed', message: 'out of disk' });
    await target.sync();
    const served = new ServerRun(server, first.uuid);
    const before = (await served.run()) as unknown as Ended;

    const second = target.startRun({ uuid: first.uuid, resume: true });
    second.logMetric('loss', 0.5, { step: 1 });
    await second.end();
    await target.sync();

    const found = (await served.run()) as unknown as Ended;
    expect(found.status).toBe('succeeded');
    expect(found.duration).toBeGreaterThanOrEqual(before.duration);
    expect(await served.types()).toEqual(['running', 'failed', 'running', 'succeeded']);
    // The server writes it once; see the next test.
    expect(found.finished_at).toBe(before.finished_at);
  });

  it('keeps finished_at of the first end, whatever request of the API is sent', async () => {
    const times = { finished_at: NEW_END, duration: 9 };
    await server.send('POST', `${RUNS}/sync`, {
      ...{ ...RECORD, status: 'failed', created_at: START, started_at: START },
      ...{ finished_at: FIRST_END, duration: 1, status_conditions: [{ type: 'failed', status: true }] },
    });
    const run = `${RUNS}/${UUID}`;
    const toStatus = (type: string) => ({
      condition: { type, status: 'True', last_transition_time: NEW_END, last_update_time: NEW_END },
      ...{ force: true, ...times },
    });
    const operation = { kind: 'operation', component: { run: { kind: 'job', container: { image: 'x' } } } };
    const requests: [method: 'DELETE' | 'PATCH' | 'POST' | 'PUT', route: string, body: unknown][] = [
      ['PATCH', run, times],
      ['PUT', run, { ...RECORD, ...times }],
      ['POST', `${run}/statuses`, toStatus('resuming')],
      ['PATCH', run, { ...times, finished_at: null }],
      ['POST', `${run}/statuses`, toStatus('running')],
      ['PATCH', run, times],
      ['POST', `${run}/statuses`, toStatus('succeeded')],
      ['POST', `${run}/resume`, { content: JSON.stringify(operation), meta_info: { recompile: true } }],
      ['POST', `${run}/invalidate`, {}],
      ['POST', `${run}/archive`, {}],
      ['POST', `${run}/restore`, {}],
      ['POST', `${RUNS}/sync`, { ...RECORD, ...times, status: 'succeeded', created_at: START }],
      ['DELETE', run, undefined],
      ['POST', `${RUNS}/sync`, { ...RECORD, ...times, status: 'succeeded', created_at: START }],
    ];
    for (const [method, route, body] of requests) {
      await server.send(method, route, body).catch(() => undefined); // some are rejected
      const found = (await server.get(run)) as Ended;
      expect([method, route, found.finished_at]).toEqual([method, route, FIRST_END]);
      expect(found.duration).toBe(9);
    }
  });
});
