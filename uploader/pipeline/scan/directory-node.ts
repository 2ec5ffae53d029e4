/** The scanner's state of one directory. */

import type { FileError } from '../../base/errors.js';
import { copyPath } from '../../base/join-path.js';
import type { FolderId } from '../inventory/file-table.js';
import type { SkipReason } from './excludes.js';
import type { IgnoreRules } from './ignore-rules.js';

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

  /** Path inside its run; for the run directory `filesAt`, which is usually empty. */
  get runPath(): string {
    const start = this.home?.node.rootPath ?? '';
    const path = this.rootPath.slice(start === '' ? 0 : start.length + 1);
    const filesAt = this.home?.filesAt ?? '';
    return path === '' || filesAt === '' ? `${filesAt}${path}` : `${filesAt}/${path}`;
  }
}
