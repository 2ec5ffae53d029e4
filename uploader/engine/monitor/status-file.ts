/** Reads and writes `status.json` in the state directory: the status of a running uploader, for `polytrack status` and monitoring tools. */

import { join } from 'node:path';
import { largestOf } from '../../../src/base/largest-of.js';
import { StateDirectoryError } from '../../base/errors.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { isAbsent } from '../../base/io/system-error.js';
import { readWholeFile } from '../../base/io/whole-file.js';
import { type FileId, FLAG } from '../../pipeline/inventory/file-table.js';
import type { Inventory } from '../../pipeline/inventory/inventory.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import { type StatePaths, toStatePathsIn } from '../../pipeline/journal/state-directory.js';
import type { FileState } from '../../pipeline/report/file-counts.js';
import type { SyncedStatus } from '../../pipeline/report/run-observer.js';
import type { Scanner } from '../../pipeline/scan/scanner.js';
import type { UploaderContext } from '../context/uploader-context.js';
import { readSettled } from './settled-file.js';

export interface Status {
  readonly version: 1;
  readonly root: string;
  readonly store: string;
  /** The process id of the uploader; null when none is running. */
  readonly pid: number | null;
  /** The lock of the uploader: a status with another one is that of an earlier uploader. Absent in a file of an earlier version. */
  readonly lock?: string | null | undefined;
  readonly state: 'starting' | 'watching' | 'paused' | 'draining' | 'ended' | 'idle';
  /** Why the uploader is paused; null when it is not. */
  readonly reason: string | null;
  /** Seconds since the epoch. */
  readonly updatedAt: number;
  /** Time since the store stopped answering; null when it answers. */
  readonly storeOutageMs: number | null;
  /** Whether the journal cannot be written. */
  readonly isStateless: boolean;
  readonly runs: readonly RunUploadStatus[];
  readonly total: Totals;
  /** Paths that cannot be scanned or stored, such as a second directory of a run. Absent in a file of an earlier version. */
  readonly problems?: readonly StatusProblem[] | undefined;
}

