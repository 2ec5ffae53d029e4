/**
 * The scanner finds runs and their files by polling the tree; file-watcher events only change the order.
 *
 * Files that changed within the last minute: every 1 s, by opening them, because a network file system may cache an lstat for a minute.
 * Their directories: every 2 s. Directories that changed within 10 minutes: every 10 s. Timestamps of directories outside of runs, where
 * new runs appear: every 1 s. All others: in rounds of at most a minute, or less if that costs only a few hundredths of a core. In complete
 * runs, one round a minute, or more if they are few, only checks the timestamps of directories, which show new and replaced files; files that
 * grow there are found within 10 min.
 *
 * It never follows a symlink, and reads only run files and ignore files. If a directory is replaced by a link during a visit, it may see
 * names from outside; the reader checks every opened file and rejects them. Deep trees use memory, not stack.
 *
 * Long because all rates share one budget.
 */

import type { Clock } from '../../../src/base/clock.js';
import type { FileError } from '../../base/errors.js';
import type { FileWatcher } from '../../base/io/file-watcher.js';
import type { FileId } from '../inventory/file-table.js';
import { DirectoryNode, type ScanProblem, type SkippedPath } from './directory-node.js';
import { DirectoryScan, notRuns, type VisitOptions } from './directory-scan.js';
import { emptyLogs, type LogPlace, toLogPlace } from './log-place.js';

const HOT_INTERVAL_MS = 1_000;
const HOT_FOR_MS = 60_000;
/** Limit of files that are checked by opening them; others are checked when their directory is visited. */
const MAX_HOT_FILES = 256;
/** Directories of such files are visited most recent first: at least the minimum, and more within this share of the time. */
const HOT_DIRECTORY_INTERVAL_MS = 2_000;
const HOT_SHARE = 0.1;
const MIN_HOT_DIRECTORIES = 32;
/** Weight of the last visit in the average duration; low, because other work may have delayed it. */
const VISIT_WEIGHT = 0.3;
const MAX_HOT_ENTRIES = 1_000;
/** Directories outside of runs, where new entries are mostly runs, are checked by their timestamps. */
const OUTER_INTERVAL_MS = 1_000;
const MAX_OUTER = 256;
/** Above this, they are visited once a minute while their timestamps stay the same. */
const MAX_OUTER_ENTRIES = 256;
const WARM_INTERVAL_MS = 10_000;
const WARM_FOR_MS = 600_000;
/** Limit of entries in all warm directories of one round; others wait for the round through all directories. */
const MAX_WARM_ENTRIES = 10_000;
/** Limits of the duration of a round through all directories. The minimum keeps the total delay of a rare change below 15 s. */
const COLD_INTERVAL_MS = { min: 11_000, max: 60_000 };
/** Share of the time for scanning unchanged directories; on a busy machine, most of that is waiting. */
const COLD_SHARE = 0.12;
/** Directories of complete runs are visited after this fraction of the time since their last change, and when their own timestamps change. */
const REST_RATIO = 0.5;
const REST_INTERVAL_MS = { min: 300_000, max: 600_000 };
/** Limits of the rate and the interval at which their timestamps are checked, in a whole round each time. */
const REST_CHECKS_PER_MS = 0.15;
const REST_CHECK_INTERVAL_MS = 60_000;
/** Interval for runs of other uploaders, so that their files are known if a run is reassigned. */
const ELSEWHERE_INTERVAL_MS = 60_000;
/** Minimum interval between visits of a directory that are caused by file-watcher events. */
const HINT_SPACING_MS = 250;
const MAX_WATCHED = 256;
/** Maximum time per call for work that is not urgent. */
const SLICE_MS = 50;

export interface ScannerOptions extends Omit<VisitOptions, 'onHot'> {
  readonly fileWatcher?: FileWatcher | undefined;
  /** Returns whether this uploader works on a run, by its number. Runs of other uploaders are scanned once a minute. Default: all. */
  readonly isFollowed?: ((run: number) => boolean) | undefined;
  /** Returns whether a run is complete, so that changes are unlikely. Default: none. */
  readonly isAtRest?: ((run: number) => boolean) | undefined;
}

interface HotFile {
  readonly node: DirectoryNode;
  readonly name: Buffer;
  changedMs: number;
}

