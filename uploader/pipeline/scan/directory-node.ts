/** The scanner's state of one directory. */

import type { FileError } from '../../base/errors.js';
import { copyPath } from '../../base/join-path.js';
import type { FolderId } from '../inventory/file-table.js';
import type { SkipReason } from './excludes.js';
import type { IgnoreRules } from './ignore-rules.js';
import type { LogHead } from './log-head.js';

/** The run that a directory belongs to. */
export interface RunHome {
  readonly runUuid: string;
  /** The number that the sink has given to the run. */
  readonly run: number;
  /** The run directory. */
  readonly node: DirectoryNode;
  /** An imported log directory; a Polyaxon run below it is a separate run. */
  readonly isImported: boolean;
  /** Path of the directory's files inside the run. */
  readonly filesAt: string;
}

export interface SkippedPath {
  /** Path inside the run, or inside the root; encoded like `RelPath`. */
  readonly path: string;
  readonly reason: SkipReason;
  /** The number of the run, if the path is inside one. */
  readonly run?: number | undefined;
}

/** A path that could not be scanned, or cannot be stored. */
export interface ScanProblem {
  readonly error: FileError;
  /** The number of the run that the path belongs to. */
  readonly run: number | undefined;
}

/** Why a log directory is a run or a part of one, or why it is none. */
export type LayoutReason =
  | 'event-files'
  | 'hparams-session'
  | 'phases'
  | 'beside-phases'
  | 'scalars-line'
  | 'hparams-of-run'
  | 'below-session'
  | 'grouped'
  | 'split'
  | 'stored'
  | 'hparams-configuration'
  | 'no-events';

export type LayoutDecision =
  | { readonly kind: 'run'; readonly reason: LayoutReason }
  /** `of` is an ancestor that is a run, or becomes one. */
  | { readonly kind: 'part'; readonly of: DirectoryNode; readonly reason: LayoutReason }
  /** Not yet known, and no run as long as nothing is logged. */
  | { readonly kind: 'undecided'; readonly reason: LayoutReason };

/** A log directory of a third-party writer, as it was when its event files were last read. */
interface FoundLog {
  /** Names, sizes and times of its event files. */
  readonly stamp: string;
  /** The encoded names of its event files, sorted. */
  readonly names: readonly string[];
  readonly head: LogHead;
  readonly hasDirectories: boolean;
}

export class DirectoryNode {
  readonly path: Buffer;
  readonly parent: DirectoryNode | null;
  /** Names from the root down, encoded. */
  readonly rootPath: string;
  /** By raw name on disk, decoded as latin1: one character per byte. */
  readonly children = new Map<string, DirectoryNode>();
  /** Null outside of runs. */
  home: RunHome | null;
  /** Inventory folder of its files; null before the first file, and outside of runs. */
  folder: FolderId | null = null;
  /** Path of `folder` inside the run. */
  folderPath = '';
  rules: IgnoreRules;
  /** Size and times of the ignore file that `rules` was parsed from. */
  ignoreFileStamp = '';
  /** Never scanned: a second directory of the same run. */
  isBarred = false;
  isGone = false;
  /** A log directory of another experiment than the one whose uuid its path gives. */
  isReused = false;
  /** When it was found; another directory in its place has other values. */
  ino: bigint | undefined;
  birthNs: bigint | undefined;
  /** It was changed shortly before it was found. */
  isYoung = false;
  /** Null while no event files were found in it. */
  log: FoundLog | null = null;
  /** What the log directory is; null while nothing is decided. */
  layout: LayoutDecision | null = null;
  /** Log directories below are parts of a run that this directory is, for this reason. */
  hasParts = false;
  reason: LayoutReason = 'event-files';
  /** Paths below it of event files of its parts that also tell experiments apart. */
  partNames: readonly string[] = [];
  /** Whether log directories in it are phases of one run, when it had so many children. */
  phases: { readonly hasPhases: boolean; readonly children: number } | null = null;
  /** The earliest child that is named after a call of `add_hparams`, when it had so many children. */
  firstTime: { readonly name: string | null; readonly children: number } | null = null;
  /** `--group` names it. */
  isNamed = false;
  /** Nothing more will be found: an empty log directory is decided now. */
  isFinal = false;
  /** It was stored in another run than it would be in now, and stays there (`kept`), or is stored again because the user wants it (`replaced`). */
  storedElsewhere: 'kept' | 'replaced' | null = null;
  /** When event files were first seen, while the directory is not a run. */
  eventsSeenMs: number | undefined;
  /** From the timestamp at the last check, while its run is at rest. */
  restStamp: number | undefined;
  lastVisitMs = Number.NEGATIVE_INFINITY;
  /** Moving average of the duration of a visit. */
  visitMs = 0;
  visitCount = 0;
  changedMs: number;
  /** Number of names at the last visit. */
  entryCount = 0;
  skipped: SkippedPath[] = [];
  problems: FileError[] = [];

  constructor(
    path: Buffer,
    parent: DirectoryNode | null,
    rootPath: string,
    inherited: { home: RunHome | null; rules: IgnoreRules; nowMs: number },
  ) {
    this.path = copyPath(path);
    this.parent = parent;
    this.rootPath = rootPath;
    this.home = inherited.home;
    this.rules = inherited.rules;
    this.changedMs = inherited.nowMs;
  }

  get name(): string {
    return this.rootPath.slice(this.rootPath.lastIndexOf('/') + 1);
  }

  /** Path inside its run; for the run directory `filesAt`, which is usually empty. */
  get runPath(): string {
    const start = this.home?.node.rootPath ?? '';
    const path = this.rootPath.slice(start === '' ? 0 : start.length + 1);
    const filesAt = this.home?.filesAt ?? '';
    return path === '' || filesAt === '' ? `${filesAt}${path}` : `${filesAt}/${path}`;
  }
}

/** Whether a directory or one below it belongs to a run. */
export function hasRunBelow(node: DirectoryNode): boolean {
  const pending = [node];
  for (let each = pending.pop(); each !== undefined; each = pending.pop()) {
    if (each.home !== null) return true;
    for (const child of each.children.values()) pending.push(child);
  }
  return false;
}
