/**
 * Scans one directory: lists its entries, decides whether it is a run, and applies the exclusion rules.
 *
 * Long because each entry of a directory passes all rules in one order.
 */

import { messageOf } from '../../../src/base/errors.js';
import { RUN_FILE, RUNS_DIRECTORY } from '../../../src/run-directory/layout.js';
import { FileError } from '../../base/errors.js';
import { isChangedWithin } from '../../base/io/file-version.js';
import { isAbsent } from '../../base/io/system-error.js';
import { readWholeFile } from '../../base/io/whole-file.js';
import { joinPath } from '../../base/join-path.js';
import {
  encodeName,
  joinEncoded,
  MAX_KEY_BYTES,
  MAX_NAME_BYTES,
  tooLongReason,
} from '../../base/rel-path.js';
import type { FileId, FolderId } from '../inventory/file-table.js';
import type { ScannedRun, ScanSink } from '../inventory/scan-sink.js';
import { DirectoryNode, hasRunBelow, type RunHome, type SkippedPath } from './directory-node.js';
import { IGNORE_FILE, type SkipReason } from './excludes.js';
import type { IgnoreRules } from './ignore-rules.js';
import { isOwnFile } from './own-files.js';
import type { RootWatch } from './root-watch.js';
import { RunClaims } from './run-claims.js';
import { type ListedEntry, RunFinder, type RunFinderOptions } from './run-finder.js';

/** A file or directory that changed within this time before it was found is assumed to be in use. */
const YOUNG_MS = 60_000;
const MAX_IGNORE_FILE_BYTES = 1024 * 1024;

export interface VisitOptions extends RunFinderOptions {
  /** The root of the scan, with all symlinks resolved. */
  readonly root: Buffer;
  readonly rootWatch: RootWatch;
  readonly rules: IgnoreRules;
  readonly sink: ScanSink;
  /** Returns the prefix of a run's keys in the store, which counts towards the limit on the length of keys. */
  readonly toKeyPrefix: (runUuid: string) => string;
  /** A directory that is never scanned: the store itself. */
  readonly barredPath?: Buffer | undefined;
  readonly crossFileSystems: boolean;
  readonly allowHardLinks: boolean;
  /** A file has changed and should be checked often. */
  readonly onHot: (id: FileId, node: DirectoryNode, name: Buffer) => void;
}

interface VisitResult {
  readonly isChanged: boolean;
  /** Newly found directories. */
  readonly added: readonly DirectoryNode[];
  /** Known directories to visit again: the run that they belong to has changed. */
  readonly again?: readonly DirectoryNode[] | undefined;
}

const UNCHANGED: VisitResult = { isChanged: false, added: [] };

export class DirectoryScan {
  readonly #options: VisitOptions;
  /** The directory that has each run. */
  readonly #runs = new Map<string, DirectoryNode>();
  readonly #claims: RunClaims;
  readonly #finder: RunFinder;
  /** Key prefixes by run number. */
  readonly #keyPrefixes = new Map<number, string>();

  constructor(options: VisitOptions) {
    this.#options = options;
    this.#claims = new RunClaims(options.isKnownPlace);
    this.#finder = new RunFinder(options);
  }

