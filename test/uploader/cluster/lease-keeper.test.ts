/** Uploaders of a cluster that join, leave, die and are stopped: who holds which shard, and how many requests that takes. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modelLeases } from '../../../bench/support/scale-model.mjs';
import type { Clock } from '../../../src/base/clock.js';
import { nodeRandomness } from '../../../uploader/base/io/randomness.js';
import { LEASE_MS, RENEW_MS } from '../../../uploader/cluster/lease.js';
import { LeaseKeeper } from '../../../uploader/cluster/lease-keeper.js';
import { StoreLeases } from '../../../uploader/cluster/store-leases.js';
import { UNPROBED_S3 } from '../../../uploader/store/base/capabilities.js';
import type { Store } from '../../../uploader/store/base/store.js';
import { MemoryStore } from '../support/memory-store.js';
import { VirtualTime } from '../support/virtual-time.js';

const REQUESTS = ['list', 'read', 'head', 'commit'];

interface JoinOptions {
  readonly offsetMs?: number;
  readonly shards?: number;
  readonly clock?: Clock;
}

interface Member {
  readonly keeper: LeaseKeeper;
  readonly running: Promise<void>;
  readonly changes: { count: number };
  /** The shards that are its own, as it knows. */
  held(): number[];
  leave(): Promise<void>;
  /** As SIGKILL: nothing that it sends has an effect from now on. */
  kill(): void;
}

class Scene {
  readonly time = new VirtualTime();
  readonly store = new MemoryStore();
  readonly counts: number[] = [];
  readonly unreachable: unknown[] = [];
  requests = 0;

  constructor(readonly shards: number) {}

  createKeeper(store: Store = this.store, options: JoinOptions = {}, onChange = () => {}): LeaseKeeper {
    return new LeaseKeeper({
      table: new StoreLeases(store, 'team', nodeRandomness),
      clock: options.clock ?? this.time.createClock(options.offsetMs),
      id: nodeRandomness.id(),
      label: 'host 1',
      count: options.shards ?? this.shards,
      onChange,
      onOtherCount: (count) => this.counts.push(count),
      onUnreachable: (cause) => this.unreachable.push(cause),
    });
  }

  join(options: JoinOptions = {}): Member {
    const { store, shards } = this;
    const scene = this;
    const changes = { count: 0 };
    const stop = new AbortController();
    let isDead = false;
    // A killed uploader no longer reaches the store.
    const mine = new Proxy(store, {
      get(target, name) {
        if (isDead) throw stop.signal.reason;
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value === 'function' && REQUESTS.includes(String(name))) scene.requests += 1;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const keeper = this.createKeeper(mine, options, () => {
      changes.count += 1;
    });
    const running = keeper.run(stop.signal);
    running.catch(() => undefined); // a test that expects a failure awaits `running`
    return {
      ...{ keeper, running, changes },
      held: () => Array.from({ length: shards }, (_, i) => i).filter((i) => keeper.stateOf(i) === 'this'),
      leave: () => {
        stop.abort();
        return running;
      },
      kill: () => {
        isDead = true;
        stop.abort();
      },
    };
  }

  /** Each shard has exactly one uploader, and the numbers of shards differ by one at most. */
  expectShared(members: readonly Member[]): void {
    const held = members.map((member) => member.held());
    expect(held.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: this.shards }, (_, i) => i));
    const sizes = held.map(({ length }) => length);
    expect(Math.max(...sizes) - Math.min(...sizes), sizes.join(' ')).toBeLessThanOrEqual(1);
  }

  get objects(): number {
    return this.store.objects.size;
  }
}

