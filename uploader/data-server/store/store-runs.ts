/**
 * The runs of a store. A list of all objects, at most every 30 s, finds new files and replaced ones. Between lists, one conditional request for each
 * live file asks for new bytes. Without calls no request is sent. Reading never writes to the store.
 *
 * A run of polytrack is shown by name; event files elsewhere are shown by the path of their directory, as TensorBoard would.
 */

import { open, readFile } from 'node:fs/promises';
import { inBackground } from '../../../src/base/background.js';
import type { Clock } from '../../../src/base/clock.js';
import { messageOf } from '../../../src/base/errors.js';
import { isEventFileName, isHiddenFileName } from '../../../src/format/event-file-name.js';
import type { EventFileBytes } from '../../../src/format/reader/event-file-bytes.js';
import { RUN_FILE, RUN_UUID_PATTERN, TENSORBOARD_DIRECTORY } from '../../../src/run-directory/layout.js';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import { parseSegmentKey } from '../../base/segment-key.js';
import { joinSegments, type StoredSegment } from '../../pipeline/commit/segments.js';
import type { StoreAccess } from '../../pipeline/manifest/stored-run.js';
import type { ListedObject } from '../../store/base/store.js';
import type { RunTable } from '../data-provider.js';
import { FollowedRuns, type FollowOptions, type FoundFile, type FoundRun } from '../followed-runs.js';
import type { ServedRun } from '../model/served-run.js';
import { parseRunTitle, type RunTitle, toRunName } from '../run-name.js';
import type { ObjectCache } from './object-cache.js';

interface StoreRunsOptions extends FollowOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** The URL, for TensorBoard's page. */
  readonly location: string;
  /** Lists only keys with this prefix. */
  readonly prefix: string;
  readonly access: StoreAccess;
  readonly cache: ObjectCache;
  /** How often to ask for new bytes of a live file, in seconds. 0: never. Default: 1 s for one live file, up to 5 s for more. */
  readonly reloadSeconds?: number | undefined;
  readonly signal: AbortSignal;
}

/** A LIST costs as much as 12 GETs. */
const LIST_MS = 35_000;
const PROBE_MS = 1000;
const MAX_PROBE_MS = 5000;
/** Without a call for this long, no client is connected any more. */
const IDLE_MS = 60_000;
/** A file that has not changed for this long is no longer asked for between lists. */
const QUIET_MS = 600_000;
/** How long a call after a pause waits for what has changed meanwhile. */
const MAX_WAIT_MS = 2000;
const DOWNLOADS = 8;
const DONE = new Set(['succeeded', 'failed', 'stopped', 'skipped', 'upstream_failed']);

/** An event file: its object, and the segments behind it. */
interface StoredFile {
  readonly run: string;
  readonly object: ListedObject;
  segments: StoredSegment[];
}

