/**
 * Assigns the runs of one directory to several uploaders. Each writes to the store a heartbeat and the runs that it sees.
 *
 * This only avoids duplicate work. The compare-and-swap of every commit protects the data, so nothing breaks if two uploaders own the
 * same run for a while.
 *
 * Wall clocks are never compared: an uploader has left if this process sees no new heartbeat for `LEASE_MS` on its monotonic
 * clock. A process that was stopped for that long (SIGSTOP, a sleeping laptop) owns nothing until its next heartbeat.
 */

import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Clock } from '../../src/base/clock.js';
import type { Randomness } from '../base/io/randomness.js';
import { OutcomeError } from '../base/retry-table.js';
import type { Store } from '../store/base/store.js';
import {
  decodeRuns,
  encodeBeat,
  encodeGoodbye,
  encodeRuns,
  isGoodbye,
  parseMemberKey,
  toBeatKey,
  toGroupPrefix,
  toRunsKey,
} from './member-objects.js';

interface MembershipOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Runs are divided among the uploaders with the same group and store. Letters, digits, `-`, `_`, `.`. */
  readonly group: string;
  /** Identifies this uploader for users. */
  readonly label: string;
  /** The runs that this uploader sees. */
  readonly seenRuns: () => Iterable<string>;
  /** Changes whenever the result of `seenRuns` changes. */
  readonly seenVersion: () => number;
  /** Called when an uploader has joined, left, or sees other runs, so that the assignment may have changed. */
  readonly onChange: () => void;
}

export const BEAT_INTERVAL_MS = 8_000;
/**
 * An uploader without a heartbeat for this long has left. Its last heartbeat may be seen one interval late, so others take over its runs
 * 16 to 32 s after its end. The documented limit is 45 s, which leaves a margin for busy machines.
 */
export const LEASE_MS = 24_000;
/** For this long, all uploaders are assumed to see a new run, so that none of them starts work that is then assigned to another. */
export const SETTLE_MS = 5_000;
/** Changes of this uploader's runs are written before the next heartbeat, but at most this often. */
const NEWS_INTERVAL_MS = 1_000;
/** Enough for two million runs. */
const MAX_RUNS_BYTES = 64 * 1024 * 1024;

export type Assignee = 'this' | 'another' | 'unknown';

interface Member {
  etag: string;
  /** When this process saw the heartbeat change, on its own clock. */
  seenMs: number;
  hasLeft: boolean;
  runsEtag: string | null;
  runs: ReadonlySet<string>;
}