  async visit(node: DirectoryNode): Promise<VisitResult> {
    const { rootWatch } = this.#options;
    if (node.parent === null && !(await rootWatch.isThere())) return UNCHANGED;
    node.visitCount += 1;
    const listed = await this.#list(node);
    if (listed === null) return UNCHANGED;
    // A run directory that is suddenly empty may be a separate volume that was unmounted.
    if (listed.length === 0 && node.entryCount > 0 && node.home?.node === node) return UNCHANGED;
    node.entryCount = listed.length;
    node.skipped = [];
    node.problems = [];
    node.isBarred = false;
    const entries = await this.#check(node, listed);
    if (node.isBarred) return UNCHANGED;
    const { isNew, of } = await this.#decideHome(node, entries);
    if (of !== undefined) return { ...UNCHANGED, again: [of] };
    if (node.isBarred) return UNCHANGED;
    if (!(await this.#readIgnoreFile(node, entries))) return UNCHANGED;
    const again = isNew ? this.#adoptChildren(node) : [];
    const taken = await this.#take(node, entries);
    return { ...taken, isChanged: taken.isChanged || isNew, again };
  }

  /** Yields the problems of the directories of a run. */
  *problemsOf(runUuid: string): Generator<FileError> {
    const open = [this.#runs.get(runUuid)];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node.isGone || node.home?.runUuid !== runUuid) continue;
      yield* node.problems;
      for (const child of node.children.values()) open.push(child);
    }
  }

  /** Checks one file by opening it. Returns false when it no longer exists or is not a file; the next scan of its directory handles that. */
  async checkFile(node: DirectoryNode, name: Buffer): Promise<boolean> {
    try {
      const file = await this.#options.fileSystem.openForReading(joinPath(node.path, [name]));
      try {
        const stat = await file.stat();
        if (stat.kind !== 'file' || node.folder === null) return false;
        this.#passFile(node, { name, text: encodeName(name), stat });
        return true;
      } finally {
        await file.close();
      }
    } catch {
      return false; // deleted, or unreadable
    }
  }

  async #list(node: DirectoryNode): Promise<Buffer[] | null> {
    try {
      return await this.#options.fileSystem.readDirectory(node.path);
    } catch (error) {
      if (isAbsent(error) && node.parent !== null) await this.#forget(node);
      else node.problems = [unreadable(toShownPath(node) || '.', error)];
      return null;
    }
  }

  async #check(node: DirectoryNode, names: readonly Buffer[]): Promise<ListedEntry[]> {
    const stats = await this.#options.fileSystem.lstatAll(names.map((name) => joinPath(node.path, [name])));
    const entries: ListedEntry[] = [];
    for (const [index, stat] of stats.entries()) {
      const name = names[index]!;
      const text = encodeName(name);
      if (!(stat instanceof Error)) entries.push({ name, text, stat });
      else if (!isAbsent(stat)) {
        node.problems.push(unreadable(join(toShownPath(node), text), stat));
        // Which run it is cannot be known, and its event files must not become another one.
        if (text === RUN_FILE && node.home === null) node.isBarred = true;
      }
    }
    return entries;
  }

