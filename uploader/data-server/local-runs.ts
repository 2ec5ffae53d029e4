/** The runs below a local directory. Changes arrive by file watching; a list at intervals finds what it has missed. */

import { closeSync, type FSWatcher, fstatSync, open, read, watch } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inBackground } from '../../src/base/background.js';
import type { Clock } from '../../src/base/clock.js';
import { messageOf } from '../../src/base/errors.js';
import { isEventFileName, isHiddenFileName } from '../../src/format/event-file-name.js';
import type { EventFileBytes } from '../../src/format/reader/event-file-bytes.js';
import { isAbsent } from '../base/io/system-error.js';
import type { RunTable } from './data-provider.js';
import { FollowedRuns, type FollowOptions, type FoundRun } from './followed-runs.js';
import type { ServedRun } from './model/served-run.js';

interface LocalRunsOptions extends FollowOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** How often to list all files, in seconds. 0: never after the first time. */
  readonly reloadSeconds: number;
  /** Returns the name under which a log directory is shown, from its path below the served directory, and that without links. Default: the path. */
  readonly nameOf?: ((run: string, real: string) => Promise<string>) | undefined;
}

/** Without a call for this long, no client is connected any more. */
const IDLE_MS = 60_000;
/** Wait for the rest of a burst of changes of a directory. */
const LIST_DELAY_MS = 30;
/** A list may take long, so that the pause is a multiple of it. */
const PAUSE_PER_LIST = 10;
const EMBEDDINGS = new Set(['projector_config.pbtxt', 'plugins']);
/** More directories are found by lists alone: watches of the system are limited. */
const MAX_WATCHES = 8192;

export class LocalRuns implements RunTable {
  readonly location: string;
  readonly #options: LocalRunsOptions;
  readonly #followed: FollowedRuns;
  readonly #watchers = new Map<string, FSWatcher>();
  #maxWatches = MAX_WATCHES;
  readonly #versions = new Map<string, string>();
  /** What could not be read, which is reported once. */
  readonly #unreadable = new Set<string>();
  #listing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #lastCallMs = Number.NEGATIVE_INFINITY;
  #lastListMs = 0;
  #pauseMs = 0;
  #isClosed = false;

  constructor(location: string, options: LocalRunsOptions) {
    this.location = location;
    this.#options = options;
    this.#followed = new FollowedRuns(options);
  }

  get runs(): readonly ServedRun[] {
    return this.#followed.runs;
  }

  /** Begins to read. */
  start(): void {
    this.#startList();
  }

