/** An uploader of one file, for tests of a commit. */

import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../../../src/base/clock.js';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { RateLimit } from '../../../uploader/base/limits/rate-limit.js';
import { RetryPolicy } from '../../../uploader/base/limits/retry-policy.js';
import { toKey } from '../../../uploader/base/rel-path.js';
import { parseSegmentKey } from '../../../uploader/base/segment-key.js';
import type { CommitContext, SendOutcome } from '../../../uploader/pipeline/commit/commit-context.js';
import { joinSegments } from '../../../uploader/pipeline/commit/segments.js';
import { sendFile } from '../../../uploader/pipeline/commit/send-file.js';
import { Inventory } from '../../../uploader/pipeline/inventory/inventory.js';
import { type JournalWriter, openJournalWriter } from '../../../uploader/pipeline/journal/journal-writer.js';
import { toStatePathsIn } from '../../../uploader/pipeline/journal/state-directory.js';
import type { SyncEvent } from '../../../uploader/pipeline/report/progress.js';
import { noObserver, type StoredFile } from '../../../uploader/pipeline/report/run-observer.js';
import { BufferPool } from '../../../uploader/pipeline/source/buffer-pool.js';
import type { Store } from '../../../uploader/store/base/store.js';
import type { StoredBytes } from '../../simulation/bucket.js';
import { createTempDir } from '../../support/temp-dir.js';
import { MemoryStore } from './memory-store.js';
import { RUN } from './run-tree.js';

const OWNER = { rootKey: 'root', hostId: 'host' };

/** An uploader of one file: everything that a commit needs, and a new process for each `restart`. */
export class Uploader {
  readonly store = new MemoryStore();
  /** A store to use instead, and its objects. */
  other:
    | { readonly engine: Store; readonly objects: ReadonlyMap<string, Pick<StoredBytes, 'bytes' | 'etag'>> }
    | undefined;
  readonly path: string;
  readonly key: string;
  readonly events: SyncEvent[] = [];
  readonly stored: StoredFile[] = [];
  readonly #root = createTempDir();
  #state = createTempDir();
  /** What the clocks are ahead of the host's. */
  aheadMs = 0;
  fileSystem = nodeIo.fileSystem;
  /** Why the object may not be replaced, because local files of the run were deleted. */
  findDeleted: CommitContext['findDeleted'] = async () => null;
  isLive = true;
  takesOver = false;
  isWatching = true;
  signal: AbortSignal | undefined;
  inventory!: Inventory;
  #journalWriter: JournalWriter | undefined;

  constructor(readonly relPath: string) {
    this.path = join(this.#root, relPath);
    this.key = toKey(RUN, relPath);
    mkdirSync(dirname(this.path), { recursive: true });
  }

  get clock() {
    return {
      wallTime: () => systemClock.wallTime() + this.aheadMs / 1000,
      monotonicMs: () => systemClock.monotonicMs() + this.aheadMs,
      sleep: async (ms: number) => {
        this.aheadMs += ms;
      },
    };
  }

  /** Returns how many commits of earlier processes are open. */
  async start({ losesState = false, isAfterKill = false } = {}): Promise<number> {
    // A killed process writes nothing more.
    const before = this.#state;
    if (isAfterKill) {
      this.#state = createTempDir();
      cpSync(before, this.#state, { recursive: true });
    }
    await this.end();
    const inventory = new Inventory({ clock: this.clock });
    if (losesState) this.#state = createTempDir();
    const { journalWriter, replay } = await openJournalWriter({
      io: nodeIo,
      paths: toStatePathsIn(this.#state, 'root'),
      owner: OWNER,
      sink: inventory,
      live: () => inventory.live(),
      liveCount: () => inventory.table.count,
      onNotice: () => undefined,
    });
    inventory.onReplayed(replay);
    const run = { runUuid: RUN, directory: Buffer.from(this.#root), kind: 'named', filesAt: '' } as const;
    inventory.onRun(run);
    this.inventory = inventory;
    this.#journalWriter = journalWriter;
    this.list();
    return replay.openIntents.length;
  }

  list(): void {
    const { inventory } = this;
    const { objects } = this.other ?? this.store;
    const known = inventory.findRun(RUN)!;
    inventory.beginListing(known);
    for (const [key, { bytes, etag }] of objects) inventory.onListed(key, { etag, sizeBytes: bytes.length });
    inventory.endListing(known);
  }

  /** The lines of the journal on disk. */
  journal(): string {
    const files = readdirSync(this.#state, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('journal'),
    );
    return files.map((name) => readFileSync(join(this.#state, name), 'utf8')).join('');
  }

  async end(): Promise<void> {
    await this.#journalWriter?.close();
  }

  async send(): Promise<SendOutcome> {
    const { inventory, clock } = this;
    const store = this.other?.engine ?? this.store;
    const io = { ...nodeIo, clock, fileSystem: this.fileSystem };
    const id = inventory.idOf(this.key);
    const { randomness } = io;
    return sendFile(
      id,
      {
        ...{ io, store, inventory, journalWriter: this.#journalWriter! },
        observer: { ...noObserver, onStored: (file) => this.stored.push(file) },
        retryPolicy: new RetryPolicy({ clock, randomness, retryTimeoutMs: 600_000 }),
        pool: new BufferPool(1),
        bandwidth: new RateLimit(clock),
        findProblem: () => null,
        findDeleted: (each) => this.findDeleted(each),
        openPolicy: () => ({ allowHardLinks: true }),
        isWatching: this.isWatching,
        takesOver: this.takesOver,
        isLive: () => this.isLive,
        quietMs: (each) => inventory.quietMs(each),
        damage: new Map(),
        onEvent: (event) => this.events.push(event),
      },
      this.signal,
    );
  }

  /** The object and the segments that follow it. */
  content(): Buffer {
    const { objects } = this.store;
    const object = objects.get(this.key);
    if (object === undefined) return Buffer.alloc(0);
    const segments = [...objects].flatMap(([key, { bytes, etag }]) => {
      const place = key.startsWith(`${RUN}/.plx/seg/`) ? parseSegmentKey(RUN, key) : null;
      return place === null ? [] : [{ ...place, object: { key, etag, sizeBytes: bytes.length } }];
    });
    const generation = object.commitId === 'other' ? null : object.generation;
    const joined = joinSegments(segments, object.bytes.length, generation);
    return Buffer.concat([
      object.bytes,
      ...joined.map(({ object: { key }, skip }) => objects.get(key)!.bytes.subarray(skip)),
    ]);
  }

  /** What the store has or had of the file, in all places. */
  versions(): Buffer[] {
    const prefix = `${RUN}/.plx/gen/${this.relPath}/`;
    const kept = [...this.store.objects].filter(([key]) => key.startsWith(prefix));
    return [this.content(), ...kept.map(([, { bytes }]) => bytes)];
  }
}
