/** Several uploaders in a cluster: which one owns which run when an uploader joins, leaves, dies, or is stopped for a while. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeRandomness } from '../../../uploader/base/io/randomness.js';
import { chooseOwner, LEASE_MS, Membership, SETTLE_MS } from '../../../uploader/cluster/membership.js';
import { FakeClock } from '../../support/fake-clock.js';
import { MemoryStore } from '../support/memory-store.js';

class Scene {
  readonly clock = new FakeClock();
  readonly store = new MemoryStore();
  readonly changes: string[] = [];

  join(runs: Iterable<string>): { member: Membership; runs: Set<string> } {
    const seen = new Set(runs);
    const member = new Membership({
      store: this.store,
      clock: this.clock,
      randomness: nodeRandomness,
      group: 'g',
      label: 'test',
      seenRuns: () => seen,
      seenVersion: () => seen.size,
      onChange: () => this.changes.push(member.id),
    });
    return { member, runs: seen };
  }

  pass(ms: number): void {
    this.clock.seconds += ms / 1000;
  }
}

const RUNS = Array.from({ length: 200 }, (_, i) => i.toString(16).padStart(32, '0'));

function ownersOf(run: string, members: readonly Membership[]): Membership[] {
  return members.filter((member) => member.owns(run));
}

describe('chooseOwner', () => {
  it('reassigns only the keys of a member that joins or leaves', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.uuid(), { minLength: 2, maxLength: 8 }), (members) => {
        const [left = '', ...others] = members;
        for (const run of RUNS) {
          const before = chooseOwner(members, run);
          if (before !== left) expect(chooseOwner(others, run)).toBe(before);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('assigns about equal shares to eight members', () => {
    const members = Array.from({ length: 8 }, () => nodeRandomness.id());
    const counts = members.map((id) => RUNS.filter((run) => chooseOwner(members, run) === id).length);

    for (const count of counts) expect(count).toBeGreaterThan(5);
    expect(chooseOwner([], 'run')).toBeNull();
  });
});

describe('Membership', () => {
  it('owns nothing before its first heartbeat, and everything when it is alone', async () => {
    const { member } = new Scene().join(RUNS);

    expect(RUNS.some((run) => member.owns(run))).toBe(false);
    expect(await member.turn()).toBe(true);
    expect(RUNS.every((run) => member.owns(run))).toBe(true);
  });

  it('assigns each run to exactly one of the uploaders that see it', async () => {
    const scene = new Scene();
    const seen = [RUNS.slice(0, 150), RUNS.slice(50), RUNS.slice(100, 120)];
    const members = seen.map((runs) => scene.join(runs).member);
    for (let round = 0; round < 2; round += 1) for (const member of members) await member.turn();
    scene.pass(SETTLE_MS);
    for (const member of members) await member.turn();

    for (const run of RUNS) {
      const owners = ownersOf(
        run,
        members.filter((_, i) => seen[i]?.includes(run)),
      );
      expect(owners, run).toHaveLength(1);
    }
    expect(members[0]?.memberCount).toBe(3);
  });

  it('leaves a new run to an uploader that is about to find it, and takes the run if no other finds it', async () => {
    const scene = new Scene();
    const [a, b] = [scene.join(RUNS.slice(0, 100)), scene.join(RUNS.slice(0, 100))];
    for (let round = 0; round < 2; round += 1) for (const { member } of [a, b]) await member.turn();

    for (const run of RUNS) a.runs.add(run);
    await a.member.turn();
    const ownedAtOnce = RUNS.filter((run) => a.member.owns(run));
    expect(ownedAtOnce).toEqual(
      RUNS.filter((run) => chooseOwner([a.member.id, b.member.id], run) === a.member.id),
    );
    for (const run of RUNS.slice(100, 150)) b.runs.add(run);
    await b.member.turn();
    await a.member.turn();
    expect(RUNS.filter((run) => a.member.owns(run))).toEqual(ownedAtOnce);

    scene.changes.length = 0;
    scene.pass(SETTLE_MS);
    await a.member.turn();
    expect(scene.changes).toContain(a.member.id);
    for (const run of RUNS.slice(0, 150)) expect(ownersOf(run, [a.member, b.member])).toHaveLength(1);
    for (const run of RUNS.slice(150)) expect(a.member.owns(run)).toBe(true);
  });

  it('takes over the runs of a killed uploader after its lease', async () => {
    const scene = new Scene();
    const [a, b] = [scene.join(RUNS).member, scene.join(RUNS).member];
    for (let round = 0; round < 2; round += 1) for (const member of [a, b]) await member.turn();
    await a.turn();
    const lost = RUNS.filter((run) => b.owns(run));
    expect(lost.length).toBeGreaterThan(50);

    scene.pass(LEASE_MS / 2);
    await a.turn();
    expect(lost.some((run) => a.owns(run))).toBe(false);
    scene.pass(LEASE_MS / 2 + 1);
    await a.turn();
    expect(RUNS.every((run) => a.owns(run))).toBe(true);
  });

  it('takes over the runs at once when an uploader leaves', async () => {
    const scene = new Scene();
    const [a, b] = [scene.join(RUNS).member, scene.join(RUNS).member];
    for (let round = 0; round < 2; round += 1) for (const member of [a, b]) await member.turn();

    await b.leave();
    await a.turn();

    expect(RUNS.every((run) => a.owns(run))).toBe(true);
    expect(RUNS.some((run) => b.owns(run))).toBe(false);
  });

  it('owns nothing after a stop longer than its lease, until its next heartbeat', async () => {
    const scene = new Scene();
    const [a, b] = [scene.join(RUNS).member, scene.join(RUNS).member];
    for (let round = 0; round < 2; round += 1) for (const member of [a, b]) await member.turn();

    await a.turn();
    scene.pass(5 * LEASE_MS);
    expect(RUNS.some((run) => b.owns(run))).toBe(false);
    await a.turn();
    expect(RUNS.every((run) => a.owns(run))).toBe(true);
    await b.turn();
    await a.turn();
    for (const run of RUNS) expect(ownersOf(run, [a, b])).toHaveLength(1);
  });

  it('owns nothing while the store rejects its heartbeat, and recovers from lost answers', async () => {
    const scene = new Scene();
    const { member } = scene.join(RUNS);
    await member.turn();

    scene.store.fault = (operation) => (operation === 'commit' ? 'fail' : 'pass');
    scene.pass(LEASE_MS);
    expect(await member.turn()).toBe(false);
    expect(member.owns(RUNS[0]!)).toBe(false);

    scene.store.fault = (operation) => (operation === 'commit' ? 'lost' : 'pass');
    expect(await member.turn()).toBe(false);
    scene.store.fault = () => 'pass';
    expect(await member.turn()).toBe(false);
    expect(await member.turn()).toBe(true);
    expect(member.owns(RUNS[0]!)).toBe(true);
  });

  it('calls onChange when another uploader sees other runs', async () => {
    const scene = new Scene();
    const [a, b] = [scene.join(RUNS), scene.join(RUNS.slice(1))];
    await a.member.turn();
    await b.member.turn();
    await a.member.turn();
    scene.changes.length = 0;
    await a.member.turn();
    expect(scene.changes).toEqual([]);

    b.runs.add('f'.repeat(32));
    await b.member.turn();
    await a.member.turn();
    expect(scene.changes).toContain(a.member.id);
  });

  it('writes a goodbye when its loop ends', async () => {
    const scene = new Scene();
    const { member } = scene.join(RUNS);
    const stop = new AbortController();
    const running = member.run(stop.signal);
    for (let i = 0; i < 100; i += 1) await Promise.resolve();
    stop.abort();
    await running;

    const [beat] = [...scene.store.objects.keys()].filter((key) => key.endsWith('.json'));
    expect(beat).toBeDefined();
    expect(scene.store.text(beat!)).toBe('{}');
  });
});
