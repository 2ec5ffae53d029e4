/**
 * Takes, renews and gives up the leases of one uploader, so that each shard has one uploader, and each uploader about as many shards.
 *
 * This only avoids duplicate work. The compare-and-swap of every commit protects the data, so nothing breaks if two uploaders hold the same
 * shard for a while.
 *
 * Clocks of different hosts are never compared: a lease is free if this process has not seen it renewed for `LEASE_MS` on its own clock. A
 * holder counts from before its request, so that its own lease ends first, also after it was stopped (SIGSTOP, a sleeping laptop).
 *
 * Sharing needs no list of uploaders. One that has at least two shards fewer than another asks for one of the other's shards, in the lease of that
 * shard; the holder hands it over when it renews it. This ends with equal shares, whatever the order.
 */

import type { Clock } from '../../src/base/clock.js';
import { ClusterStoreError } from '../base/errors.js';
import { inParallel } from '../base/in-parallel.js';
import { OutcomeError } from '../base/retry-table.js';
import { LEASE_MS, type Lease, type LeaseTable, RENEW_MS, type StoredLease } from './lease.js';
import type { ShardState, Shards } from './shards.js';

interface LeaseKeeperOptions {
  readonly table: LeaseTable;
  readonly clock: Clock;
  /** Unique for each process. */
  readonly id: string;
  /** Identifies this uploader for users. */
  readonly label: string;
  readonly count: number;
  /** Called when `stateOf` may return something else. */
  readonly onChange: () => void;
  /** Called when the leases cannot be read or written, once until they can. */
  readonly onUnreachable?: ((cause: unknown) => void) | undefined;
  /** Called once if the cluster's uploaders disagree about the number of shards. */
  readonly onOtherCount?: ((count: number, label: string) => void) | undefined;
}

/** How often an uploader reads the leases while its share is still changing. */
const SETTLE_MS = 1_000;
/** How often an uploader without a shard looks for a free one. The lease time plus this is less than two lease times. */
const SPARE_MS = 16_000;
const TICK_MS = 1_000;
const WRITES_AT_ONCE = 8;

interface Seen {
  readonly stored: StoredLease;
  /** When this process saw the last renewal. */
  readonly atMs: number;
}

interface Held {
  readonly stored: StoredLease;
  /** Before the request that renewed it. */
  readonly atMs: number;
  readonly atWallMs: number;
}

