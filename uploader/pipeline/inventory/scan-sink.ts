/** What the scanner tells, and to whom. */

import type { FileStat } from '../../base/io/file-system.js';
import type { FileId, FolderId } from './file-table.js';

export interface FoundRun {
  readonly runUuid: string;
  /** Every link resolved. */
  readonly directory: Buffer;
  /** `polyaxon`: it holds a run file, or stands in a root's `runs/`. `log-directory`: event files of another writer. `named`: by the user. */
  readonly kind: 'polyaxon' | 'log-directory' | 'named';
  /** Where its files lie inside the run: '' but for a log directory, whose files are those of `outputs/tensorboard`. */
  readonly filesAt: string;
}

/** Takes what was found. Called again for what is unchanged: at every look. */
export interface ScanSink {
  /** A run was found, or an earlier one in another place. Returns its number. */
  onRun(run: FoundRun): number;
  /** The place for files of a directory of a run; `path` is empty for the run's own. */
  onFolder(run: number, path: string): FolderId;
  /** A file is there; `name` is encoded. Returns its number, and whether it has changed since the last look. */
  onFile(
    folder: FolderId,
    name: string,
    stat: FileStat,
  ): { readonly id: FileId; readonly isChanged: boolean };
  /** How many of a directory's files are not in `present`. */
  countMissing(folder: FolderId, present: ReadonlySet<FileId>): number;
  /** The files of a directory that are neither in `present` nor named in `names` are gone. */
  onGone(folder: FolderId, present: ReadonlySet<FileId>, names: ReadonlySet<string>): void;
  /** A file, or all files of a directory, are there and not to be sent: from now on, if they were. */
  onLeftOut(folder: FolderId, name: string): void;
  onFolderLeftOut(folder: FolderId): void;
}