export class StoreRuns implements RunTable {
  readonly location: string;
  readonly #options: StoreRunsOptions;
  readonly #followed: FollowedRuns;
  readonly #versions = new Map<string, string>();
  /** What the last list has found, by key. */
  #files: ReadonlyMap<string, StoredFile> = new Map();
  /** The keys of files that were read beyond their listed version. */
  readonly #probed = new Set<string>();
  /** When the file of a key was last seen to change. */
  readonly #live = new Map<string, number>();
  readonly #records = new Map<string, { readonly etag: string; readonly record: RunTitle }>();
  #working: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastCallMs: number;
  #lastListMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: StoreRunsOptions) {
    this.location = options.location;
    this.#options = options;
    this.#followed = new FollowedRuns(options);
    this.#lastCallMs = options.clock.monotonicMs();
  }

  get runs(): readonly ServedRun[] {
    return this.#followed.runs;
  }

  /** Begins to read. */
  start(): void {
    this.#work();
  }

  async refresh(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    const wasIdle = now - this.#lastCallMs > IDLE_MS;
    this.#lastCallMs = now;
    if (!wasIdle) return;
    this.#work();
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, MAX_WAIT_MS).unref());
    await Promise.race([this.settle(), timeout]);
  }

  /** Resolves when all that the last list has found is read. */
  async settle(): Promise<void> {
    await this.#working;
    await this.#followed.settle();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#working;
    await this.#followed.close();
  }

  #work(): void {
    if (this.#working !== undefined || this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#working = this.#update()
      .catch((error: unknown) => this.#options.onProblem(messageOf(error)))
      .finally(() => {
        this.#working = undefined;
        this.#schedule();
      });
    inBackground(this.#working);
  }

  #schedule(): void {
    const { clock, reloadSeconds } = this.#options;
    const now = clock.monotonicMs();
    if (this.#isClosed || reloadSeconds === 0 || now - this.#lastCallMs > IDLE_MS) return;
    const live = this.#live.size;
    const usualMs = Math.min(MAX_PROBE_MS, PROBE_MS * live);
    const probeMs = live === 0 ? LIST_MS : reloadSeconds === undefined ? usualMs : reloadSeconds * 1000;
    const untilList = Math.max(0, this.#lastListMs + LIST_MS - now);
    this.#timer = setTimeout(
      () => {
        if (clock.monotonicMs() - this.#lastCallMs <= IDLE_MS) this.#work();
      },
      Math.min(probeMs, untilList),
    );
  }

  async #update(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    if (now - this.#lastListMs >= LIST_MS) {
      this.#lastListMs = now;
      await this.#list(now);
    } else await this.#probe(now);
  }

  /** Asks for new bytes of the live files. */
  async #probe(now: number): Promise<void> {
    for (const [key, changedMs] of this.#live) if (now - changedMs > QUIET_MS) this.#live.delete(key);
    await inParallel([...this.#live.keys()], async (key) => {
      const result = await this.#options.cache.update(key, undefined);
      if (result !== 'changed') return;
      this.#live.set(key, now);
      this.#probed.add(key);
      this.#followed.change(key);
    });
  }

  async #list(now: number): Promise<void> {
    const { access, prefix, signal, cache } = this.#options;
    const files = new Map<string, StoredFile>();
    const segments: StoredSegment[] = [];
    const runFiles: ListedObject[] = [];
    const openList = (last: ListedObject | undefined) =>
      access.store.list(prefix, { after: last?.key, signal });
    for await (const object of access.retryPolicy.streamWithRetry<ListedObject>(
      'list the store',
      openList,
      signal,
    )) {
      const { key } = object;
      const uuid = key.slice(0, Math.max(0, key.indexOf('/')));
      const isRun = RUN_UUID_PATTERN.test(uuid);
      const path = isRun ? key.slice(uuid.length + 1) : key;
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (isRun && path.startsWith(`${RESERVED_DIRECTORY}/`)) {
        const place = path.startsWith(`${RESERVED_DIRECTORY}/seg/`) ? parseSegmentKey(uuid, key) : null;
        if (place !== null) segments.push({ ...place, path: `${uuid}/${place.path}`, object });
      } else if (isRun && path === RUN_FILE) runFiles.push(object);
      else if (isEventFileName(name) && !isHiddenFileName(name))
        files.set(key, { run: isRun ? uuid : '', object, segments: [] });
    }
    for (const segment of segments) files.get(segment.path)?.segments.push(segment);
    const shown = new Set(Array.from(files.values(), ({ run }) => run));
    await inParallel(
      runFiles.filter(({ key }) => shown.has(key.slice(0, key.indexOf('/')))),
      (object) => this.#readRecord(object),
    );
    this.#files = files;
    this.#probed.clear();
    const found = this.#toRuns(files, now);
    this.#followed.update(found);
    // The files are read one after the other; this fetches the next ones meanwhile.
    const changed = found.flatMap((run) => run.files).filter(({ isChanged }) => isChanged);
    inBackground(
      inParallel(changed, async ({ location }) => {
        await cache.update(location, files.get(location)!.object.etag);
      }),
      () => undefined,
    );
  }

  async #readRecord({ key, etag }: ListedObject): Promise<void> {
    const uuid = key.slice(0, key.indexOf('/'));
    if (this.#records.get(uuid)?.etag === etag) return;
    const { cache } = this.#options;
    await cache.update(key, etag);
    const record = parseRunTitle(await readFile(cache.pathOf(key), 'utf8').catch(() => ''));
    this.#records.set(uuid, { etag, record });
  }

  #toRuns(files: ReadonlyMap<string, StoredFile>, now: number): FoundRun[] {
    const byName = new Map<string, FoundFile[]>();
    const isFirst = this.#versions.size === 0;
    for (const [key, file] of files) {
      const { record } = this.#records.get(file.run) ?? {};
      const directory = key.slice(0, Math.max(0, key.lastIndexOf('/')));
      const name = file.run === '' ? directory || '.' : nameOf(file.run, record, directory);
      const pieces = [file.object, ...joinSegments(file.segments, file.object.sizeBytes, null)];
      const version = pieces.map((piece) => ('etag' in piece ? piece.etag : piece.object.etag)).join();
      const isChanged = this.#versions.get(key) !== version;
      this.#versions.set(key, version);
      const isRunning = record !== undefined && !DONE.has(record.status);
      if (isChanged && (isFirst ? isRunning : true)) this.#live.set(key, now);
      const list = byName.get(name) ?? [];
      list.push({
        name: key.slice(key.lastIndexOf('/') + 1),
        location: key,
        isChanged,
        open: () => this.#open(key),
      });
      byName.set(name, list);
    }
    for (const key of this.#live.keys()) if (!files.has(key)) this.#live.delete(key);
    return Array.from(byName, ([name, list]) => ({
      name,
      files: list.sort((a, b) => (a.name < b.name ? -1 : 1)),
    }));
  }

  /** Brings the copies of the file's objects up to date, and opens them. */
  async #open(key: string): Promise<EventFileBytes> {
    const { cache } = this.#options;
    const file = this.#files.get(key);
    if (file === undefined) throw new Error('the object no longer exists');
    const { object, segments } = file;
    if (!this.#probed.has(key)) await cache.update(key, object.etag);
    const own = await openCopy(cache, key, object.etag);
    const pieces = [{ handle: own.handle, start: 0, end: own.sizeBytes, skip: 0 }];
    for (const { object: segment, skip, end } of joinSegments(segments, own.sizeBytes, null)) {
      await cache.update(segment.key, segment.etag);
      const { handle } = await openCopy(cache, segment.key, segment.etag);
      pieces.push({ handle, start: pieces.at(-1)!.end, end, skip });
    }
    return {
      findSize: async () => pieces.at(-1)!.end,
      read: async (buffer, position) => {
        const piece = pieces.find(({ start, end }) => position >= start && position < end);
        if (piece === undefined) return 0;
        const length = Math.min(buffer.length, piece.end - position);
        return (await piece.handle.read(buffer, 0, length, position - piece.start + piece.skip)).bytesRead;
      },
      close: async () => {
        for (const { handle } of pieces) await handle.close();
      },
    };
  }
}

/** Reads the object again if its copy was deleted. */
async function openCopy(cache: ObjectCache, key: string, etag: string) {
  const path = cache.pathOf(key);
  const handle = await open(path).catch(async () => {
    await cache.update(key, etag);
    return open(path);
  });
  return { handle, sizeBytes: (await handle.stat()).size };
}

function nameOf(uuid: string, record: RunTitle | undefined, directory: string): string {
  const own = `${uuid}/${TENSORBOARD_DIRECTORY}`;
  const isBelow = directory === own || directory.startsWith(`${own}/`);
  const path = directory.slice((isBelow ? own : uuid).length + 1);
  return toRunName(uuid, record ?? { name: '', status: '' }, path);
}

async function inParallel<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: DOWNLOADS }, worker));
}