describe('LeaseKeeper', () => {
  it('takes all shards if it is alone, and gives them up when it leaves', async () => {
    const scene = new Scene(8);
    const first = scene.join();
    expect(first.keeper.stateOf(0)).toBe('unknown');
    await scene.time.pass(2_000);
    scene.expectShared([first]);

    await first.leave();
    const second = scene.join();
    await scene.time.pass(2_000);
    scene.expectShared([second]);
    expect(scene.objects).toBe(8);
  });

  it.each([
    [8, 64],
    [3, 16],
    [6, 16],
    [7, 5],
  ])(
    'gives each of %d uploaders that start together an equal number of %d shards',
    async (uploaders, shards) => {
      const scene = new Scene(shards);
      const members = Array.from({ length: uploaders }, (_, i) => scene.join({ offsetMs: i * 3_600_000 }));
      await scene.time.pass(40_000);

      scene.expectShared(members);
      const states = members.map(({ keeper }) => keeper.stateOf(0));
      expect(states.filter((state) => state === 'another')).toHaveLength(uploaders - 1);
    },
  );

  it('hands shards over to uploaders that join, without a pause of a lease time', async () => {
    const scene = new Scene(16);
    const members = [scene.join()];
    await scene.time.pass(20_000);
    for (let count = 2; count <= 5; count += 1) {
      members.push(scene.join());
      await scene.time.pass(LEASE_MS);
      scene.expectShared(members);
    }
    const [leaving, ...others] = members;
    await leaving!.leave();
    await scene.time.pass(2 * RENEW_MS + 4_000);
    scene.expectShared(others);
  });

  it('says that a shard is no longer its own before the other uploader can see that', async () => {
    const scene = new Scene(4);
    const listHeld = (): number[] => [0, 1, 2, 3].filter((shard) => keeper.stateOf(shard) === 'this');
    let announced: number[] = [];
    const keeper = scene.createKeeper(scene.store, {}, () => {
      announced = listHeld();
    });
    const stop = new AbortController();
    const running = keeper.run(stop.signal);
    await scene.time.pass(10_000);
    expect(announced).toEqual([0, 1, 2, 3]);
    const late: number[] = [];
    scene.store.fault = (operation) => {
      if (operation === 'commit') late.push(...announced.filter((shard) => keeper.stateOf(shard) !== 'this'));
      return 'pass';
    };

    const other = scene.join();
    await scene.time.pass(LEASE_MS);

    expect(announced).toHaveLength(2);
    expect(other.held()).toHaveLength(2);
    expect(late).toEqual([]);
    stop.abort();
    await running;
  });

  it('takes over the shards of a killed uploader within two lease times, and not before one', async () => {
    const scene = new Scene(12);
    const members = [scene.join(), scene.join(), scene.join()];
    await scene.time.pass(60_000);
    const lost = members[2]!.held();
    members[2]!.kill();

    await scene.time.pass(LEASE_MS - RENEW_MS - 1_000);
    for (const shard of lost) expect(members[0]!.keeper.stateOf(shard)).toBe('another');
    await scene.time.pass(2 * LEASE_MS - (LEASE_MS - RENEW_MS - 1_000));
    scene.expectShared(members.slice(0, 2));
  });

  it('a spare uploader takes over within two lease times', async () => {
    const scene = new Scene(1);
    const [first, spare] = [scene.join(), scene.join()];
    await scene.time.pass(60_000);
    const [holder, other] = first.held().length === 1 ? [first, spare] : [spare, first];
    expect(other.keeper.stateOf(0)).toBe('another');
    holder.kill();
    await scene.time.pass(2 * LEASE_MS);
    expect(other.held()).toEqual([0]);
  });

  it('holds nothing after a stop longer than a lease, before it sends anything', async () => {
    const scene = new Scene(4);
    const stopped = scene.join();
    await scene.time.pass(10_000);
    scene.store.fault = () => 'fail'; // as after SIGSTOP: nothing is renewed
    await scene.time.pass(LEASE_MS + RENEW_MS);

    expect(stopped.held()).toEqual([]);
    expect(stopped.keeper.hasLapsed()).toBe(true);
    expect(stopped.keeper.stateOf(0)).toBe('unknown');
    expect(scene.unreachable).toHaveLength(1);
    scene.store.fault = () => 'pass';
    const other = scene.join();
    await scene.time.pass(2 * LEASE_MS);
    scene.expectShared([stopped, other]);
  });

  it('counts the time in which only the wall clock has run: a laptop that has slept', async () => {
    const scene = new Scene(2);
    const clock = scene.time.createClock();
    let sleptSeconds = 0;
    const member = scene.join({ clock: { ...clock, wallTime: () => clock.wallTime() + sleptSeconds } });
    await scene.time.pass(10_000);
    expect(member.held()).toEqual([0, 1]);

    sleptSeconds = 3_600;
    expect(member.held()).toEqual([]);
    await scene.time.pass(RENEW_MS + 1_000);
    expect(member.held()).toEqual([0, 1]);
  });

  it('recovers from lost answers', async () => {
    const scene = new Scene(4);
    const member = scene.join();
    await scene.time.pass(5_000);
    let calls = 0;
    scene.store.fault = (operation) => (operation === 'commit' && calls++ % 3 === 0 ? 'lost' : 'pass');
    await scene.time.pass(200_000);
    scene.store.fault = () => 'pass';
    await scene.time.pass(20_000);
    scene.expectShared([member]);
  });

  it('never has two holders of one lease that both know it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            what: fc.constantFrom('join', 'leave', 'kill', 'fail', 'pass'),
            ms: fc.integer({ min: 100, max: 30_000 }),
          }),
          { minLength: 3, maxLength: 20 },
        ),
        async (steps) => {
          const scene = new Scene(6);
          let members: Member[] = [scene.join()];
          for (const { what, ms } of steps) {
            if (what === 'join' && members.length < 8) members.push(scene.join());
            if (what === 'leave') await members.shift()?.leave();
            if (what === 'kill') members.pop()?.kill();
            scene.store.fault = () => (what === 'fail' ? 'fail' : 'pass');
            for (let passed = 0; passed < ms; passed += 500) {
              await scene.time.pass(500);
              const held = members.flatMap((member) => member.held());
              expect(new Set(held).size).toBe(held.length);
            }
          }
          scene.store.fault = () => 'pass';
          if (members.length === 0) members = [scene.join()];
          await scene.time.pass(4 * LEASE_MS);
          scene.expectShared(members);
          expect(scene.objects).toBeLessThanOrEqual(6);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('reports an uploader that counts the shards differently', async () => {
    const scene = new Scene(4);
    scene.join();
    await scene.time.pass(3_000);
    scene.join({ shards: 8 });
    await scene.time.pass(60_000);
    expect(scene.counts).toContain(4);
  });

  it('ends with the reason if the store has no conditional writes', async () => {
    const scene = new Scene(4);
    scene.store.capabilities = { ...UNPROBED_S3, conditionalReplace: false };
    await expect(scene.join().running).rejects.toMatchObject({
      code: 'ERR_CLUSTER_STORE',
      message:
        '--cluster: memory://store cannot keep leases: it has no conditional writes, so that two uploaders could take one lease',
    });
  });

  it('ignores other objects, and takes a lease that is unreadable', async () => {
    const scene = new Scene(2);
    scene.store.overwrite('.plx/shards/team/0.json', Buffer.from('damaged'));
    scene.store.overwrite('.plx/shards/team/notes.txt', Buffer.from('x'));
    scene.store.overwrite('.plx/shards/team/7.json', Buffer.from('{"holder":"x"}'));
    const member = scene.join();
    await scene.time.pass(3_000);
    scene.expectShared([member]);
  });
});

