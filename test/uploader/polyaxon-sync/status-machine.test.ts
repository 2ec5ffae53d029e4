/** The status machine against a model of the server's own rules (haupt 2.16.1, `db/managers/statuses.py`, read and measured). */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StatusCondition } from '../../../src/polyaxon/api-types.js';
import { RUN_STATUSES, type RunStatus } from '../../../src/polyaxon/statuses.js';
import type { RunStatuses } from '../../../uploader/polyaxon-api/types.js';
import {
  isDone,
  planStatuses,
  type StatusPost,
  WRITER_LOST,
} from '../../../uploader/polyaxon-sync/status-machine.js';

function condition(type: RunStatus, second: number, reason = 'Polytrack'): StatusCondition {
  const time = new Date(1_700_000_000_000 + second * 1000).toISOString();
  return { type, status: true, reason, last_update_time: time, last_transition_time: time };
}

class Server implements RunStatuses {
  status: RunStatus = 'created';
  conditions: StatusCondition[] = [];

  post({ condition: posted, force }: StatusPost): void {
    if (posted.type === 'created') return;
    if (this.status === 'stopping' && !isDone(posted.type)) return;
    if (isDone(this.status) && !force) return;
    this.status = posted.type;
    if (this.conditions.at(-1)?.type === posted.type) this.conditions.pop();
    this.conditions.push(posted);
  }

  take(wanted: readonly StatusCondition[]): number {
    const { posts } = planStatuses(this, wanted);
    for (const post of posts) this.post(post);
    return posts.length;
  }

  get types(): RunStatus[] {
    return this.conditions.map(({ type }) => type);
  }
}

describe('planStatuses', () => {
  it('sends what the server lacks, in order, once', () => {
    const server = new Server();
    expect(server.take([condition('running', 1), condition('succeeded', 2)])).toBe(2);
    expect(server.types).toEqual(['running', 'succeeded']);
    expect(server.take([condition('running', 1), condition('succeeded', 2)])).toBe(0);
  });

  it('reads times as servers write them', () => {
    const server = new Server();
    server.status = 'running';
    const time = '2023-11-14 22:13:21+00:00';
    server.conditions = [{ type: 'running', status: true, last_transition_time: time }];
    expect(server.take([condition('running', 1)])).toBe(0);
  });

  it('respects how somebody else has ended the run', () => {
    const server = new Server();
    server.post({ condition: condition('running', 1), force: false });
    server.post({ condition: condition('stopped', 2, 'UserRequest'), force: false });
    const wanted = [condition('running', 1), condition('succeeded', 3)];
    expect(planStatuses(server, wanted)).toEqual({ posts: [], outcome: 'foreign' });
  });

  it('only ends a run that somebody is stopping', () => {
    const server = new Server();
    server.post({ condition: condition('stopping', 2, 'UserRequest'), force: false });
    expect(planStatuses(server, [condition('running', 3)]).posts).toEqual([]);
    expect(server.take([condition('running', 3), condition('stopped', 4)])).toBe(1);
    expect(server.status).toBe('stopped');
  });

  it('opens a run again that it has ended, when the run goes on', () => {
    const server = new Server();
    const first = [condition('running', 1), condition('succeeded', 2)];
    server.take(first);
    server.take([...first, condition('running', 3)]);
    expect(server.status).toBe('running');
    server.take([...first, condition('running', 3), condition('failed', 4)]);
    expect(server.types).toEqual(['running', 'succeeded', 'running', 'failed']);
  });

  it('tells of a lost writer once, whenever that is noticed, and again after it was gone on with', () => {
    const server = new Server();
    server.take([condition('running', 1), condition('failed', 5, WRITER_LOST)]);
    expect(server.take([condition('running', 1), condition('failed', 99, WRITER_LOST)])).toBe(0);
    // Tracking replaces a condition by a later one of its type.
    server.take([condition('running', 100)]);
    expect(server.status).toBe('running');
    server.take([condition('running', 100), condition('failed', 120, WRITER_LOST)]);
    expect(server.types).toEqual(['running', 'failed', 'running', 'failed']);
  });

  it('lets a writer that was taken for lost end the run itself', () => {
    const server = new Server();
    server.take([condition('running', 1), condition('failed', 5, WRITER_LOST)]);
    server.take([condition('running', 1), condition('succeeded', 9)]);
    expect(server.status).toBe('succeeded');
  });

  it('converges from any beginning that the server has, and then has nothing to send', () => {
    const types = fc.constantFrom(
      ...RUN_STATUSES.filter((type) => type !== 'created' && type !== 'stopping'),
    );
    const sequences = fc.array(types, { minLength: 1, maxLength: 8 }).map((all) =>
      // As tracking writes them: no two of a type in a row.
      all.filter((type, i) => type !== all[i - 1]).map((type, i) => condition(type, i)),
    );
    fc.assert(
      fc.property(sequences, fc.nat(), (wanted, seed) => {
        const server = new Server();
        for (const each of wanted.slice(0, seed % (wanted.length + 1)))
          server.post({ condition: each, force: isDone(server.status) });
        server.take(wanted);
        expect(server.types).toEqual(wanted.map(({ type }) => type));
        expect(server.take(wanted)).toBe(0);
      }),
    );
  });

  it('never changes the status of a run that others have ended', () => {
    const types = fc.constantFrom<RunStatus>('running', 'warning', 'succeeded', 'failed');
    fc.assert(
      fc.property(
        fc.array(types, { maxLength: 6 }),
        fc.constantFrom<RunStatus>('stopped', 'skipped'),
        (all, end) => {
          const server = new Server();
          server.post({ condition: condition(end, 1_000, 'Somebody'), force: false });
          server.take(all.map((type, i) => condition(type, i)));
          expect(server.types).toEqual([end]);
        },
      ),
    );
  });
});
