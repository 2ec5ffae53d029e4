/** A directory that the scanner knows. */

import type { FileError } from '../../base/errors.js';
import type { FolderId } from '../inventory/file-table.js';
import type { SkipReason } from './excludes.js';
import type { IgnoreRules } from './ignore-rules.js';

/** The run that a directory belongs to. */
export interface RunHome {
  /** The number under which the sink knows the run. */
  readonly run: number;
  /** The run's directory. */
  readonly node: DirectoryNode;
  /** A log directory that was adopted: a real run below it is a run of its own. */
  readonly isImported: boolean;
  /** Where the files of its directory lie inside the run. */
  readonly filesAt: string;
}

export interface SkippedPath {
  /** Inside the run, or inside the root; encoded as `RelPath` encodes. */
  readonly path: string;
  readonly reason: SkipReason;
  /** The number of the run, for a path inside of one. */
  readonly run?: number | undefined;
}

/** What could not be looked at, or cannot be stored. */
export interface ScanProblem {
  readonly error: FileError;
  /** The number of the run that the error's path is inside of. */
  readonly run: number | undefined;
}

export class DirectoryNode {
  readonly path: Buffer;
  readonly parent: DirectoryNode | null;
  /** Names from the root down, encoded. */
  readonly rootPath: string;
  /** By name as it is on disk, in latin1: one character for each byte. */
  readonly children = new Map<string, DirectoryNode>();
  /** Null outside of runs. */
  home: RunHome | null;
  /** Where its files go; null before the first one, and outside of runs. */
  folder: FolderId | null = null;
  /** Of `folder`, inside the run. */
  folderPath = '';
  rules: IgnoreRules;
  /** Size and time of the ignore file that `rules` has been made with. */
  ignoreFileStamp = '';
  /** Not to be looked into: a second directory of a run. */
  isBarred = false;
  isGone = false;
  /** It was made, or something in it, shortly before it was found. */
  isYoung = false;
  /** When event files were seen first, as long as it is no run. */
  eventsSeenMs: number | undefined;
  lastVisitMs = Number.NEGATIVE_INFINITY;
  /** How long a visit takes, lately. */
  visitMs = 0;
  visitCount = 0;
  changedMs: number;
  /** Names that it had at the last visit. */
  entryCount = 0;
  skipped: SkippedPath[] = [];
  problems: FileError[] = [];

  constructor(
    path: Buffer,
    parent: DirectoryNode | null,
    rootPath: string,
    inherited: { home: RunHome | null; rules: IgnoreRules; nowMs: number },
  ) {
    this.path = path;
    this.parent = parent;
    this.rootPath = rootPath;
    this.home = inherited.home;
    this.rules = inherited.rules;
    this.changedMs = inherited.nowMs;
  }

  /** The path inside of its run; empty for the run's directory, unless its files are those of another one of the run. */
  get runPath(): string {
    const start = this.home?.node.rootPath ?? '';
    const path = this.rootPath.slice(start === '' ? 0 : start.length + 1);
    const filesAt = this.home?.filesAt ?? '';
    return path === '' || filesAt === '' ? `${filesAt}${path}` : `${filesAt}/${path}`;
  }
}
