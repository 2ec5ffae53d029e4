/** The interface through which the scanner reports what it finds. */

import type { FileStat } from '../../base/io/file-system.js';
import type { FileId, FolderId } from './file-table.js';

export interface ScannedRun {
  readonly runUuid: string;
  /** With all symlinks resolved. */
  readonly directory: Buffer;
  /** `polyaxon`: it has a run file, or is in a root's `runs/`. `log-directory`: event files of another writer. `named`: by the user. */
  readonly kind: 'polyaxon' | 'log-directory' | 'named';
  /** Path of its files inside the run: `outputs/tensorboard` for a log directory, '' otherwise. */
  readonly filesAt: string;
  /** For a log directory: uuids of runs that have had its event files under another layout, if they were ever uploaded. */
  readonly formerUuids?: readonly string[] | undefined;
}

/** Receives what each scan finds, including unchanged runs and files. */
export interface ScanSink {
  /** A run was found, or a known one in another directory. Returns its number. */
  onRun(run: ScannedRun): number;
  /** The directory of a run no longer exists, is excluded from now on, or has lost the run to another directory. */
  onRunGone(run: number): void;
  /** Returns the folder for the files of a directory of a run; `path` is empty for the run directory. */
  onFolder(run: number, path: string): FolderId;
  /** A file exists; `name` is encoded. Returns its number, and whether it has changed since the last scan. */
  onFile(
    folder: FolderId,
    name: string,
    stat: FileStat,
  ): { readonly id: FileId; readonly isChanged: boolean };
  /** Returns how many known files of a directory are not in `present`. */
  countMissing(folder: FolderId, present: ReadonlySet<FileId>): number;
  /** Files of a directory that are in neither `present` nor `names` no longer exist. */
  onGone(folder: FolderId, present: ReadonlySet<FileId>, names: ReadonlySet<string>): void;
  /** A file, or all files of a directory, exist but are excluded from now on. */
  onLeftOut(folder: FolderId, name: string): void;
  onFolderLeftOut(folder: FolderId): void;
}
