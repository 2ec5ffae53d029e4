/**
 * The scanner: finds runs and their files, again and again, and tells what is there.
 *
 * Looking is the truth; hints of a file watcher only change the order. Files that changed within the last minute are looked at every second,
 * by opening them (a network file system answers an lstat from memory for up to a minute), and their directories every two seconds;
 * directories that changed lately every ten; where new runs turn up, the time stamps of the directories every second; all others in turn, so that everything has been seen within a minute at the latest, and earlier as long as that costs
 * a few hundredths of a core.
 *
 * Never follows a symbolic link, and reads no file but run files and ignore files. A directory that is replaced by a link during a visit can
 * make it see foreign names; the reader, which checks every file that it opened, keeps foreign bytes out. Deep trees cost memory, not stack.
 */

import type { Clock } from '../../../src/base/clock.js';
import type { HintSource } from '../../base/io/hints.js';
import type { FileId } from '../inventory/file-table.js';
import { DirectoryNode, type ScanProblem, type SkippedPath } from './directory-node.js';
import { DirectoryScan, notRuns, type VisitOptions } from './directory-scan.js';
import type { RootWatch } from './root-watch.js';

const HOT_INTERVAL_MS = 1_000;
const HOT_FOR_MS = 60_000;
/** Opened one after the other; more than these wait for the visit of their directory. */
const MAX_HOT_FILES = 256;
/** Directories of the same kind, the latest first: as many as this share of the time allows, and some in any case. */
const HOT_DIRECTORY_INTERVAL_MS = 2_000;
const HOT_SHARE = 0.1;
const MIN_HOT_DIRECTORIES = 32;
/** Of the last visit in the average: one that was held up by other work says little. */
const VISIT_WEIGHT = 0.3;
const MAX_HOT_ENTRIES = 1_000;
/** Directories outside of runs, by their time stamps: what is new in them is a run, mostly. */
const OUTER_INTERVAL_MS = 1_000;
const MAX_OUTER = 256;
const WARM_INTERVAL_MS = 10_000;
const WARM_FOR_MS = 600_000;
/** In all directories of that kind: after a hundred thousand new files, those that changed before wait for their turn. */
const MAX_WARM_ENTRIES = 10_000;
/** With the time that a change is waited for, the shorter one keeps what was quiet for long within 15 s. */
const COLD_INTERVAL_MS = { min: 11_000, max: 60_000 };
/** Looking at what does not change may take this share of the time; most of that is waiting when the machine is busy. */
const COLD_SHARE = 0.12;
/** Directories of runs that others work on: so that it is known what there is when that changes. */
const ELSEWHERE_INTERVAL_MS = 60_000;
/** A directory that changes all the time is not visited more often than this, whatever the hints. */
const HINT_SPACING_MS = 250;
const MAX_WATCHED = 256;
/** How long one call may go on with what is not urgent. */
const SLICE_MS = 50;

