/** Decides what is proved of each file. This is the only place that decides it for reports, status and completion (F113). */

import type { CodedError } from '../../src/base/errors.js';
import { FileError, withoutStacks } from '../base/errors.js';
import { type FileId, FLAG } from '../pipeline/inventory/file-table.js';
import type { FileState } from '../pipeline/report/file-counts.js';
import type { UploaderContext } from './context/uploader-context.js';

/** What this process has done with the files. */
export interface WorkOnFiles {
  readonly stored: { has(id: FileId): boolean };
  readonly verified: { has(id: FileId): boolean };
  /** The last error of each file that failed. */
  readonly failures: { get(id: FileId): { readonly error: CodedError } | undefined };
}

interface FileFinding {
  readonly state: FileState;
  /** Why the file is unsent; null in the other states. */
  readonly reason: CodedError | null;
}

/** Returns what is proved of a file on disk. */
export function judgeFile(context: UploaderContext, id: FileId, work: WorkOnFiles): FileFinding {
  const { inventory, ownership, isWatching } = context;
  if (ownership.isElsewhere(id)) return { state: 'elsewhere', reason: null };
  const failure = work.failures.get(id)?.error ?? context.findBar(inventory.runOf(id));
  if (failure !== null) return { state: 'unsent', reason: failure };
  const isProven = inventory.isProven(id);
  // A one-time sync stores what it finds: a log in constant use would never be done. A watch stores what is added, too.
  const isDone = isProven || !isWatching;
  if (isDone && work.stored.has(id)) return { state: 'stored', reason: null };
  if (isDone && work.verified.has(id)) return { state: 'verified', reason: null };
  return isProven ? { state: 'unchanged', reason: null } : { state: 'unsent', reason: unproven(context, id) };
}

/** Yields the files on disk that should be stored. */
export function* filesOnDisk({ inventory }: UploaderContext): Generator<FileId> {
  for (let id = 0; id < inventory.table.count; id += 1)
    if (inventory.table.has(id, FLAG.onDisk) && inventory.runOf(id).directory !== null) yield id;
}

function unproven({ inventory }: UploaderContext, id: FileId): FileError {
  const bytes = inventory.pendingBytes(id);
  const found =
    bytes > 0
      ? `${bytes} bytes were not stored before the end`
      : 'the store had not confirmed its object before the end';
  const hint = 'Run watch or sync again: the upload resumes where it stopped.';
  return withoutStacks(() => new FileError('ERR_ABORTED', inventory.relPathOf(id), found, hint));
}