export class LeaseKeeper implements Shards {
  readonly count: number;
  readonly #options: LeaseKeeperOptions;
  readonly #seen = new Map<number, Seen>();
  readonly #held = new Map<number, Held>();
  /** Shards that this uploader has asked for, and when. */
  readonly #asked = new Map<number, number>();
  /** When the leases were last read. */
  #lookedMs = Number.NEGATIVE_INFINITY;
  #hasJoined = false;
  #isSettling = true;
  #isReported = false;
  #isReachable = true;
  #last: readonly ShardState[] = [];
  /** What was true when this uploader left. */
  #atEnd: readonly ShardState[] | null = null;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
    this.count = options.count;
  }

  get heldCount(): number {
    return this.#held.size;
  }

  /** The number of leases that are remembered. */
  get size(): number {
    return this.#seen.size + this.#held.size + this.#asked.size;
  }

  /** Whether a lease has ended before it was renewed: this process was stopped, or the leases could not be reached. */
  hasLapsed(): boolean {
    return [...this.#held.keys()].some((shard) => !this.#holds(shard));
  }

  stateOf(shard: number): ShardState {
    if (this.#atEnd !== null) return this.#atEnd[shard] ?? 'unknown';
    if (this.#holds(shard)) return 'this';
    const nowMs = this.#nowMs();
    const holder = this.#holderOf(shard, nowMs);
    const isCurrent = nowMs - this.#lookedMs < LEASE_MS;
    return isCurrent && holder !== null && holder !== this.#options.id ? 'another' : 'unknown';
  }

  /** Keeps leases until the signal is aborted, then gives them up. Rejects if leases are not safe in this place. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let nextMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      if (clock.monotonicMs() >= nextMs) {
        await this.turn(signal);
        nextMs = clock.monotonicMs() + this.#toIntervalMs();
      } else this.#announce();
      const restMs = Math.max(0, nextMs - clock.monotonicMs());
      await clock
        .sleep(this.#held.size === 0 ? restMs : Math.min(TICK_MS, restMs), signal)
        .catch(() => undefined); // stopped
    }
    await this.leave();
  }

  /** Reads all leases once, renews its own, and takes or gives up others. Returns false if the table did not answer. Throws `ClusterStoreError`. */
  async turn(signal?: AbortSignal): Promise<boolean> {
    const { table } = this.#options;
    this.#announce();
    const isDone = await this.#tryTurn(signal);
    const problem = table.findProblem();
    if (problem !== null) throw new ClusterStoreError(table.name, problem);
    this.#announce();
    return isDone;
  }

  /** Gives its shards to the others at once instead of after `LEASE_MS`. If that fails, the leases expire. */
  async leave(): Promise<void> {
    this.#atEnd = Array.from({ length: this.count }, (_, shard) => this.stateOf(shard));
    const { table } = this.#options;
    await inParallel(WRITES_AT_ONCE, [...this.#held], async ([shard, { stored }]) => {
      const lease = { ...stored.lease, holder: null, wants: null };
      try {
        await table.write(shard, lease, stored.version);
      } catch (error) {
        if (!(error instanceof OutcomeError)) throw error;
      }
    });
    this.#held.clear();
  }

  async #tryTurn(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.#look(signal);
      const nowMs = this.#nowMs();
      const due = [...this.#held.keys()].filter((shard) => this.#isDue(shard, nowMs));
      await inParallel(WRITES_AT_ONCE, due, (shard) => this.#renew(shard, signal));
      await this.#accept(signal);
      const hasClaimed = await this.#claim(signal);
      const hasTried = await this.#ask(signal);
      this.#isSettling = !this.#hasJoined || hasClaimed || hasTried || this.#asked.size > 0;
      this.#hasJoined = true;
      this.#isReachable = true;
      return true;
    } catch (error) {
      if (signal?.aborted === true) return false;
      if (!(error instanceof OutcomeError)) throw error;
      if (this.#isReachable) this.#options.onUnreachable?.(error.cause);
      this.#isReachable = false;
      return false;
    }
  }

  /** Reads all leases. */
  async #look(signal: AbortSignal | undefined): Promise<void> {
    const startMs = this.#nowMs();
    const found = await this.#options.table.readAll(signal);
    const nowMs = this.#nowMs();
    for (const shard of this.#seen.keys()) if (!found.has(shard)) this.#seen.delete(shard);
    for (const [shard, stored] of found) {
      if (shard >= this.count) continue;
      const before = this.#seen.get(shard);
      const isRenewed = before === undefined || before.stored.mark !== stored.mark;
      this.#seen.set(shard, { stored, atMs: isRenewed ? nowMs : before.atMs });
      this.#checkCount(stored.lease);
    }
    for (const [shard, sinceMs] of this.#asked) {
      const isAsking = this.#seen.get(shard)?.stored.lease.wants === this.#options.id;
      if (!isAsking || nowMs - sinceMs > LEASE_MS) this.#asked.delete(shard);
    }
    this.#lookedMs = startMs;
  }

  #isDue(shard: number, nowMs: number): boolean {
    const held = this.#held.get(shard)!;
    const isAsked = (this.#seen.get(shard)?.stored.lease.wants ?? null) !== null;
    return isAsked || !this.#holds(shard) || nowMs - held.atMs >= RENEW_MS - TICK_MS / 2;
  }

  async #renew(shard: number, signal: AbortSignal | undefined): Promise<void> {
    const { table, id } = this.#options;
    const { stored } = this.#held.get(shard)!;
    const lease = { ...stored.lease, beat: stored.lease.beat + 1, wants: null };
    if (await this.#write(shard, lease, stored.version, signal)) return;
    const found = await table.read(shard, signal);
    if (found !== null) this.#seen.set(shard, { stored: found, atMs: this.#nowMs() });
    if (found?.lease.holder !== id) {
      this.#held.delete(shard);
      return;
    }
    const { wants } = found.lease;
    if (wants === null || !this.#isPoorer(wants)) {
      await this.#write(shard, lease, found.version, signal);
      return;
    }
    this.#held.delete(shard);
    this.#announce(); // stop the work before the other one starts
    const { generation } = found.lease;
    const given = { ...lease, holder: wants, label: '', generation: generation + 1, beat: 0 };
    await this.#write(shard, given, found.version, signal);
  }

  /** Whether another uploader has no more shards than this one, once it gets what it has asked for. */
  #isPoorer(other: string): boolean {
    const shares = this.#shares(this.#nowMs());
    return shares.get(this.#options.id)!.length >= (shares.get(other)?.length ?? 0);
  }

  /** Takes the shards that others have handed over. */
  async #accept(signal: AbortSignal | undefined): Promise<void> {
    const { id } = this.#options;
    const given = [...this.#seen].filter(
      ([shard, { stored }]) => stored.lease.holder === id && !this.#held.has(shard),
    );
    await inParallel(WRITES_AT_ONCE, given, async ([shard, { stored }]) => {
      const { lease, version } = stored;
      this.#asked.delete(shard);
      await this.#write(shard, this.#toOwn(lease.generation), version, signal);
    });
  }

  /** Takes free shards, up to an equal share. Returns whether it has taken any. */
  async #claim(signal: AbortSignal | undefined): Promise<boolean> {
    const nowMs = this.#nowMs();
    const free: number[] = [];
    for (let shard = 0; shard < this.count; shard += 1)
      if (!this.#held.has(shard) && this.#holderOf(shard, nowMs) === null) free.push(shard);
    // At first one shard only, so that uploaders that start together see each other before they take more.
    const share = this.#hasJoined ? Math.ceil(this.count / this.#shares(nowMs).size) : 1;
    const wanted = Math.min(free.length, share - this.#held.size);
    if (wanted <= 0) return false;
    // Different uploaders begin at different shards, so that they rarely want the same.
    const before = this.#held.size;
    const start = Number.parseInt(this.#options.id.slice(0, 8), 16) % free.length;
    const chosen = [...free.slice(start), ...free.slice(0, start)].slice(0, wanted);
    await inParallel(WRITES_AT_ONCE, chosen, async (shard) => {
      const stored = this.#seen.get(shard)?.stored;
      const lease = this.#toOwn((stored?.lease.generation ?? 0) + 1);
      await this.#write(shard, lease, stored?.version ?? null, signal);
    });
    return this.#held.size > before;
  }

  /** Asks uploaders that have at least two shards more for some of theirs. Returns whether there were any to ask. */
  async #ask(signal: AbortSignal | undefined): Promise<boolean> {
    const { id } = this.#options;
    const nowMs = this.#nowMs();
    const shares = this.#shares(nowMs);
    let mine = shares.get(id)!.length;
    const chosen: number[] = [];
    for (;;) {
      const richest = [...shares.values()].reduce((a, b) => (b.length > a.length ? b : a));
      if (richest.length < mine + 2) break;
      const shard = richest.find((each) => this.#isAskable(each, nowMs));
      if (shard === undefined) break;
      richest.splice(richest.indexOf(shard), 1);
      chosen.push(shard);
      mine += 1;
    }
    await inParallel(WRITES_AT_ONCE, chosen, async (shard) => {
      const { stored } = this.#seen.get(shard)!;
      const asking = { ...stored.lease, wants: id };
      if (await this.#write(shard, asking, stored.version, signal)) this.#asked.set(shard, nowMs);
    });
    return chosen.length > 0;
  }

  /** Whether the holder of a shard is surely alive, and no other uploader asks for it. */
  #isAskable(shard: number, nowMs: number): boolean {
    const seen = this.#seen.get(shard);
    if (seen === undefined || seen.stored.lease.wants !== null) return false;
    return nowMs - seen.atMs < LEASE_MS / 2 && seen.stored.lease.holder !== this.#options.id;
  }

  /** Writes a lease, and remembers it. Returns false if another uploader was faster. */
  async #write(
    shard: number,
    lease: Lease,
    base: string | null,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const { table, clock, id } = this.#options;
    const atMs = this.#nowMs();
    const atWallMs = clock.wallTime() * 1000;
    const stored = await table.write(shard, lease, base, signal);
    if (stored === null) return false;
    this.#seen.set(shard, { stored, atMs: this.#nowMs() });
    if (lease.holder === id) this.#held.set(shard, { stored, atMs, atWallMs });
    return true;
  }

  #toOwn(generation: number): Lease {
    const { id, label } = this.#options;
    return { holder: id, label: label.slice(0, 100), generation, beat: 0, wants: null, shards: this.count };
  }

  /** Whether this uploader holds the lease now. The monotonic clock of a laptop stops while it sleeps, its wall clock does not. */
  #holds(shard: number): boolean {
    const held = this.#held.get(shard);
    if (held === undefined) return false;
    const { clock } = this.#options;
    const ageMs = Math.max(clock.monotonicMs() - held.atMs, clock.wallTime() * 1000 - held.atWallMs);
    return ageMs < LEASE_MS;
  }

  /** The uploader that holds the shard; null if the lease is free. */
  #holderOf(shard: number, nowMs: number): string | null {
    const seen = this.#seen.get(shard);
    return seen === undefined || nowMs - seen.atMs >= LEASE_MS ? null : seen.stored.lease.holder;
  }

  /** The uploaders that hold a shard or have asked for one, and this one, each with the shards that it has or will get. */
  #shares(nowMs: number): Map<string, number[]> {
    const shares = new Map<string, number[]>([[this.#options.id, []]]);
    for (const [shard, { stored }] of this.#seen) {
      const holder = this.#holderOf(shard, nowMs);
      if (holder === null) continue;
      for (const each of [holder, stored.lease.wants ?? holder]) if (!shares.has(each)) shares.set(each, []);
      shares.get(stored.lease.wants ?? holder)!.push(shard);
    }
    return shares;
  }

  #checkCount({ holder, label, shards }: Lease): void {
    if (holder === null || shards === this.count || this.#isReported) return;
    this.#isReported = true;
    this.#options.onOtherCount?.(shards, label);
  }

  #toIntervalMs(): number {
    if (this.#isSettling) return SETTLE_MS;
    return this.#held.size === 0 ? SPARE_MS : RENEW_MS;
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  #announce(): void {
    const states = Array.from({ length: this.count }, (_, shard) => this.stateOf(shard));
    const hasChanged = states.some((state, shard) => state !== this.#last[shard]);
    this.#last = states;
    if (hasChanged) this.#options.onChange();
  }
}
