/** Determines the status of roots and stores from another process, without taking the lock and without contacting the store. */

import { formatCount } from '../../base/format.js';
import type { Io } from '../../base/io/io.js';
import { findHolder } from '../../base/io/lock-file.js';
import type { FileId } from '../../pipeline/inventory/file-table.js';
import { Inventory } from '../../pipeline/inventory/inventory.js';
import { replayFiles } from '../../pipeline/journal/journal-files.js';
import { type StatePaths, toStatePaths } from '../../pipeline/journal/state-directory.js';
import { RootWatch } from '../../pipeline/scan/root-watch.js';
import { locate, type Place } from '../../run-directory/locate-runs.js';
import { checkConfig, type SyncConfig } from '../../settings/sync-config.js';
import { parseStoreUrl, storeIdOf } from '../../store/open-store.js';
import { createScanner } from '../context/create-scanner.js';
import { isKnownPlace } from '../context/run-owners.js';
import { describeRuns, type FoundRun } from './describe-runs.js';
import {
  type RunUploadStatus,
  readAllStatus,
  readStatus,
  type Status,
  type StatusProblem,
  sumUpRuns,
  toProblems,
  toRunStatus,
} from './status-file.js';

export interface FoundStatus extends Omit<Status, 'runs'> {
  readonly runs: readonly FoundRun[];
  /** Whether an uploader is running. If not, or while it is starting, the status was computed now from the journal and the disk. */
  readonly isRunning: boolean;
  /** The age of the status. */
  readonly ageMs: number;
}

/** A watch writes its status every 30 seconds. */
const MAX_AGE_SECONDS = 90;
const IGNORED = { onUnavailable: () => undefined, onBack: () => undefined };

/** Returns the status of the configured path and store. Throws a coded error for an unusable configuration, and the reason of an aborted signal. */
export async function findStatus(config: SyncConfig, io: Io, signal?: AbortSignal): Promise<FoundStatus> {
  checkConfig('findStatus', config);
  const place = await locate(io.fileSystem, config.path, { mayBeMissing: true });
  const store = storeIdOf(config.store, { s3: config.s3, polyaxonHost: () => config.polyaxon?.().host });
  const location = parseStoreUrl(config.store);
  const storePath = location.scheme === 'file' ? location.path : null;
  const paths = toStatePaths(config.stateDirectory, place.root, store);
  const written = await readStatus(io.fileSystem, paths);
  return findOne({ config, io, place, paths, store, storePath, written }, signal);
}

/** Returns the status of the configured path for each store that the state directory knows for it, whatever store the configuration has. */
export async function findKnownStatus(
  config: SyncConfig,
  io: Io,
  signal?: AbortSignal,
): Promise<FoundStatus[]> {
  checkConfig('findKnownStatus', config);
  const place = await locate(io.fileSystem, config.path, { mayBeMissing: true });
  const root = place.root.toString();
  const found: FoundStatus[] = [];
  for await (const { paths, status } of readAllStatus(io.fileSystem, config.stateDirectory)) {
    if (status.root !== root) continue;
    const { store } = status;
    const storePath = store.startsWith(FILE_SCHEME) ? store.slice(FILE_SCHEME.length) : null;
    found.push(await findOne({ config, io, place, paths, store, storePath, written: status }, signal));
  }
  return found;
}

const FILE_SCHEME = 'file://';

interface Known {
  readonly config: SyncConfig;
  readonly io: Io;
  readonly place: Place;
  readonly paths: StatePaths;
  readonly store: string;
  /** The path of a store that is a directory. */
  readonly storePath: string | null;
  /** The last status that an uploader has written. */
  readonly written: Status | null;
}