  async refresh(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    const wasIdle = now - this.#lastCallMs > IDLE_MS;
    this.#lastCallMs = now;
    const { reloadSeconds } = this.#options;
    if (wasIdle && reloadSeconds > 0 && now - this.#lastListMs > reloadSeconds * 1000) this.#listAfter(0);
  }

  /** Resolves when all that the last list has found is read. */
  async settle(): Promise<void> {
    await this.#listing;
    await this.#followed.settle();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    await this.#listing;
    await this.#followed.close();
  }

  #listAfter(delayMs: number): void {
    if (this.#isClosed) return;
    const earliest = this.#lastListMs === 0 ? 0 : this.#lastListMs + this.#pauseMs;
    const dueMs = Math.max(this.#options.clock.monotonicMs() + delayMs, earliest);
    if (dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      if (this.#listing !== undefined) return this.#listAfter(LIST_DELAY_MS);
      this.#startList();
    }, dueMs - this.#options.clock.monotonicMs());
  }

  #startList(): void {
    this.#listing = this.#list().finally(() => {
      this.#listing = undefined;
    });
    inBackground(this.#listing, (error) => this.#options.onProblem(String(error)));
  }

  async #list(): Promise<void> {
    const startMs = this.#options.clock.monotonicMs();
    const listed = new Set<string>();
    const found: FoundRun[] = [];
    const root = this.#listDirectory(this.location);
    const real = await realpath(this.location).catch(() => this.location);
    await this.#walk({ directory: this.location, run: '.', real, listing: root }, new Set(), listed, found);
    for (const [directory, watcher] of this.#watchers) {
      if (listed.has(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    if (this.#isClosed) return;
    this.#followed.update(found);
    this.#lastListMs = this.#options.clock.monotonicMs();
    this.#pauseMs = (this.#lastListMs - startMs) * PAUSE_PER_LIST;
    const { reloadSeconds } = this.#options;
    const isIdle = this.#lastListMs - this.#lastCallMs > IDLE_MS;
    if (reloadSeconds > 0 && !isIdle) this.#listAfter(reloadSeconds * 1000);
  }

  /** As `listEventFiles`. Directories beside each other are listed at the same time. Adds to `listed` the directories that can get new files. */
  async #walk(
    { directory, run, real, listing }: Place,
    seen: Set<string>,
    listed: Set<string>,
    found: FoundRun[],
  ): Promise<void> {
    if (seen.has(real)) return;
    seen.add(real);
    listed.add(directory);
    const { children, eventFiles, hasEmbeddings } = await listing;
    const files = eventFiles.map(({ name, version }) => {
      const location = join(directory, name);
      const isChanged = this.#versions.get(location) !== version;
      this.#versions.set(location, version);
      return { name, location, isChanged, open: () => openFile(location) };
    });
    if (files.length > 0) {
      found.push({ name: hasEmbeddings ? run : await this.#nameOf(run, real), files });
    }
    const places = children.map(({ name, isLink }) => {
      const path = join(directory, name);
      return {
        directory: path,
        run: run === '.' ? name : `${run}/${name}`,
        real: isLink ? realpath(path).catch(() => path) : join(real, name),
        listing: this.#listDirectory(path),
      };
    });
    for (const place of places) await this.#walk({ ...place, real: await place.real }, seen, listed, found);
  }

  /** Watches the directory first, so that no change after the list is missed. */
  #listDirectory(directory: string): Promise<Listing> {
    this.#watch(directory);
    return listDirectory(directory, (path, error) => this.#report(path, error));
  }

  async #nameOf(run: string, real: string): Promise<string> {
    try {
      return (await this.#options.nameOf?.(run, real)) ?? run;
    } catch (error) {
      this.#report(`the status of ${run}`, error);
      return run;
    }
  }

  /** Reports once what cannot be read. */
  #report(what: string, error: unknown): void {
    if (this.#unreadable.has(what)) return;
    this.#unreadable.add(what);
    this.#options.onProblem(`${what} cannot be read: ${messageOf(error)}`);
  }

  #watch(directory: string): void {
    if (this.#options.reloadSeconds === 0 || this.#isClosed) return;
    if (this.#watchers.has(directory) || this.#watchers.size >= this.#maxWatches) return;
    try {
      const watcher = watch(directory, (kind, name) => {
        const isKnown = name !== null && this.#followed.change(join(directory, name));
        if (!isKnown || kind === 'rename') this.#listAfter(LIST_DELAY_MS);
      });
      watcher.on('error', () => watcher.close());
      this.#watchers.set(directory, watcher);
    } catch (error) {
      // No watch is left: lists find the changes. A directory that is gone or unreadable is no reason to stop watching.
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC' || code === 'EMFILE') this.#maxWatches = this.#watchers.size;
    }
  }
}

/** A directory that may have event files. */
interface Place {
  readonly directory: string;
  readonly run: string;
  /** Without links. */
  readonly real: string;
  readonly listing: Promise<Listing>;
}

interface Listing {
  /** Directories, in the order of their names. */
  readonly children: readonly { readonly name: string; readonly isLink: boolean }[];
  readonly eventFiles: readonly { readonly name: string; readonly version: string }[];
  /** Whether the embedding projector looks for files here. It joins the path of the served directory and the name of the run. */
  readonly hasEmbeddings: boolean;
}

/** Without what disappears meanwhile, and links whose target does not exist. Calls `onUnreadable` for a directory that cannot be read. */
async function listDirectory(
  directory: string,
  onUnreadable: (directory: string, error: unknown) => void,
): Promise<Listing> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if (!isAbsent(error)) onUnreadable(directory, error);
    return [];
  });
  const children: { name: string; isLink: boolean }[] = [];
  const eventFiles: { name: string; version: string }[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    const isLink = entry.isSymbolicLink();
    const isEventFile = isEventFileName(name) && !isHiddenFileName(name);
    if (entry.isDirectory()) children.push({ name, isLink });
    else if (isLink || (entry.isFile() && isEventFile)) {
      const target = await stat(join(directory, name)).catch(() => undefined);
      if (target?.isDirectory()) children.push({ name, isLink });
      else if (target?.isFile() && isEventFile)
        eventFiles.push({ name, version: `${target.ino} ${target.size} ${target.mtimeMs}` });
    }
  }
  const hasEmbeddings = entries.some(({ name }) => EMBEDDINGS.has(name));
  return { children, eventFiles, hasEmbeddings };
}

const openDescriptor = promisify(open);
const readDescriptor = promisify(read);

/**
 * As `openLocalEventFile`, but without a thread for the size and the close, which do not wait for the disk: with a thousand files of 200 kB, that is a
 * tenth of the time. The file is opened for each read, so no other file can have its name.
 */
async function openFile(path: string): Promise<EventFileBytes> {
  const descriptor = await openDescriptor(path, 'r');
  return {
    findSize: async () => fstatSync(descriptor).size,
    read: async (buffer, position) =>
      (await readDescriptor(descriptor, buffer, 0, buffer.length, position)).bytesRead,
    close: async () => closeSync(descriptor),
  };
}