export interface ScannerOptions extends Omit<VisitOptions, 'onHot'> {
  readonly rootWatch: RootWatch;
  readonly hints?: HintSource | undefined;
  /** Whether a run, by its number, is to be followed. Others, which another uploader works on, are looked at in turn only. Default: all are. */
  readonly isFollowed?: ((run: number) => boolean) | undefined;
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
  /** All that were seen; those that are gone are dropped at the next round. */
  #nodes: DirectoryNode[] = [];
  #cursor = 0;
  /** Never visited, or hinted at. */
  readonly #urgent = new Set<DirectoryNode>();
  readonly #warm = new Set<DirectoryNode>();
  readonly #hot = new Map<FileId, HotFile>();
  /** Outside of runs, with their time stamps at the last look; from the root down, as far as there is room. */
  readonly #outer = new Map<DirectoryNode, bigint | undefined>();
  #lastOuterMs = Number.NEGATIVE_INFINITY;
  /** By path, least recently changed first. */
  readonly #watched = new Map<string, DirectoryNode>();
  #lastHotMs = Number.NEGATIVE_INFINITY;
  #coldIntervalMs = COLD_INTERVAL_MS.min;
  #coldCostMs = 0;
  #lastColdMs: number;

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
  }

  /** Directories that are known. */
  get directoryCount(): number {
    return this.#nodes.length;
  }

  /** What is left out, sorted by path. */
  get skipped(): SkippedPath[] {
    const skipped = this.#nodes.flatMap((node) => (node.isGone ? [] : [...node.skipped, ...notRuns(node)]));
    return skipped.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** What could not be looked at, or cannot be stored: with these, a pass is not complete. */
  get problems(): ScanProblem[] {
    return this.#nodes.flatMap((node) =>
      node.isGone ? [] : node.problems.map((error) => ({ error, run: node.home?.run })),
    );
  }

  /** Visits every directory once, and those that turn up. What it has seen so far once the signal is aborted. */
  async scanAll(signal?: AbortSignal): Promise<void> {
    if (!(await this.#options.rootWatch.isThere())) return;
    for (const node of this.#nodes) this.#urgent.add(node);
    await this.#visitUrgent(signal);
  }

  /** Looks at what is due. To be called a few times a second. */
  async scanDue(signal?: AbortSignal): Promise<void> {
    if (this.#options.rootWatch.awayReason !== null && !(await this.#options.rootWatch.isThere())) return;
    this.#awaitRoot();
    await this.#lookAtOuter();
    await this.#visitUrgent(signal);
    await this.#lookAtHot(signal);
    await this.#visitWarm(signal);
    await this.#visitCold(signal);
  }

  /** A last look, before the end: at all that has changed lately. */
  async scanLate(signal?: AbortSignal): Promise<void> {
    if (!(await this.#options.rootWatch.isThere())) return;
    for (const node of this.#warm) this.#urgent.add(node);
    this.#lastHotMs = Number.NEGATIVE_INFINITY;
    await this.#visitUrgent(signal, { isSpaced: false });
    await this.#lookAtHot(signal);
  }

  /** Looks at all directories of runs with the next call. */
  revisit(runs: ReadonlySet<number>): void {
    for (const node of this.#nodes)
      if (node.home !== null && runs.has(node.home.run) && !node.isGone) this.#urgent.add(node);
  }

  /** Whether directories of a run are still to be visited. */
  isVisiting(run: number): boolean {
    return [...this.#urgent].some((node) => node.home?.run === run && !node.isGone);
  }

  /** A directory may have changed. */
  hint(path: string): void {
    const node = this.#watched.get(path);
    if (node !== undefined && !node.isGone) this.#urgent.add(node);
  }

  async #visitUrgent(signal?: AbortSignal, { isSpaced } = { isSpaced: true }): Promise<void> {
    for (const node of this.#urgent) {
      if (signal?.aborted) return;
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
      if (!this.#isFollowed(node) || nowMs - node.changedMs > WARM_FOR_MS) this.#warm.delete(node);
      else if (isDue) due.push(node);
    }
    // Parents were found before their children, and are the first to be taken for runs.
    for (const node of due.reverse()) {
      if (signal?.aborted) return;
      await this.#visitNode(node);
    }
  }

  /** A root that is empty, or still to come, is looked at often: it costs nothing. */
  #awaitRoot(): void {
    const ageMs = this.#clock.monotonicMs() - this.#root.lastVisitMs;
    if (this.#root.entryCount === 0 && ageMs >= HOT_INTERVAL_MS) this.#urgent.add(this.#root);
  }

  /** Runs may begin months after the directory that holds them: when its entries change, its time stamp does. */
  async #lookAtOuter(): Promise<void> {
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

  /** Goes on with the round through all directories, as far as it has to be by now. */
  async #visitCold(signal?: AbortSignal): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    const share = (startMs - this.#lastColdMs) / this.#coldIntervalMs;
    const count = Math.floor(share * this.#nodes.length);
    if (count === 0) return;
    this.#lastColdMs = startMs;
    for (let done = 0; done < Math.min(count, this.#nodes.length); done += 1) {
      if (signal?.aborted) return;
      if (this.#cursor >= this.#nodes.length) this.#beginRound();
      const node = this.#nodes[this.#cursor];
      this.#cursor += 1;
      if (node === undefined || node.isGone) continue;
      const beganMs = this.#clock.monotonicMs();
      const restMs = this.#isFollowed(node) ? this.#coldIntervalMs / 4 : ELSEWHERE_INTERVAL_MS;
      if (beganMs - node.lastVisitMs < restMs) continue;
      await this.#visitNode(node);
      this.#coldCostMs += this.#clock.monotonicMs() - beganMs;
      // Held up, by a slow disk or by other work: the round takes longer then, and the next is given more time.
      if (beganMs - startMs > SLICE_MS) return;
    }
  }

  #beginRound(): void {
    this.#nodes = this.#nodes.filter((node) => !node.isGone);
    this.#cursor = 0;
    const { min, max } = COLD_INTERVAL_MS;
    this.#coldIntervalMs = Math.max(min, Math.min(max, this.#coldCostMs / COLD_SHARE));
    this.#coldCostMs = 0;
  }

  async #lookAtHot(signal?: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastHotMs < HOT_INTERVAL_MS) return;
    this.#lastHotMs = nowMs;
    for (const [id, file] of this.#hot) {
      if (signal?.aborted) return;
      if (!this.#isFollowed(file.node) || nowMs - file.changedMs > HOT_FOR_MS) this.#hot.delete(id);
      else if (!(await this.#visit.lookAtFile(file.node, file.name))) this.#urgent.add(file.node);
    }
  }

  async #visitNode(node: DirectoryNode): Promise<void> {
    if (node.isGone) return;
    const nowMs = this.#clock.monotonicMs();
    node.lastVisitMs = nowMs;
    const { isChanged, added } = await this.#visit.visit(node);
    node.visitMs += VISIT_WEIGHT * (this.#clock.monotonicMs() - nowMs - node.visitMs);
    for (const child of added) this.#addNode(child);
    if (node.isGone) return;
    const isOuter = node.home === null && !node.isBarred;
    if (isOuter && !this.#outer.has(node) && this.#outer.size < MAX_OUTER) this.#outer.set(node, undefined);
    if (isChanged) {
      node.isYoung = false;
      node.changedMs = nowMs;
    }
    if (!this.#isFollowed(node)) return;
    // A hint about what nobody has touched yet is welcome too, as long as there is room.
    if (isChanged || (node.visitCount === 1 && this.#watched.size < MAX_WATCHED)) this.#watch(node);
    if (!isChanged) return;
    this.#warm.delete(node);
    this.#warm.add(node);
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

  /** Asks for hints about a directory that has changed. Where more of them change than there is room for, those that have a place keep it. */
  #watch(node: DirectoryNode): void {
    const { hints } = this.#options;
    const path = node.path.toString('utf8');
    // The watcher takes names as text: one that is no text is visited without hints.
    if (hints === undefined || !Buffer.from(path).equals(node.path)) return;
    const isWatched = this.#watched.delete(path);
    if (!isWatched && !this.#makeRoom(hints)) return;
    if (!isWatched) hints.watch(path);
    this.#watched.set(path, node);
  }

  #makeRoom(hints: HintSource): boolean {
    const [stalest] = this.#watched;
    if (this.#watched.size < MAX_WATCHED || stalest === undefined) return true;
    const [path, node] = stalest;
    if (this.#isFollowed(node) && this.#clock.monotonicMs() - node.changedMs < HOT_FOR_MS) return false;
    this.#watched.delete(path);
    hints.unwatch(path);
    return true;
  }
}
