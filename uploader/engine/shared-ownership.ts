/** Assigns the runs of one directory to the uploaders of a cluster: each uploader works only on its own runs. */

import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { type Assignee, Membership } from '../cluster/membership.js';
import type { Ownership } from '../cluster/ownership.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import type { KnownRun } from '../pipeline/inventory/known-run.js';
import type { UploaderContext } from './context/uploader-context.js';
import { filesOnDisk } from './file-evidence.js';

/** A live run with more files is split by directory among the uploaders; the owner of the run makes it complete in the end. */
const LARGE_RUN_FILES = 5_000;
const SHARDS = 64;
const COUNT_INTERVAL_MS = 10_000;

/** The ownership of an uploader that is a member of `group` from `join` until `leave`. */
export class SharedOwnership implements Ownership {
  readonly #context: UploaderContext;
  readonly #membership: Membership;
  readonly #onGained: (runs: ReadonlySet<number>) => void;
  readonly #leaving = new AbortController();
  readonly #owned = new Set<number>();
  /** Decisions by run and shard; cleared whenever the membership changes. */
  readonly #decisions = new Map<string, Assignee>();
  readonly #sizes = new Map<number, { readonly isLarge: boolean; readonly atMs: number }>();
  /** What was assigned to others when this uploader left. */
  #atEnd: { readonly runs: ReadonlySet<number>; readonly files: ReadonlySet<FileId> } | null = null;
  #running: Promise<void> = Promise.resolve();

  /** Calls `onGained` with the indices of runs that this uploader has gained. The set may be empty: single files may have been gained as well. */
  constructor(
    context: UploaderContext,
    group: string,
    pid: number,
    onGained: (runs: ReadonlySet<number>) => void,
  ) {
    this.#context = context;
    this.#onGained = onGained;
    context.runKeepers.push({
      onForgotten: ({ index }) => {
        this.#owned.delete(index);
        this.#sizes.delete(index);
        this.#decisions.clear();
      },
    });
    const { store, io, clock, inventory } = context;
    this.#membership = new Membership({
      ...{ store, clock, group, randomness: io.randomness },
      label: `${hostname()} ${pid}`,
      seenRuns: () => inventory.runs.filter(({ directory }) => directory !== null).map(({ uuid }) => uuid),
      seenVersion: () => context.runsVersion,
      onChange: () => this.#check(),
    });
  }

  /** Resolves once this uploader is announced to the others, or the store does not answer. */
  async join(): Promise<void> {
    if (!this.#context.store.capabilities.conditionalReplace) {
      const message = 'this store has no conditional writes: uploaders in a cluster may overwrite each other';
      this.#context.onNotice({ code: 'NOTICE_SHARED_WITHOUT_CONDITIONS', message });
    }
    await this.#membership.turn(this.#leaving.signal);
    this.#running = this.#membership.run(this.#leaving.signal);
  }

  ownsRun(run: KnownRun): boolean {
    return this.#owns(run, '');
  }

  worksOn(run: KnownRun): boolean {
    return this.ownsRun(run) || this.#isShared(run);
  }

  ownsFile(id: FileId): boolean {
    return this.#owns(this.#context.inventory.runOf(id), this.#shardOf(id));
  }

  isRunElsewhere(run: KnownRun): boolean {
    if (this.#atEnd !== null) return this.#atEnd.runs.has(run.index);
    return this.#assigneeOf(run, '') === 'another' && !this.#isShared(run);
  }

  isElsewhere(id: FileId): boolean {
    if (this.#atEnd !== null) return this.#atEnd.files.has(id);
    return this.#assigneeOf(this.#context.inventory.runOf(id), this.#shardOf(id)) === 'another';
  }

  /** Leaves the cluster, so that other uploaders get the runs. What was assigned to them before stays known. */
  async leave(): Promise<void> {
    const { runs } = this.#context.inventory;
    this.#atEnd = {
      runs: new Set(runs.filter((run) => this.isRunElsewhere(run)).map(({ index }) => index)),
      files: new Set([...filesOnDisk(this.#context)].filter((id) => this.isElsewhere(id))),
    };
    this.#leaving.abort();
    await this.#running;
  }

  #owns(run: KnownRun, shard: string): boolean {
    return this.#assigneeOf(run, shard) === 'this';
  }

  #assigneeOf(run: KnownRun, shard: string): Assignee {
    if (!this.#membership.isAnnounced()) return 'unknown';
    const key = `${run.index}${shard}`;
    const known = this.#decisions.get(key);
    if (known !== undefined) return known;
    const assignee = this.#membership.assigneeOf(run.uuid, shard);
    this.#decisions.set(key, assignee);
    return assignee;
  }

  #shardOf(id: FileId): string {
    const { inventory } = this.#context;
    // Generated files exist only on the host of the run's owner.
    if (!this.#isShared(inventory.runOf(id)) || inventory.table.has(id, FLAG.generated)) return '';
    const relPath = inventory.relPathOf(id);
    return toShard(relPath.slice(0, relPath.lastIndexOf('/') + 1));
  }

  /** Whether a run is so large that its files are split among the uploaders. */
  #isShared(run: KnownRun): boolean {
    if (!this.#context.isLive(run)) return false;
    const { clock, inventory } = this.#context;
    const known = this.#sizes.get(run.index);
    if (known !== undefined && (known.isLarge || clock.monotonicMs() - known.atMs < COUNT_INTERVAL_MS))
      return known.isLarge;
    let count = 0;
    for (const _ of inventory.filesOf(run)) if (++count > LARGE_RUN_FILES) break;
    const size = { isLarge: count > LARGE_RUN_FILES, atMs: clock.monotonicMs() };
    this.#sizes.set(run.index, size);
    // This uploader now owns some files that it did not own before.
    if (size.isLarge) queueMicrotask(() => this.#onGained(new Set([run.index])));
    return size.isLarge;
  }

  #check(): void {
    const { inventory } = this.#context;
    this.#decisions.clear();
    const gained = new Set<number>();
    for (const run of inventory.runs) {
      const owns = this.ownsRun(run);
      if (owns === this.#owned.has(run.index)) continue;
      if (owns) gained.add(run.index);
      if (owns) this.#owned.add(run.index);
      else this.#owned.delete(run.index);
      // List again: another uploader may have stored files meanwhile.
      run.isListed = false;
    }
    // This uploader may own files even in runs that another uploader owns.
    this.#onGained(gained);
  }
}

/** Directories are hashed into a few shards, so that decisions can be remembered. */
function toShard(directory: string): string {
  return `#${createHash('sha1').update(directory).digest().readUInt16BE(0) % SHARDS}`;
}