export interface StatusProblem {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface Totals {
  readonly storedFiles: number;
  readonly storedBytes: number;
  readonly pendingFiles: number;
  readonly pendingBytes: number;
  /** Age of the oldest byte that is not stored; 0 when all are stored. */
  readonly lagMs: number;
  /** Like `lagMs`, for Polyaxon event files only: not exported yet, or exported and not stored. */
  readonly eventsLagMs: number;
  /** Bytes that were deleted on disk before they were stored. */
  readonly lostBytes: number;
}

export interface RunUploadStatus extends Totals {
  readonly uuid: string;
  readonly directory: string;
  readonly project: string | null;
  /** `elsewhere`: another uploader works on the run and knows its progress. */
  readonly phase: 'live' | 'closing' | 'complete' | 'incomplete' | 'elsewhere' | 'unknown';
  readonly lastError: { readonly path: string; readonly code: string; readonly message: string } | null;
  /** What the API knows about the run; null when no API is configured. */
  readonly api: SyncedStatus | null;
}

const FILE_MODE = 0o600;
const MAX_FILE_BYTES = 256 * 1024 * 1024;

/** What the status of a run is made of. */
interface RunFacts {
  readonly phase: RunUploadStatus['phase'];
  readonly stateOf: (id: FileId) => FileState;
  /** How long the export of its events is behind. */
  readonly behindMs: number;
  readonly api: SyncedStatus | undefined;
}

/** Counts the stored and pending files of one run. */
export function toRunStatus(
  inventory: Inventory,
  run: KnownRun,
  project: string | undefined,
  facts: RunFacts,
): RunUploadStatus {
  const { phase, api } = facts;
  return {
    uuid: run.uuid,
    directory: run.directory?.toString() ?? '',
    project: project ?? null,
    phase,
    ...(phase === 'elsewhere' ? sumUpRuns([]) : countRun(inventory, run, facts)),
    lastError: run.lastError === null ? null : toLastError(run.lastError),
    api: api ?? null,
  };
}

/** Whether the status of a run stays the same until something happens to the run. */
export function isSettled({ phase, pendingFiles, eventsLagMs, api }: RunUploadStatus): boolean {
  const isDone = phase === 'complete' || phase === 'elsewhere';
  return isDone && pendingFiles === 0 && eventsLagMs === 0 && (api === null || api.state === 'synced');
}

export function toProblems({ problems }: Scanner): StatusProblem[] {
  return problems.map(({ error: { path, code, message } }) => ({ path, code, message }));
}

function toLastError({ path, error }: NonNullable<KnownRun['lastError']>): RunUploadStatus['lastError'] {
  return { path, code: error.code, message: error.message };
}

export function sumUpRuns(runs: readonly RunUploadStatus[]): Totals {
  const add = (pick: (run: RunUploadStatus) => number): number =>
    runs.reduce((sum, run) => sum + pick(run), 0);
  return {
    storedFiles: add((run) => run.storedFiles),
    storedBytes: add((run) => run.storedBytes),
    pendingFiles: add((run) => run.pendingFiles),
    pendingBytes: add((run) => run.pendingBytes),
    lagMs: largestOf(runs.map(({ lagMs }) => lagMs)),
    eventsLagMs: largestOf(runs.map(({ eventsLagMs }) => eventsLagMs)),
    lostBytes: add((run) => run.lostBytes),
  };
}

/** Replaces the status file atomically. A failed write is ignored, because uploads must continue. */
export async function writeStatus(context: UploaderContext, status: Status): Promise<void> {
  const { io, paths } = context;
  const temporaryPath = `${paths.status}.partial`;
  try {
    await io.fileSystem.unlink(temporaryPath).catch(() => undefined); // usually there is none
    const file = await io.fileSystem.openForWriting(temporaryPath, 'create', FILE_MODE);
    try {
      await file.append(Buffer.from(JSON.stringify(status)));
    } finally {
      await file.close();
    }
    await io.fileSystem.rename(temporaryPath, paths.status);
  } catch {
    // The journal has already reported the failing disk.
  }
}

/** Yields the last status of each uploader in a state directory, ordered by directory. Throws `StateDirectoryError`. */
export async function* readAllStatus(
  fileSystem: FileSystem,
  stateDirectory: string,
): AsyncGenerator<{ readonly paths: StatePaths; readonly status: Status }> {
  const names = await fileSystem.readDirectory(stateDirectory).catch((cause: unknown) => {
    if (isAbsent(cause)) return [];
    throw new StateDirectoryError(stateDirectory, 'list the directory', { cause });
  });
  for (const name of names.map(String).sort()) {
    const paths = toStatePathsIn(join(stateDirectory, name), name);
    const status = await readStatus(fileSystem, paths);
    if (status !== null) yield { paths, status };
  }
}

/** Returns the status of the last uploader; null when none was written. */
export async function readStatus(fileSystem: FileSystem, paths: StatePaths): Promise<Status | null> {
  try {
    const text = (await readWholeFile(fileSystem, paths.status, MAX_FILE_BYTES)).toString('utf8');
    const value = JSON.parse(text) as Status;
    if (value.version !== 1) return null;
    const shown = new Set(value.runs.map(({ uuid }) => uuid));
    const settled = await readSettled<RunUploadStatus>(fileSystem, paths.settled);
    return { ...value, runs: [...value.runs, ...settled.filter(({ uuid }) => !shown.has(uuid))] };
  } catch {
    return null; // not written yet, or written by another version
  }
}

function countRun(inventory: Inventory, run: KnownRun, { stateOf, behindMs }: RunFacts): Totals {
  const { table } = inventory;
  const totals = { storedFiles: 0, storedBytes: 0, pendingFiles: 0, pendingBytes: 0, lagMs: 0 };
  let eventsLagMs = behindMs;
  for (const id of inventory.filesOf(run)) {
    if (!table.has(id, FLAG.onDisk)) continue;
    const state = stateOf(id);
    if (state === 'elsewhere') continue;
    const pendingBytes = state === 'unsent' ? inventory.pendingBytes(id) : 0;
    totals.pendingBytes += pendingBytes;
    totals.storedBytes += table.seenBytes[id]! - pendingBytes;
    if (state === 'unsent') {
      totals.pendingFiles += 1;
      totals.lagMs = Math.max(totals.lagMs, inventory.ageMs(id));
      if (inventory.classOf(id) === 'append') eventsLagMs = Math.max(eventsLagMs, inventory.ageMs(id));
    } else totals.storedFiles += 1;
  }
  return {
    ...totals,
    lagMs: Math.round(totals.lagMs),
    eventsLagMs: Math.round(eventsLagMs),
    lostBytes: run.lostBytes,
  };
}