  /**
   * Decides which run a directory belongs to, unless that is decided: outside of runs and inside imported log directories. `isNew`: it belongs to another run than
   * before. `of`: it is part of a directory that must become a run first.
   */
  async #decideHome(
    node: DirectoryNode,
    entries: readonly ListedEntry[],
  ): Promise<{ isNew: boolean; of?: DirectoryNode }> {
    if (node.home !== null && (!node.home.isImported || node.home.node === node)) return { isNew: false };
    const found = await this.#finder.find(node, entries);
    if (found.kind !== 'run') this.#claims.withdraw(node);
    switch (found.kind) {
      case 'none':
        return { isNew: false };
      case 'damaged':
        this.#bar(node, damagedRunFile(join(toShownPath(node), RUN_FILE), found.cause));
        return { isNew: false };
      case 'part-of-new':
        return { isNew: false, of: found.of };
      case 'undecided':
        return { isNew: this.#setHome(node, null) };
      case 'part':
        return { isNew: this.#setHome(node, found.home) };
      case 'run':
        return { isNew: await this.#takeRun(node, found.run) };
    }
  }

  /** Makes a directory a run, if no other one has a better claim. */
  async #takeRun(node: DirectoryNode, found: ScannedRun): Promise<boolean> {
    const { winner, rivals } = await this.#claims.decide(found.runUuid, node);
    const holder = this.#runs.get(found.runUuid);
    if (holder !== undefined && holder !== node && holder !== winner && !holder.isGone)
      this.#evict(holder, duplicate(holder, found.runUuid, [node], winner));
    if (winner !== node) {
      this.#bar(node, duplicate(node, found.runUuid, rivals, winner));
      return false;
    }
    this.#runs.set(found.runUuid, node);
    const run = this.#options.sink.onRun(found);
    this.#keyPrefixes.set(run, this.#options.toKeyPrefix(found.runUuid));
    return this.#setHome(node, {
      runUuid: found.runUuid,
      run,
      node,
      isImported: found.kind === 'log-directory',
      filesAt: found.filesAt,
    });
  }

  /** Returns true when the directory belonged to another run, or to none. Its files no longer count as files of that run. */
  #setHome(node: DirectoryNode, home: RunHome | null): boolean {
    if (node.home === home) return false;
    if (node.folder !== null) this.#options.sink.onFolderLeftOut(node.folder);
    node.home = home;
    node.folder = null;
    return true;
  }

  /** Takes a run away from its directory, because another directory has a better claim, or because none is proven. */
  #evict(node: DirectoryNode, problem: FileError): void {
    this.#release(node);
    this.#bar(node, problem);
  }

  #release(node: DirectoryNode): void {
    for (const child of node.children.values())
      this.#drop(child, (folder) => this.#options.sink.onFolderLeftOut(folder));
    node.children.clear();
    this.#dropRun(node);
    this.#claims.withdraw(node);
    node.home = null;
    node.folder = null;
    node.layout = null;
  }

  #bar(node: DirectoryNode, problem: FileError): void {
    node.problems = [problem];
    node.isBarred = true;
  }

  /** Gives a log directory a separate uuid at the next visit. */
  rehome(node: DirectoryNode): void {
    this.#release(node);
    node.isReused = true;
  }

  /** Returns false when the ignore file cannot be read; then nothing in this directory or below it is sent. */
  async #readIgnoreFile(node: DirectoryNode, entries: readonly ListedEntry[]): Promise<boolean> {
    const file = entries.find(({ text, stat }) => text === IGNORE_FILE && stat.kind === 'file');
    const stamp =
      file === undefined ? '' : `${file.stat.sizeBytes} ${file.stat.mtimeNs} ${file.stat.ctimeNs}`;
    if (stamp === node.ignoreFileStamp) return true;
    const inherited = node.parent?.rules ?? this.#options.rules;
    const rules = file === undefined ? inherited : await this.#extendRules(node, inherited, file);
    if (rules === null) return false;
    node.ignoreFileStamp = stamp;
    node.rules = rules;
    // The rules have changed: drop the directories below, so that they are scanned again.
    for (const child of node.children.values())
      this.#drop(child, (folder) => this.#options.sink.onFolderLeftOut(folder));
    node.children.clear();
    return true;
  }

  async #extendRules(
    node: DirectoryNode,
    inherited: IgnoreRules,
    { name }: ListedEntry,
  ): Promise<IgnoreRules | null> {
    const { fileSystem } = this.#options;
    try {
      const bytes = await readWholeFile(fileSystem, joinPath(node.path, [name]), MAX_IGNORE_FILE_BYTES);
      return inherited.extend(node.rootPath, bytes.toString('utf8'));
    } catch (error) {
      const path = join(toShownPath(node), IGNORE_FILE);
      const code = error instanceof FileError ? error.code : 'ERR_FILE_UNREADABLE';
      const hint = `Make the file readable, with at most ${MAX_IGNORE_FILE_BYTES} bytes; until then nothing in this directory is sent.`;
      const found = `cannot be read: ${messageOf(error)}`;
      node.problems.push(new FileError(code, path, found, hint, { cause: error }));
      return null;
    }
  }

  async #take(node: DirectoryNode, entries: readonly ListedEntry[]): Promise<VisitResult> {
    const added: DirectoryNode[] = [];
    const present = new Set<FileId>();
    const children = new Set<string>();
    let isChanged = false;
    for (const entry of entries) {
      const reason = this.#toReason(node, entry);
      if (reason !== null) {
        this.#leaveOut(node, entry);
        if (node.home !== null || isRunsDirectory(node)) this.#skip(node, entry, reason);
      } else if (entry.stat.kind === 'directory') {
        const key = entry.name.toString('latin1');
        children.add(key);
        this.#dropReplaced(node, key, entry);
        if (!node.children.has(key)) added.push(this.#addChild(node, key, entry));
      } else if (node.home === null) {
        if (isRunsDirectory(node)) this.#skip(node, entry, 'not-a-run');
      } else {
        const row = this.#passFile(node, entry);
        if (row === null) continue;
        present.add(row.id);
        isChanged ||= this.#isLively(node, entry, row.isChanged);
      }
    }
    const hasGone = await this.#passGone(node, present, children);
    const hasAdded = added.length > 0 && node.visitCount > 1;
    const isUndecided = node.home === null && node.eventsSeenMs !== undefined && isYetEmpty(node);
    return { isChanged: isChanged || hasGone || hasAdded || node.isYoung || isUndecided, added };
  }

  #toReason(node: DirectoryNode, { name, text, stat }: ListedEntry): SkipReason | null {
    const { crossFileSystems, allowHardLinks, barredPath, rootWatch } = this.#options;
    if (stat.kind === 'link') return 'symbolic-link';
    if (stat.kind === 'other') return 'not-regular';
    if (stat.device !== rootWatch.device && !crossFileSystems) return 'other-device';
    if (stat.kind === 'file' && stat.linkCount > 1 && !allowHardLinks) return 'hard-link';
    const isDirectory = stat.kind === 'directory';
    if (isDirectory && barredPath !== undefined && joinPath(node.path, [name]).equals(barredPath))
      return 'store';
    return node.rules.reasonFor(node.rootPath, text, isDirectory);
  }

  #skip(node: DirectoryNode, { text }: ListedEntry, reason: SkipReason): void {
    if (isOwnFile(node, text, reason)) return;
    node.skipped.push({ path: join(toShownPath(node), text), reason, run: node.home?.run });
  }

  #passFile(
    node: DirectoryNode,
    { name, text, stat }: ListedEntry,
  ): { id: FileId; isChanged: boolean } | null {
    const { sink, onHot } = this.#options;
    if (node.home === null) return null;
    if (node.folder === null) {
      node.folderPath = joinEncoded(node.runPath);
      node.folder = sink.onFolder(node.home.run, node.folderPath);
    }
    const encoded = node.folderPath === '' ? joinEncoded(text) : text;
    const tooLong = this.#tooLongReason(node.home.run, node.folderPath, encoded);
    if (tooLong !== null) {
      const relPath = join(node.folderPath, encoded);
      node.problems.push(new FileError('ERR_NAME_TOO_LONG', relPath, tooLong, 'Use a shorter name.'));
      return null;
    }
    const row = sink.onFile(node.folder, encoded, stat);
    if (this.#isLively(node, { name, text, stat }, row.isChanged)) onHot(row.id, node, name);
    return row;
  }

  /** Returns true when more changes are likely. A file that is seen for the first time may have changed years ago. */
  #isLively(node: DirectoryNode, { stat }: ListedEntry, isChanged: boolean): boolean {
    if (!isChanged || node.visitCount > 1) return isChanged;
    return isChangedWithin(stat, this.#options.clock.wallTime() * 1000, YOUNG_MS);
  }

  #tooLongReason(run: number, folderPath: string, name: string): string | null {
    const prefix = this.#keyPrefixes.get(run) ?? '';
    // A UTF-16 code unit needs at most three bytes of UTF-8, so nearly all names pass without an exact count.
    const isSurelyFit =
      name.length * 3 <= MAX_NAME_BYTES &&
      (prefix.length + folderPath.length + name.length + 1) * 3 <= MAX_KEY_BYTES;
    return isSurelyFit && folderPath.length * 3 <= MAX_NAME_BYTES
      ? null
      : tooLongReason(`${prefix}${join(folderPath, name)}`);
  }

  /** Reports files and directories that no longer exist, after checking that the root and the run directory still do. */
  async #passGone(
    node: DirectoryNode,
    present: Set<FileId>,
    children: ReadonlySet<string>,
  ): Promise<boolean> {
    const { sink, rootWatch, fileSystem } = this.#options;
    const goneChildren = [...node.children].filter(([key]) => !children.has(key));
    const missing = node.folder === null ? 0 : sink.countMissing(node.folder, present);
    if (goneChildren.length === 0 && missing === 0) return false;
    if (!(await rootWatch.isThere()) || !(await this.#isHomeThere(node))) return false;
    const listed = await fileSystem.readDirectory(node.path).catch(() => []); // deleted as a whole
    const again = new Set(listed.map((name) => name.toString('latin1')));
    for (const [key, child] of goneChildren) if (!again.has(key)) await this.#forget(child);
    if (node.folder !== null) {
      const lateNames = [...again].map((key) => encodeName(Buffer.from(key, 'latin1')));
      sink.onGone(node.folder, present, new Set(lateNames));
    }
    return true;
  }

  /** Returns true when the run directory has entries, or was deleted. An empty one may be unmounted. */
  async #isHomeThere({ home }: DirectoryNode): Promise<boolean> {
    if (home === null) return true;
    try {
      return (await this.#options.fileSystem.readDirectory(home.node.path)).length > 0;
    } catch (error) {
      return isAbsent(error);
    }
  }

  /** Drops a directory that no longer exists, with all directories below it. */
  async #forget(node: DirectoryNode): Promise<void> {
    const { sink, rootWatch } = this.#options;
    if (!(await rootWatch.isThere()) || !(await this.#isHomeThere(node))) return;
    this.#drop(node, (folder) => sink.onGone(folder, new Set(), new Set()));
    node.parent?.children.delete(node.path.toString('latin1', node.path.lastIndexOf(0x2f) + 1));
  }

  /** Excludes an entry. It may be in the inventory, if the rules have changed or another entry has taken the name. */
  #leaveOut(node: DirectoryNode, { name, text }: ListedEntry): void {
    const { sink } = this.#options;
    const key = name.toString('latin1');
    const child = node.children.get(key);
    if (child !== undefined) this.#drop(child, (folder) => sink.onFolderLeftOut(folder));
    node.children.delete(key);
    if (node.folder !== null) sink.onLeftOut(node.folder, node.folderPath === '' ? joinEncoded(text) : text);
  }

  #drop(node: DirectoryNode, onFolder: (folder: FolderId) => void): void {
    const pending = [node];
    const runs: DirectoryNode[] = [];
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      each.isGone = true;
      this.#claims.withdraw(each);
      if (each.folder !== null) onFolder(each.folder);
      if (each.home?.node === each) runs.push(each);
      for (const child of each.children.values()) pending.push(child);
    }
    for (const run of runs) this.#dropRun(run);
  }

  #dropRun({ home }: DirectoryNode): void {
    if (home === null || this.#runs.get(home.runUuid) !== home.node) return;
    this.#runs.delete(home.runUuid);
    this.#keyPrefixes.delete(home.run);
    this.#options.sink.onRunGone(home.run);
  }

  /** Drops a run directory in whose place there is another directory now: it is found again as a new one. */
  #dropReplaced(node: DirectoryNode, key: string, { stat }: ListedEntry): void {
    const child = node.children.get(key);
    if (child === undefined || child.home?.node !== child) return;
    if (child.ino === stat.ino && (child.birthNs ?? stat.birthNs) === (stat.birthNs ?? child.birthNs)) return;
    this.#drop(child, (folder) => this.#options.sink.onGone(folder, new Set(), new Set()));
    node.children.delete(key);
  }

  #addChild(node: DirectoryNode, key: string, entry: ListedEntry): DirectoryNode {
    const { name, text } = entry;
    const { clock } = this.#options;
    const child = new DirectoryNode(joinPath(node.path, [name]), node, join(node.rootPath, text), {
      home: node.home,
      rules: node.rules,
      nowMs: clock.monotonicMs(),
    });
    child.ino = entry.stat.ino;
    child.birthNs = entry.stat.birthNs;
    child.isYoung = this.#isLively(child, entry, true);
    node.children.set(key, child);
    return child;
  }

  /** Moves known directories into the run of a directory, except those that are runs themselves. Returns them, because log directories in them are decided again. */
  #adoptChildren(node: DirectoryNode): DirectoryNode[] {
    const moved: DirectoryNode[] = [];
    const pending = [...node.children.values()];
    for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
      if (each.home?.node === each) continue;
      this.#setHome(each, node.home);
      each.layout = null;
      moved.push(each);
      for (const child of each.children.values()) pending.push(child);
    }
    return moved;
  }
}

