/** The runs below a local directory. Changes arrive by file watching; a list at intervals finds what it has missed. */

import { type FSWatcher, watch } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inBackground } from '../../src/base/background.js';
import type { Clock } from '../../src/base/clock.js';
import { messageOf } from '../../src/base/errors.js';
import { isEventFileName, isHiddenFileName } from '../../src/format/event-file-name.js';
import { openLocalEventFile } from '../../src/format/reader/event-file-bytes.js';
import { isAbsent } from '../base/io/system-error.js';
import type { RunTable } from './data-provider.js';
import { FollowedRuns, type FollowOptions, type FoundRun } from './followed-runs.js';
import type { ServedRun } from './model/served-run.js';

interface LocalRunsOptions extends FollowOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** How often to list all files, in seconds. 0: never after the first time. */
  readonly reloadSeconds: number;
  /** Returns the name under which a log directory is shown, from its path relative to the directory. Default: the path, as in TensorBoard. */
  readonly nameOf?: ((run: string) => Promise<string>) | undefined;
}

/** Without a call for this long, no client is connected any more. */
const IDLE_MS = 60_000;
/** Wait for the rest of a burst of changes of a directory. */
const LIST_DELAY_MS = 30;
/** A list may take long, so that the pause is a multiple of it. */
const PAUSE_PER_LIST = 10;
/** More directories are found by lists alone: watches of the system are limited. */
const MAX_WATCHES = 8192;

export class LocalRuns implements RunTable {
  readonly location: string;
  readonly #options: LocalRunsOptions;
  readonly #followed: FollowedRuns;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #versions = new Map<string, string>();
  /** Directories that could not be read, which are reported once. */
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
    const directories = new Set<string>();
    const found: FoundRun[] = [];
    await this.#walk(this.location, '.', new Set(), directories, found);
    if (this.#isClosed) return;
    this.#followed.update(found);
    const isWatchedNow = this.#watch(directories);
    this.#lastListMs = this.#options.clock.monotonicMs();
    this.#pauseMs = (this.#lastListMs - startMs) * PAUSE_PER_LIST;
    const { reloadSeconds } = this.#options;
    if (reloadSeconds === 0) return;
    // What has changed before the directories were watched is not reported.
    if (isWatchedNow) return this.#listAfter(LIST_DELAY_MS);
    const isIdle = this.#lastListMs - this.#lastCallMs > IDLE_MS;
    if (!isIdle) this.#listAfter(reloadSeconds * 1000);
  }

  /** As `listEventFiles`, with the directories that can get new files. Directories beside each other are listed at the same time. */
  async #walk(
    directory: string,
    run: string,
    seen: Set<string>,
    directories: Set<string>,
    found: FoundRun[],
    listing = this.#listDirectory(directory),
  ): Promise<void> {
    const { real, children, eventFiles } = await listing;
    if (seen.has(real)) return;
    seen.add(real);
    directories.add(directory);
    const files = eventFiles.map(({ name, version }) => {
      const location = join(directory, name);
      const isChanged = this.#versions.get(location) !== version;
      this.#versions.set(location, version);
      return { name, location, isChanged, open: () => openLocalEventFile(location) };
    });
    if (files.length > 0) found.push({ name: (await this.#options.nameOf?.(run)) ?? run, files });
    const begun = children.map((name) => ({ name, listing: this.#listDirectory(join(directory, name)) }));
    for (const { name, listing: next } of begun)
      await this.#walk(
        join(directory, name),
        run === '.' ? name : `${run}/${name}`,
        seen,
        directories,
        found,
        next,
      );
  }

  /** Reports a directory that cannot be read once. */
  #listDirectory(directory: string): Promise<Listing> {
    return listDirectory(directory, (path, error) => {
      if (this.#unreadable.has(path)) return;
      this.#unreadable.add(path);
      this.#options.onProblem(`${path} cannot be read: ${messageOf(error)}`);
    });
  }

  /** Returns whether a directory was not watched before. */
  #watch(directories: ReadonlySet<string>): boolean {
    let isNew = false;
    if (this.#options.reloadSeconds === 0) return isNew;
    for (const [directory, watcher] of this.#watchers) {
      if (directories.has(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const directory of directories) {
      if (this.#watchers.has(directory) || this.#watchers.size >= MAX_WATCHES) continue;
      try {
        const watcher = watch(directory, (kind, name) => {
          const isKnown = name !== null && this.#followed.change(join(directory, name));
          if (!isKnown || kind === 'rename') this.#listAfter(LIST_DELAY_MS);
        });
        watcher.on('error', () => watcher.close());
        this.#watchers.set(directory, watcher);
        isNew = true;
      } catch {
        // No watch is left. Lists find the changes.
        break;
      }
    }
    return isNew;
  }
}

interface Listing {
  readonly real: string;
  /** In the order of their names. */
  readonly children: readonly string[];
  readonly eventFiles: readonly { readonly name: string; readonly version: string }[];
}

/** Without what disappears meanwhile, and links whose target does not exist. Calls `onUnreadable` for a directory that cannot be read. */
async function listDirectory(
  directory: string,
  onUnreadable: (directory: string, error: unknown) => void,
): Promise<Listing> {
  const [entries, real] = await Promise.all([
    readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
      if (!isAbsent(error)) onUnreadable(directory, error);
      return [];
    }),
    realpath(directory).catch(() => directory),
  ]);
  const children: string[] = [];
  const eventFiles: { name: string; version: string }[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    const isEventFile = isEventFileName(name) && !isHiddenFileName(name);
    if (entry.isDirectory()) children.push(name);
    else if (entry.isSymbolicLink() || (entry.isFile() && isEventFile)) {
      const target = await stat(join(directory, name)).catch(() => undefined);
      if (target?.isDirectory()) children.push(name);
      else if (target?.isFile() && isEventFile)
        eventFiles.push({ name, version: `${target.ino} ${target.size} ${target.mtimeMs}` });
    }
  }
  return { real, children, eventFiles };
}