export class Membership {
  readonly id: string;
  readonly #options: MembershipOptions;
  readonly #others = new Map<string, Member>();
  #counter = 0;
  /** The start of the last successful heartbeat. */
  #beatMs = Number.NEGATIVE_INFINITY;
  /** The version of `#announcedRuns`. */
  #announcedVersion: number | null = null;
  #announcedRuns: ReadonlySet<string> = new Set();
  /** Runs that the others may not have found yet, and the end of that period. */
  readonly #newRuns = new Map<string, number>();
  readonly #etags = new Map<string, { etag: string; sizeBytes: number }>();
  #signature = '';
  #isWatched = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.id = options.randomness.id();
  }

  /** The number of active uploaders, including this one. */
  get memberCount(): number {
    return 1 + this.#alive().length;
  }

  /** Whether a run is assigned to this uploader now. `shard` divides a very large run: each shard is assigned separately. */
  owns(runUuid: string, shard = ''): boolean {
    return this.assigneeOf(runUuid, shard) === 'this';
  }

  /** The uploader that works on a run now. Unknown while this uploader has no recent heartbeat: then nothing is assigned to it. */
  assigneeOf(runUuid: string, shard = ''): Assignee {
    // The others do not know that this uploader sees the run, so they may assign it to themselves too.
    if (!this.isAnnounced() || !this.#announcedRuns.has(runUuid)) return 'unknown';
    const isNew = this.#newRuns.has(runUuid);
    const candidates = this.#alive().flatMap(([id, { runs }]) => (isNew || runs.has(runUuid) ? [id] : []));
    if (candidates.length === 0) return 'this';
    return chooseOwner([this.id, ...candidates], `${runUuid}${shard}`) === this.id ? 'this' : 'another';
  }

  /** Whether the other uploaders know this one. */
  isAnnounced(): boolean {
    return this.#options.clock.monotonicMs() - this.#beatMs < LEASE_MS;
  }

  /** Sends heartbeats and reads those of the others until the signal is aborted, then leaves. Retries a failing store at the next heartbeat. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let dueMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const isNews = this.#options.seenVersion() !== this.#announcedVersion;
      if (clock.monotonicMs() >= dueMs || isNews || !this.isAnnounced()) {
        const isDone = await this.turn(signal);
        // The others will soon react to the change.
        dueMs = clock.monotonicMs() + (isDone && !isNews ? BEAT_INTERVAL_MS : NEWS_INTERVAL_MS);
      } else this.#announceChange();
      await clock.sleep(NEWS_INTERVAL_MS, signal).catch(() => undefined); // stopped
    }
    await this.leave();
  }

  /** Sends one heartbeat and reads those of the others. Returns false if the store did not accept the heartbeat. */
  async turn(signal?: AbortSignal): Promise<boolean> {
    try {
      const startMs = this.#options.clock.monotonicMs();
      if (!(await this.#announceRuns(signal)) || !(await this.#beat(signal))) return false;
      await this.#readOthers(signal);
      // The lease starts before the heartbeat was sent, because the others may have seen it that early.
      this.#beatMs = startMs;
      this.#announceChange();
      return true;
    } catch (error) {
      if (error instanceof OutcomeError || signal?.aborted === true) return false;
      throw error;
    }
  }

  /** Releases the runs to the others at once instead of after `LEASE_MS`. If this fails, the lease expires. */
  async leave(): Promise<void> {
    this.#beatMs = Number.NEGATIVE_INFINITY;
    if (this.#counter > 0) await this.#put(toBeatKey(this.#options.group, this.id), encodeGoodbye());
  }

  /** Calls `onChange` if the assignment may have changed. Time alone can change it: a lease expires, or a run is no longer new. */
  #announceChange(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [run, untilMs] of this.#newRuns) if (nowMs >= untilMs) this.#newRuns.delete(run);
    const alive = this.#alive().map(([id, { runsEtag }]) => `${id} ${runsEtag}`);
    const signature = [this.isAnnounced(), this.#announcedVersion, this.#newRuns.size, ...alive.sort()].join(
      '\n',
    );
    if (signature === this.#signature && this.#isWatched) return;
    this.#signature = signature;
    this.#isWatched = true;
    this.#options.onChange();
  }

  #alive(): [string, Member][] {
    const nowMs = this.#options.clock.monotonicMs();
    return [...this.#others].filter(([, { seenMs, hasLeft }]) => !hasLeft && nowMs - seenMs < LEASE_MS);
  }

  /** Writes the runs before the heartbeat, so that an uploader with a heartbeat always has a list of runs. */
  async #announceRuns(signal?: AbortSignal): Promise<boolean> {
    const version = this.#options.seenVersion();
    if (version === this.#announcedVersion) return true;
    const runs = new Set(this.#options.seenRuns());
    const bytes = encodeRuns(runs);
    if (!(await this.#put(toRunsKey(this.#options.group, this.id), bytes, signal))) return false;
    const untilMs = this.#options.clock.monotonicMs() + SETTLE_MS;
    for (const run of runs) if (!this.#announcedRuns.has(run)) this.#newRuns.set(run, untilMs);
    this.#announcedVersion = version;
    this.#announcedRuns = runs;
    return true;
  }

  #beat(signal?: AbortSignal): Promise<boolean> {
    this.#counter += 1;
    const { group, label } = this.#options;
    return this.#put(toBeatKey(group, this.id), encodeBeat({ counter: this.#counter, label }), signal);
  }

  async #put(key: string, bytes: Buffer, signal?: AbortSignal): Promise<boolean> {
    const { store, randomness } = this.#options;
    const outcome = await store.commit({
      key,
      source: { read: async (start, end) => bytes.subarray(start, end) },
      target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
      base: this.#etags.get(key) ?? null,
      commitId: randomness.id(),
      signal,
    });
    if (outcome.status === 'stored') {
      this.#etags.set(key, { etag: outcome.etag, sizeBytes: bytes.length });
      return true;
    }
    // An earlier answer was lost, so the stored ETag is outdated. No other uploader writes this object.
    if (outcome.status === 'conflict') {
      const found = await store.head(key, signal);
      if (found.status === 'found') this.#etags.set(key, found.object);
      if (found.status === 'absent') this.#etags.delete(key);
    }
    return false;
  }

  async #readOthers(signal?: AbortSignal): Promise<void> {
    const { store, clock, group } = this.#options;
    const present = new Set<string>();
    for await (const { key, etag, sizeBytes } of store.list(toGroupPrefix(group), { signal })) {
      const parsed = parseMemberKey(group, key);
      if (parsed === null || parsed.member === this.id) continue;
      const { member, kind } = parsed;
      const known = this.#others.get(member) ?? {
        ...{ etag: '', seenMs: clock.monotonicMs(), hasLeft: true, runsEtag: null, runs: new Set<string>() },
      };
      this.#others.set(member, known);
      present.add(member);
      if (kind === 'beat' && known.etag !== etag) {
        known.etag = etag;
        known.seenMs = clock.monotonicMs();
        known.hasLeft = isGoodbye(sizeBytes);
      }
      if (kind === 'runs' && known.runsEtag !== etag) {
        known.runs = decodeRuns(await this.#read(key, signal));
        known.runsEtag = etag;
      }
    }
    for (const member of this.#others.keys()) if (!present.has(member)) this.#others.delete(member);
  }

  async #read(key: string, signal?: AbortSignal): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#options.store.read(key, { maxBytes: MAX_RUNS_BYTES, signal }))
      pieces.push(piece);
    return Buffer.concat(pieces);
  }
}

/**
 * Returns the owner of a key: the member whose hash with the key is the highest (rendezvous hashing). When a member joins or leaves, only
 * its keys change their owner. Returns null without members.
 */
export function chooseOwner(members: Iterable<string>, key: string): string | null {
  let owner: string | null = null;
  let highest = -1;
  for (const member of members) {
    const weight = weigh(member, key);
    if (weight < highest || (weight === highest && owner !== null && member < owner)) continue;
    owner = member;
    highest = weight;
  }
  return owner;
}

/** Returns 48 bits, which a number represents exactly. */
function weigh(member: string, key: string): number {
  return createHash('sha1').update(member).update('\0').update(key).digest().readUIntBE(0, 6);
}
