/** Tests the status machine against a model of the server's rules (haupt 2.16.1, `db/managers/statuses.py`, read and measured). */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { V1StatusCondition } from '../../../src/polyaxon/api-types.js';
import { RUN_STATUSES, type RunStatus } from '../../../src/polyaxon/statuses.js';
import type { RunStatuses } from '../../../uploader/polyaxon-api/types.js';
import {
  isFinalStatus,
  planStatuses,
  type StatusPost,
  WRITER_LOST,
} from '../../../uploader/polyaxon-sync/status-machine.js';

function condition(type: RunStatus, second: number, reason = 'Polytrack'): V1StatusCondition {
  const time = new Date(1_700_000_000_000 + second * 1000).toISOString();
  return { type, status: true, reason, last_update_time: time, last_transition_time: time };
}

class Server implements RunStatuses {
  status: RunStatus = 'created';
  conditions: V1StatusCondition[] = [];

  post({ condition: posted, force }: StatusPost): void {
    if (posted.type === 'created') return;
    if (this.status === 'stopping' && !isFinalStatus(posted.type)) return;
    if (isFinalStatus(this.status) && !force) return;
    this.status = posted.type;
    if (this.conditions.at(-1)?.type === posted.type) this.conditions.pop();
    this.conditions.push(posted);
  }

  take(wanted: readonly V1StatusCondition[]): number {
    const { posts } = planStatuses(this, wanted);
    for (const post of posts) this.post(post);
    return posts.length;
  }

  get types(): RunStatus[] {
    return this.conditions.map(({ type }) => type);
  }
}

describe('planStatuses', () => {
  it('sends missing statuses once, in order', () => {
    const server = new Server();
    expect(server.take([condition('running', 1), condition('succeeded', 2)])).toBe(2);
    expect(server.types).toEqual(['running', 'succeeded']);
    expect(server.take([condition('running', 1), condition('succeeded', 2)])).toBe(0);
  });

  it('parses times in the formats of servers', () => {
    const server = new Server();
    server.status = 'running';
    const time = '2023-11-14 22:13:21+00:00';
    server.conditions = [{ type: 'running', status: true, last_transition_time: time }];
    expect(server.take([condition('running', 1)])).toBe(0);
  });

  it('keeps the end status of another client', () => {
    const server = new Server();
    server.post({ condition: condition('running', 1), force: false });
    server.post({ condition: condition('stopped', 2, 'UserRequest'), force: false });
    const wanted = [condition('running', 1), condition('succeeded', 3)];
    expect(planStatuses(server, wanted)).toEqual({ posts: [], outcome: 'other-client' });
  });

  it('only sends the end status of a run that another client is stopping', () => {
    const server = new Server();
    server.post({ condition: condition('stopping', 2, 'UserRequest'), force: false });
    expect(planStatuses(server, [condition('running', 3)]).posts).toEqual([]);
    expect(server.take([condition('running', 3), condition('stopped', 4)])).toBe(1);
    expect(server.status).toBe('stopped');
  });

  it('reopens a resumed run', () => {
    const server = new Server();
    const first = [condition('running', 1), condition('succeeded', 2)];
    server.take(first);
    server.take([...first, condition('running', 3)]);
    expect(server.status).toBe('running');
    server.take([...first, condition('running', 3), condition('failed', 4)]);
    expect(server.types).toEqual(['running', 'succeeded', 'running', 'failed']);
  });

  it('reports a lost writer once, and again after a resume', () => {
    const server = new Server();
    server.take([condition('running', 1), condition('failed', 5, WRITER_LOST)]);
    expect(server.take([condition('running', 1), condition('failed', 99, WRITER_LOST)])).toBe(0);
    // Tracking replaces a condition with a later one of the same type.
    server.take([condition('running', 100)]);
    expect(server.status).toBe('running');
    server.take([condition('running', 100), condition('failed', 120, WRITER_LOST)]);
    expect(server.types).toEqual(['running', 'failed', 'running', 'failed']);
  });

  it('accepts the end status of a writer that was assumed to be lost', () => {
    const server = new Server();
    server.take([condition('running', 1), condition('failed', 5, WRITER_LOST)]);
    server.take([condition('running', 1), condition('succeeded', 9)]);
    expect(server.status).toBe('succeeded');
  });

  it('converges from any state of the server, and then has nothing to send', () => {
    const types = fc.constantFrom(
      ...RUN_STATUSES.filter((type) => type !== 'created' && type !== 'stopping'),
    );
    const sequences = fc.array(types, { minLength: 1, maxLength: 8 }).map((all) =>
      // As in tracking, consecutive conditions have different types.
      all.filter((type, i) => type !== all[i - 1]).map((type, i) => condition(type, i)),
    );
    fc.assert(
      fc.property(sequences, fc.nat(), (wanted, seed) => {
        const server = new Server();
        for (const each of wanted.slice(0, seed % (wanted.length + 1)))
          server.post({ condition: each, force: isFinalStatus(server.status) });
        server.take(wanted);
        expect(server.types).toEqual(wanted.map(({ type }) => type));
        expect(server.take(wanted)).toBe(0);
      }),
    );
  });

  it('never changes the status of a run that another client has ended', () => {
    const types = fc.constantFrom<RunStatus>('running', 'warning', 'succeeded', 'failed');
    fc.assert(
      fc.property(
        fc.array(types, { maxLength: 6 }),
        fc.constantFrom<RunStatus>('stopped', 'skipped'),
        (all, end) => {
          const server = new Server();
          server.post({ condition: condition(end, 1_000, 'OtherClient'), force: false });
          server.take(all.map((type, i) => condition(type, i)));
          expect(server.types).toEqual([end]);
        },
      ),
    );
  });
});