/** Returns what the running uploader has written, if it has; else compares the journal with the disk. */
async function findOne(known: Known, signal: AbortSignal | undefined): Promise<FoundStatus> {
  const { config, io, place, paths, store, storePath, written } = known;
  const holder = await findHolder(paths.lock, io);
  if (written !== null && holder !== null && isCurrent(written, holder, io)) {
    const runs = written.runs.filter(({ directory }) => isBelow(directory, place.start.toString()));
    return toFound({ ...written, runs, total: sumUpRuns(runs) }, true, io);
  }
  const inventory = new Inventory({ clock: io.clock });
  const hostId = (await io.hostId?.()) ?? 'one host';
  const rootWatch = new RootWatch(io.fileSystem, place.start, IGNORED);
  const onNotice = (): void => undefined;
  const scanner = createScanner({
    ...{ config, io, place, hostId, rootWatch, storePath, onNotice },
    sink: inventory,
    isWatching: false,
    isKnownPlace: (runUuid, directory) => isKnownPlace({ inventory, io, hostId }, runUuid, directory),
    lastStored: (runUuid, directory) => inventory.logDirectories.lastStored(runUuid, directory),
  });
  await replayFiles(io.fileSystem, paths, { rootKey: paths.rootKey, hostId }, inventory);
  await scanner.scanAll(signal);
  signal?.throwIfAborted();
  const last = new Map(written?.runs.map((run) => [run.uuid, run]));
  // This process does not ask the store: it reports what earlier processes have recorded.
  const stateOf = (id: FileId) =>
    inventory.isProven(id, true) && inventory.runOf(id).conflict === null ? 'unchanged' : 'unsent';
  const runs = inventory.runs
    .filter(({ directory }) => directory !== null)
    .map((run) =>
      toRunStatus(inventory, run, config.project, { phase: 'unknown', stateOf, behindMs: 0, api: undefined }),
    )
    .map((run) => withLast(run, last.get(run.uuid)));
  const facts = { pid: holder?.pid ?? null, reason: null, storeOutageMs: null, isStateless: false };
  const state = holder === null ? 'idle' : 'starting';
  const problems = [...toProblems(scanner), ...(await findEmptied(inventory, known))];
  const found = { root: place.root.toString(), store, updatedAt: io.clock.wallTime(), runs, problems };
  return toFound({ version: 1, ...found, total: sumUpRuns(runs), ...facts, state }, holder !== null, io);
}

/**
 * Whether the holder of the lock has written the status, and is likely to be alive. A sync writes its status only at its end, and an uploader
 * that was killed leaves its last one behind, and on another host its lock too: then journal and disk say more.
 */
function isCurrent(
  { state, pid, lock, updatedAt }: Status,
  holder: { readonly pid: number; readonly token: string },
  { clock }: Io,
): boolean {
  const isOfHolder = lock == null ? pid === holder.pid : lock === holder.token;
  return isOfHolder && state !== 'ended' && Math.abs(clock.wallTime() - updatedAt) < MAX_AGE_SECONDS;
}

/**
 * A directory that has lost all of its runs, and everything else: most likely a volume that is not mounted. The journal has no run of which nothing
 * was stored, but the last report has.
 */
async function findEmptied(
  { runs }: Inventory,
  { place: { start }, written, io }: Known,
): Promise<StatusProblem[]> {
  const reported = written?.runs.filter(({ directory }) => isBelow(directory, start.toString())) ?? [];
  const count = Math.max(runs.length, reported.length);
  if (count === 0 || runs.some(({ directory }) => directory !== null)) return [];
  const names = await io.fileSystem.readDirectory(start).catch(() => null); // the scan has reported why
  if (names === null || names.length > 0) return [];
  const path = start.toString();
  const message = `${path}: it is empty, but had ${formatCount(count, 'run')} at the last upload`;
  return [{ path, code: 'ERR_FILE_UNREADABLE', message }];
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}

/** Returns the last status of each uploader in a state directory. */
export async function listStatus(stateDirectory: string, io: Io): Promise<FoundStatus[]> {
  const found: FoundStatus[] = [];
  for await (const { paths, status } of readAllStatus(io.fileSystem, stateDirectory))
    found.push(await toFound(status, (await findHolder(paths.lock, io)) !== null, io));
  return found;
}

/** Adds the values that only the running uploader knew. */
function withLast(run: RunUploadStatus, last: RunUploadStatus | undefined): RunUploadStatus {
  return last === undefined
    ? run
    : {
        ...run,
        lastError: run.lastError ?? last.lastError,
        api: last.api ?? null,
        lostBytes: last.lostBytes,
      };
}

async function toFound(status: Status, isRunning: boolean, io: Io): Promise<FoundStatus> {
  const ageMs = Math.max(0, Math.round((io.clock.wallTime() - status.updatedAt) * 1000));
  return { ...status, runs: await describeRuns(io, status.root, status.runs), isRunning, ageMs };
}