/** Whether a log directory becomes a run with its first event. Otherwise its trials, or other directories below it, are the runs. */
function isYetEmpty(node: DirectoryNode): boolean {
  return node.layout?.reason !== 'hparams-configuration' && !hasRunBelow(node);
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** Returns true for the `runs/` directory, in which entries that are not runs are reported. */
function isRunsDirectory(node: DirectoryNode): boolean {
  return node.home === null && node.rootPath === RUNS_DIRECTORY;
}

/** Returns the directories in `runs/` that contain no run at any depth. */
export function notRuns(node: DirectoryNode): SkippedPath[] {
  if (!isRunsDirectory(node)) return [];
  return [...node.children.values()]
    .filter((child) => !child.isGone && !child.isBarred && !hasRunBelow(child))
    .map(({ rootPath }) => ({ path: rootPath, reason: 'not-a-run' as const }));
}

/** Returns the path inside the run, or inside the root if the directory belongs to no run. */
function toShownPath(node: DirectoryNode): string {
  return node.home === null ? node.rootPath : node.runPath;
}

function unreadable(path: string, cause: unknown): FileError {
  const hint = 'Give the user that runs polytrack permission to read it.';
  return new FileError('ERR_FILE_UNREADABLE', path, `cannot be listed: ${messageOf(cause)}`, hint, { cause });
}

function damagedRunFile(path: string, cause: unknown): FileError {
  const hint = 'Restore the run file, or delete it to upload the event files beside it as a new run.';
  return new FileError('ERR_FILE_UNREADABLE', path, `cannot be read: ${messageOf(cause)}`, hint, { cause });
}

function duplicate(
  { rootPath }: DirectoryNode,
  runUuid: string,
  rivals: readonly DirectoryNode[],
  winner: DirectoryNode | null,
): FileError {
  const others = (winner === null ? rivals : [winner]).map(({ path }) => path.toString()).join(', ');
  const [found, hint] =
    winner === null
      ? [
          `run ${runUuid} is also in ${others}, and nothing shows which of them is the run; neither is uploaded`,
          `Remove the copies, or move the run to ${RUNS_DIRECTORY}/${runUuid}.`,
        ]
      : [
          `run ${runUuid} is also in ${others}, which is uploaded`,
          'Remove the copy, or give it a different uuid.',
        ];
  return new FileError('ERR_RUN_DUPLICATE', rootPath, found, hint);
}
