/**
 * Several uploaders on one directory: each tells in the store that it is there and which runs it sees, and works on those that fall to it.
 *
 * This keeps two uploaders from doing the same work, no more: what keeps them from harming each other is the compare-and-swap of every
 * commit. So nothing breaks when two believe for a while that a run is theirs.
 *
 * No wall clocks are compared: a member is gone when its beat, as this process sees it, has stood still for `LEASE_MS` of this process' own
 * monotonic clock. A process that was stopped for that long (SIGSTOP, a sleeping laptop) owns nothing until it has beaten again.
 */

import { crc32 } from 'node:zlib';
import type { Clock } from '../../src/base/clock.js';
import type { Randomness } from '../base/io/randomness.js';
import { OutcomeError } from '../base/retry.js';
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
import { chooseOwner } from './rendezvous.js';

export interface MembershipOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Uploaders of the same group and store share runs: letters, digits, `-`, `_`, `.`. */
  readonly group: string;
  /** Names this uploader to people. */
  readonly label: string;
  /** The runs that this uploader sees. */
  readonly seenRuns: () => Iterable<string>;
  /** Another number after each change of what `seenRuns` gives. */
  readonly seenVersion: () => number;
  /** Somebody came, left, or sees other runs: what belongs to whom may have changed. */
  readonly onChange: () => void;
}

export const BEAT_INTERVAL_MS = 8_000;
/**
 * A member without a beat for this long has left. Its last beat may be seen one interval late, so that its runs are taken over 16 to 32 s after its death: time is
 * left, of the 45 s that users are promised, for a machine that is busy.
 */
export const LEASE_MS = 24_000;
/** A run that one has found, the others are about to find: so long all of them are believed to see it, and nobody begins what will be another's. */
export const SETTLE_MS = 5_000;
/** News of this uploader's own runs do not wait for the next beat, and do not come more often than this. */
const NEWS_INTERVAL_MS = 1_000;

interface Member {
  etag: string;
  /** When the beat was seen to change, on this process' own clock. */
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
  /** When this process last knew that the others can see it. */
  #beatMs = Number.NEGATIVE_INFINITY;
  /** Of the runs that the others were told of. */
  #announcedVersion: number | null = null;
  #announcedRuns: ReadonlySet<string> = new Set();
  /** Runs that the others may not have found yet, and until when that is believed. */
  readonly #newRuns = new Map<string, number>();
  readonly #etags = new Map<string, { etag: string; sizeBytes: number }>();
  #signature = '';
  #isWatched = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.id = options.randomness.id();
  }

  /** How many share the work, this one included. */
  get memberCount(): number {
    return 1 + this.#alive().length;
  }

  /**
   * Whether a run is this uploader's to work on, now. `shard` parts what belongs to nobody in particular, such as the files of a very large
   * run. Without a beat of its own that the others can have seen, nothing is.
   */
  owns(runUuid: string, shard = ''): boolean {
    // Of a run that the others have not been told of, they might be thinking the same.
    if (!this.isAnnounced() || !this.#announcedRuns.has(runUuid)) return false;
    const isNew = this.#newRuns.has(runUuid);
    const candidates = this.#alive().flatMap(([id, { runs }]) => (isNew || runs.has(runUuid) ? [id] : []));
    if (candidates.length === 0) return true;
    return chooseOwner([this.id, ...candidates], `${runUuid}${shard}`) === this.id;
  }

  /** Whether the others know of this uploader. */
  isAnnounced(): boolean {
    return this.#options.clock.monotonicMs() - this.#beatMs < LEASE_MS;
  }

  /** Beats and looks, until the signal is aborted; then says goodbye. A store that fails is asked again at the next beat. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let dueMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const isNews = this.#options.seenVersion() !== this.#announcedVersion;
      if (clock.monotonicMs() >= dueMs || isNews || !this.isAnnounced()) {
        const isDone = await this.turn(signal);
        // What others have to say of news comes soon.
        dueMs = clock.monotonicMs() + (isDone && !isNews ? BEAT_INTERVAL_MS : NEWS_INTERVAL_MS);
      } else this.#announceChange();
      await clock.sleep(NEWS_INTERVAL_MS, signal).catch(() => undefined); // told to stop
    }
    await this.leave();
  }

  /** One beat, and one look at the others. False when the store did not take it. */
  async turn(signal?: AbortSignal): Promise<boolean> {
    try {
      const startMs = this.#options.clock.monotonicMs();
      if (!(await this.#announceRuns(signal)) || !(await this.#beat(signal))) return false;
      await this.#look(signal);
      // Counted from before the beat was sent: the others may have seen it that early.
      this.#beatMs = startMs;
      this.#announceChange();
      return true;
    } catch (error) {
      if (error instanceof OutcomeError || signal?.aborted === true) return false;
      throw error;
    }
  }

  /** Lets the others have the runs at once, instead of after `LEASE_MS`. What fails, the lease makes good. */
  async leave(): Promise<void> {
    this.#beatMs = Number.NEGATIVE_INFINITY;
    if (this.#counter > 0) await this.#put(toBeatKey(this.#options.group, this.id), encodeGoodbye());
  }

  /** What belongs to whom also changes with time alone: when a lease runs out, or a run is not new any more. */
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

  /** The runs go first: a member that is seen has said what it sees. */
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
    // An answer was lost, and the object is another one by now: nobody else writes it.
    if (outcome.status === 'conflict') {
      const found = await store.head(key, signal);
      if (found.status === 'found') this.#etags.set(key, found.object);
      if (found.status === 'absent') this.#etags.delete(key);
    }
    return false;
  }

  async #look(signal?: AbortSignal): Promise<void> {
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
    for await (const piece of this.#options.store.read(key, { signal })) pieces.push(piece);
    return Buffer.concat(pieces);
  }
}