describe('the requests of a cluster', () => {
  it('depend on shards and time as the model says: 1,000 uploaders, 64 shards, 10,000 dead processes before', async () => {
    const [uploaders, shards, dead] = [1_000, 64, 10_000];
    const scene = new Scene(shards);
    for (let i = 0; i < dead; i += 1) {
      await scene.createKeeper().turn(); // and is killed
      if (i % 20 === 0) await scene.time.pass(LEASE_MS / 10);
      scene.store.history.clear();
    }
    expect(scene.objects).toBeLessThanOrEqual(shards);

    const members: Member[] = [];
    for (let i = 0; i < uploaders; i += 1) {
      members.push(scene.join());
      await scene.time.pass(8);
    }
    await scene.time.pass(8 * LEASE_MS);
    scene.expectShared(members.filter((member) => member.held().length > 0));
    scene.requests = 0;
    const seconds = 96;
    await scene.time.pass(seconds * 1000);
    const perSecond = scene.requests / seconds;

    const model = modelLeases({ uploaders, shards });
    expect(perSecond).toBeLessThanOrEqual(1.1 * model.requestsPerSecond);
    expect(perSecond).toBeGreaterThanOrEqual(0.9 * model.requestsPerSecond);
    // Memory: each uploader remembers the leases, and nothing of other uploaders, of runs or of dead processes.
    for (const { keeper } of members) expect(keeper.size).toBeLessThanOrEqual(1.1 * model.rememberedLeases);
    expect(scene.objects).toBe(shards);
  }, 600_000);
});