export class Scanner {
  readonly #options: ScannerOptions;
  readonly #clock: Clock;
  readonly #visit: DirectoryScan;
  readonly #root: DirectoryNode;
  /** All known directories; deleted ones are removed at the next round. */
  #nodes: DirectoryNode[] = [];
  #cursor = 0;
  /** Directories to visit next: new ones, and those with a file-watcher event. */
  readonly #urgent = new Set<DirectoryNode>();
  readonly #warm = new Set<DirectoryNode>();
  readonly #storedElsewhere = new Set<DirectoryNode>();
  readonly #hot = new Map<FileId, HotFile>();
  /** Directories outside of runs with their last timestamps; from the root down, up to `MAX_OUTER`. */
  readonly #outer = new Map<DirectoryNode, bigint | undefined>();
  #lastOuterMs = Number.NEGATIVE_INFINITY;
  /** Watched directories by path, least recently changed first. */
  readonly #watched = new Map<string, DirectoryNode>();
  #lastHotMs = Number.NEGATIVE_INFINITY;
  #coldIntervalMs = COLD_INTERVAL_MS.min;
  #coldCostMs = 0;
  #lastColdMs: number;
  /** Whether this round checks the timestamps of directories of complete runs, and how many it has met. */
  #checksResting = true;
  #restingCount = 0;
  #lastRestingMs: number;

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#visit = new DirectoryScan({
      ...options,
      onHot: (id, node, name) => this.#heat(id, node, name),
    });
    const nowMs = this.#clock.monotonicMs();
    this.#root = new DirectoryNode(options.root, null, '', { home: null, rules: options.rules, nowMs });
    this.#addNode(this.#root);
    this.#lastColdMs = nowMs;
    this.#lastRestingMs = nowMs;
  }

  /** Number of known directories. */
  get directoryCount(): number {
    return this.#nodes.length;
  }

  /** Excluded paths, sorted. */
  get skipped(): SkippedPath[] {
    const skipped = this.#nodes.flatMap((node) =>
      node.isGone ? [] : [...node.skipped, ...notRuns(node), ...emptyLogs(node)],
    );
    return skipped.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** What each log directory of a third-party writer is, sorted. */
  get layout(): LogPlace[] {
    const places = this.#nodes.flatMap((node) => toLogPlace(node) ?? []);
    return places.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Returns the log directories that were stored in another run than they would be in now, since the last call. */
  takeStoredElsewhere(): { readonly kept: readonly string[]; readonly replaced: readonly string[] } {
    const take = (state: DirectoryNode['storedElsewhere']): string[] =>
      [...this.#storedElsewhere]
        .filter(({ storedElsewhere }) => storedElsewhere === state)
        .map(({ rootPath }) => rootPath || '.')
        .sort();
    const taken = { kept: take('kept'), replaced: take('replaced') };
    this.#storedElsewhere.clear();
    return taken;
  }

  /** Paths that could not be scanned or cannot be stored. With any of them, a sync is not complete. */
  get problems(): ScanProblem[] {
    const problems: ScanProblem[] = [];
    // The status asks every two seconds, and there is nearly never a problem.
    for (const node of this.#nodes) {
      if (node.problems.length === 0 || node.isGone) continue;
      for (const error of node.problems) problems.push({ error, run: node.home?.run });
    }
    return problems;
  }

  /** The problems of one run, without a search through all directories. */
  problemsOf(runUuid: string): Iterable<FileError> {
    return this.#visit.problemsOf(runUuid);
  }

  /** Whether every directory that is known has been visited. */
  get hasSeenAll(): boolean {
    return this.#nodes.every(
      (node) => node.isGone || node.visitCount > 0 || (node === this.#root && this.#isRootAway),
    );
  }

  get #isRootAway(): boolean {
    return this.#options.rootWatch.unavailableReason !== null;
  }

  /** Visits every directory once, including new ones. Stops early when the signal is aborted. */
  async scanAll(signal?: AbortSignal): Promise<void> {
    if (!(await this.#options.rootWatch.isThere())) return;
    for (const node of this.#nodes) this.#urgent.add(node);
    await this.#visitUrgent(signal);
    if (this.#options.adoptAfterMs === 0) await this.#settle(signal);
  }

  /** Decides what log directories without events are, from the innermost out: nothing more will be found. */
  async #settle(signal?: AbortSignal): Promise<void> {
    for (const node of [...this.#nodes].reverse()) {
      if (node.isGone || node.layout?.kind !== 'undecided') continue;
      node.isFinal = true;
      this.#urgent.add(node);
      await this.#visitUrgent(signal, { isSpaced: false });
    }
  }

  /** Scans everything that is scheduled by now. Call it a few times a second. */
  async scanDue(signal?: AbortSignal): Promise<void> {
    if (this.#options.rootWatch.unavailableReason !== null && !(await this.#options.rootWatch.isThere()))
      return;
    this.#awaitRoot();
    await this.#checkOuter();
    await this.#visitUrgent(signal);
    await this.#checkHot(signal);
    await this.#visitWarm(signal);
    await this.#visitCold(signal);
    if (this.#options.adoptAfterMs === 0) await this.#settle(signal);
  }

  /** Scans everything that has changed recently, for the last sync before shutdown. */
  async scanLate(signal?: AbortSignal): Promise<void> {
    if (!(await this.#options.rootWatch.isThere())) return;
    for (const node of this.#warm) this.#urgent.add(node);
    this.#lastHotMs = Number.NEGATIVE_INFINITY;
    await this.#visitUrgent(signal, { isSpaced: false });
    await this.#checkHot(signal);
  }

  /** Schedules all directories of the given runs for the next call. */
  revisit(runs: ReadonlySet<number>): void {
    for (const node of this.#nodes)
      if (node.home !== null && runs.has(node.home.run) && !node.isGone) this.#urgent.add(node);
  }

  /** Returns true while directories of a run are scheduled. */
  isVisiting(run: number): boolean {
    return [...this.#urgent].some((node) => node.home?.run === run && !node.isGone);
  }

  /** Gives the log directory of a run a separate uuid, because the run is another experiment; it is found by the next call. */
  rehome(run: number): void {
    for (const node of this.#nodes) {
      if (node.isGone || node.home?.run !== run || node.home.node !== node) continue;
      this.#visit.rehome(node);
      node.lastVisitMs = Number.NEGATIVE_INFINITY;
      this.#urgent.add(node);
    }
  }

  /** Handles a file-watcher event: schedules the directory. */
  hint(path: string): void {
    const node = this.#watched.get(path);
    if (node !== undefined && !node.isGone) this.#urgent.add(node);
  }

  async #visitUrgent(signal?: AbortSignal, { isSpaced } = { isSpaced: true }): Promise<void> {
    for (const node of this.#urgent) {
      if (signal?.aborted || this.#isRootAway) return;
      const isFresh = node.lastVisitMs === Number.NEGATIVE_INFINITY;
      if (isSpaced && !isFresh && this.#clock.monotonicMs() - node.lastVisitMs < HINT_SPACING_MS) continue;
      this.#urgent.delete(node);
      await this.#visitNode(node);
    }
  }

  async #visitWarm(signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const due: DirectoryNode[] = [];
    let entriesBefore = 0;
    let hotMs = 0;
    for (const [index, node] of [...this.#warm].reverse().entries()) {
      const isHot =
        (index < MIN_HOT_DIRECTORIES || hotMs <= HOT_SHARE * HOT_DIRECTORY_INTERVAL_MS) &&
        nowMs - node.changedMs <= HOT_FOR_MS &&
        node.entryCount <= MAX_HOT_ENTRIES;
      const intervalMs = isHot ? HOT_DIRECTORY_INTERVAL_MS : WARM_INTERVAL_MS;
      const isDue = nowMs - node.lastVisitMs >= intervalMs && entriesBefore < MAX_WARM_ENTRIES;
      entriesBefore += node.entryCount;
      hotMs += node.visitMs;
      const warmForMs = this.#isAtRest(node) || this.#isLargeOuter(node) ? HOT_FOR_MS : WARM_FOR_MS;
      if (!this.#isFollowed(node) || nowMs - node.changedMs > warmForMs) this.#warm.delete(node);
      else if (isDue) due.push(node);
    }
    // Visit parents before their children, so that a parent is recognised as a run first.
    for (const node of due.reverse()) {
      if (signal?.aborted) return;
      await this.#visitNode(node);
    }
  }

  /** Schedules an empty or missing root every second, which costs next to nothing. */
  #awaitRoot(): void {
    const ageMs = this.#clock.monotonicMs() - this.#root.lastVisitMs;
    if (this.#root.entryCount === 0 && ageMs >= HOT_INTERVAL_MS) this.#urgent.add(this.#root);
  }

  /** Checks timestamps of directories outside of runs: they change when an entry is added, even after months. */
  async #checkOuter(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastOuterMs < OUTER_INTERVAL_MS) return;
    this.#lastOuterMs = nowMs;
    for (const node of this.#outer.keys()) if (node.isGone || node.home !== null) this.#outer.delete(node);
    const nodes = [...this.#outer.keys()];
    const stats = await this.#options.fileSystem.lstatAll(nodes.map(({ path }) => path));
    for (const [index, node] of nodes.entries()) {
      const stat = stats[index];
      if (stat === undefined || stat instanceof Error || stat.mtimeNs === this.#outer.get(node)) continue;
      this.#outer.set(node, stat.mtimeNs);
      this.#urgent.add(node);
    }
  }

  /** Continues the round through all directories, as far as its schedule requires by now. */
  async #visitCold(signal?: AbortSignal): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    const share = (startMs - this.#lastColdMs) / this.#coldIntervalMs;
    const count = Math.floor(share * this.#nodes.length);
    if (count === 0) return;
    this.#lastColdMs = startMs;
    const resting: DirectoryNode[] = [];
    for (let done = 0; done < Math.min(count, this.#nodes.length); done += 1) {
      if (signal?.aborted) return;
      if (this.#cursor >= this.#nodes.length) this.#beginRound();
      const node = this.#nodes[this.#cursor];
      this.#cursor += 1;
      if (node === undefined || node.isGone) continue;
      const beganMs = this.#clock.monotonicMs();
      if (beganMs - node.lastVisitMs < this.#toColdIntervalMs(node, beganMs)) {
        if (!this.#isAtRest(node)) continue;
        this.#restingCount += 1;
        if (this.#checksResting) resting.push(node);
        continue;
      }
      await this.#visitNode(node);
      this.#coldCostMs += this.#clock.monotonicMs() - beganMs;
      // A slow disk or other work has delayed the round: let it take longer, and give the next one more time.
      if (beganMs - startMs > SLICE_MS) break;
    }
    await this.#checkResting(resting);
  }

  #toColdIntervalMs(node: DirectoryNode, nowMs: number): number {
    if (!this.#isFollowed(node)) return ELSEWHERE_INTERVAL_MS;
    if (this.#isLargeOuter(node)) return COLD_INTERVAL_MS.max;
    if (!this.#isAtRest(node)) return this.#coldIntervalMs / 4;
    const { min, max } = REST_INTERVAL_MS;
    return Math.max(min, Math.min(max, REST_RATIO * (nowMs - node.changedMs)));
  }

  /** Schedules directories of complete runs whose timestamps have changed: an entry was added, replaced or removed. */
  async #checkResting(nodes: readonly DirectoryNode[]): Promise<void> {
    if (nodes.length === 0) return;
    const stats = await this.#options.fileSystem.lstatAll(nodes.map(({ path }) => path));
    for (const [index, node] of nodes.entries()) {
      const stat = stats[index]!;
      const stamp = stat instanceof Error ? 0 : Number(stat.mtimeNs & 0xffffffffn);
      if (node.restStamp !== undefined && node.restStamp !== stamp) this.#urgent.add(node);
      node.restStamp = stamp;
    }
  }

  #beginRound(): void {
    this.#nodes = this.#nodes.filter((node) => !node.isGone);
    this.#cursor = 0;
    const { min, max } = COLD_INTERVAL_MS;
    this.#coldIntervalMs = Math.max(min, Math.min(max, this.#coldCostMs / COLD_SHARE));
    this.#coldCostMs = 0;
    const nowMs = this.#clock.monotonicMs();
    const restingMs = nowMs - this.#lastRestingMs;
    this.#checksResting =
      restingMs >= this.#restingCount / REST_CHECKS_PER_MS ||
      restingMs + this.#coldIntervalMs > REST_CHECK_INTERVAL_MS;
    this.#restingCount = 0;
    if (this.#checksResting) this.#lastRestingMs = nowMs;
  }

  async #checkHot(signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastHotMs < HOT_INTERVAL_MS) return;
    this.#lastHotMs = nowMs;
    for (const [id, file] of this.#hot) {
      if (signal?.aborted) return;
      if (!this.#isFollowed(file.node) || nowMs - file.changedMs > HOT_FOR_MS) this.#hot.delete(id);
      else if (!(await this.#visit.checkFile(file.node, file.name))) this.#urgent.add(file.node);
    }
  }

  async #visitNode(node: DirectoryNode): Promise<void> {
    if (node.isGone) return;
    const nowMs = this.#clock.monotonicMs();
    node.lastVisitMs = nowMs;
    const hadLayout = node.layout !== null;
    const { isChanged, added, again = [] } = await this.#visit.visit(node);
    if (!hadLayout && node.storedElsewhere !== null) this.#storedElsewhere.add(node);
    node.visitMs += VISIT_WEIGHT * (this.#clock.monotonicMs() - nowMs - node.visitMs);
    if (node === this.#root && this.#isRootAway) this.#urgent.add(node);
    for (const child of added) this.#addNode(child);
    for (const known of again) {
      known.lastVisitMs = Number.NEGATIVE_INFINITY;
      this.#urgent.add(known);
    }
    if (node.isGone) return;
    const isOuter = node.home === null && !node.isBarred;
    if (isOuter && !this.#outer.has(node) && this.#outer.size < MAX_OUTER) this.#outer.set(node, undefined);
    if (isChanged) {
      node.isYoung = false;
      node.changedMs = nowMs;
    }
    if (!this.#isFollowed(node)) return;
    // Watch directories without changes too, up to the limit.
    if (isChanged || (node.visitCount === 1 && this.#watched.size < MAX_WATCHED)) this.#watch(node);
    if (!isChanged) return;
    this.#warm.delete(node);
    this.#warm.add(node);
  }

  #isAtRest({ home }: DirectoryNode): boolean {
    return home !== null && (this.#options.isAtRest?.(home.run) ?? false);
  }

  #isLargeOuter(node: DirectoryNode): boolean {
    return node.entryCount > MAX_OUTER_ENTRIES && this.#outer.has(node) && node.log === null;
  }

  #isFollowed({ home, isGone }: DirectoryNode): boolean {
    return !isGone && (home === null || (this.#options.isFollowed?.(home.run) ?? true));
  }

  #addNode(node: DirectoryNode): void {
    this.#nodes.push(node);
    this.#urgent.add(node);
  }

  #heat(id: FileId, node: DirectoryNode, name: Buffer): void {
    if (!this.#isFollowed(node)) return;
    this.#hot.delete(id);
    this.#hot.set(id, { node, name, changedMs: this.#clock.monotonicMs() });
    const [coldest] = this.#hot.keys();
    if (this.#hot.size > MAX_HOT_FILES && coldest !== undefined) this.#hot.delete(coldest);
  }

  /** Watches a directory that has changed. If more than `MAX_WATCHED` change, those that are watched already stay watched. */
  #watch(node: DirectoryNode): void {
    const { fileWatcher } = this.#options;
    const path = node.path.toString('utf8');
    // The watcher accepts only text. Directories with other names are polled.
    if (fileWatcher === undefined || !Buffer.from(path).equals(node.path)) return;
    const isWatched = this.#watched.delete(path);
    if (!isWatched && !this.#makeRoom(fileWatcher)) return;
    if (!isWatched) fileWatcher.watch(path);
    this.#watched.set(path, node);
  }

  #makeRoom(fileWatcher: FileWatcher): boolean {
    const [stalest] = this.#watched;
    if (this.#watched.size < MAX_WATCHED || stalest === undefined) return true;
    const [path, node] = stalest;
    if (this.#isFollowed(node) && this.#clock.monotonicMs() - node.changedMs < HOT_FOR_MS) return false;
    this.#watched.delete(path);
    fileWatcher.unwatch(path);
    return true;
  }
}
