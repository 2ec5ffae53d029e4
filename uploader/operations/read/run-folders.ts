/**
 * The folders of the runs of a store, with as few requests as their number allows.
 *
 * With an index of many runs, the store lists only the names of the runs, and a run is read when its row is not enough: one that has no row, or one that
 * may have changed since. Otherwise all objects are listed, which shows for each run whether its row is current.
 */

import type { Clock } from '../../../src/base/clock.js';
import type { ListRunsOptions, RunFolder } from '../../../src/reading/run-source.js';
import { RUN_FILE, RUN_UUID_PATTERN, TENSORBOARD_DIRECTORY } from '../../../src/run-directory/layout.js';
import { inParallel } from '../../base/in-parallel.js';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import { parseSegmentKey } from '../../base/segment-key.js';
import type { StoredSegment } from '../../pipeline/commit/segments.js';
import { toCodedError } from '../../pipeline/manifest/stored-run.js';
import { type IndexRow, IndexRun } from '../../run-index/index-row.js';
import { type IndexAccess, readIndex } from '../../run-index/index-store.js';
import { toRunVersion } from '../../run-index/run-version.js';
import type { ListedObject, ObjectVersion } from '../../store/base/store.js';
import { IndexedFolder } from './indexed-folder.js';
import { StoredFolder } from './stored-folder.js';

const REQUESTS_AT_ONCE = 16;
/** Of so many runs, all objects are listed: a few pages. */
const FEW_RUNS = 200;
/** The names of so many runs are listed at once by their first digits. */
const MANY_RUNS = 2000;
const DIGITS = [...'0123456789abcdef'];
/** Of runs that have not ended, so many are listed to see whether they have changed: those whose rows are the newest. The rows of the others are used unchecked. */
const MAX_CHECKED = 8;
/** How long a listing of the names of all runs is used. Meanwhile new runs are found by their rows. */
const NAMES_MS = 30_000;
/** If more runs have no row, all objects are listed. */
const MAX_LISTED = 100;

interface StorePlace {
  readonly access: IndexAccess;
  /** The URL of the store, without a slash at the end. */
  readonly url: string;
  readonly clock: Clock;
}

/** Yields the folders of the runs in the order of their uuids. */
export async function* listRunFolders(
  place: StorePlace,
  { uuids = [''], signal }: ListRunsOptions,
): AsyncGenerator<RunFolder, void, void> {
  // A prefix of another one would list its runs twice.
  const distinct = uuids.filter((each) => !uuids.some((other) => other !== each && each.startsWith(other)));
  const prefixes = [...new Set(distinct)].sort();
  const areUuids = prefixes.every((each) => RUN_UUID_PATTERN.test(each));
  const usesIndex = place.access.store.listFolders !== undefined && !areUuids;
  const rows = usesIndex ? (await readIndex(place.access, signal)).rows : new Map<string, IndexRow>();
  if (rows.size > FEW_RUNS) {
    const names = await findNames(place, prefixes, rows, signal);
    const missing = names.filter((name) => !rows.has(name));
    if (missing.length <= MAX_LISTED) {
      yield* listIndexed(place, names, rows, signal);
      return;
    }
  }
  for (const prefix of prefixes)
    for await (const run of listRuns(place, prefix, signal))
      yield toFolder(place, run, rows.get(run.runUuid));
}

async function* listIndexed(
  place: StorePlace,
  names: readonly string[],
  rows: ReadonlyMap<string, IndexRow>,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunFolder, void, void> {
  const open = names.flatMap((name) => rows.get(name) ?? []).filter(({ isEnded }) => !isEnded);
  const checked = open.sort((a, b) => b.atMs - a.atMs).slice(0, MAX_CHECKED);
  const listed = [...names.filter((name) => !rows.has(name)), ...checked.map(({ uuid }) => uuid)];
  const folders = new Map<string, RunFolder | null>();
  await inParallel(REQUESTS_AT_ONCE, listed, async (name) => {
    const run = await listRun(place, name, signal);
    folders.set(name, run === null ? null : toFolder(place, run, rows.get(name)));
  });
  for (const name of names) {
    const row = rows.get(name);
    const folder = folders.get(name);
    if (folder === null) continue; // removed meanwhile
    if (folder !== undefined) yield folder;
    else if (row !== undefined) yield toIndexed(place, row);
  }
}

/** The sorted names of the runs whose uuids begin with one of the prefixes: from a listing of the last seconds and the rows of the index, or of a new listing. */
async function findNames(
  place: StorePlace,
  prefixes: readonly string[],
  rows: ReadonlyMap<string, IndexRow>,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const { cache } = place.access;
  const nowMs = place.clock.wallTime() * 1000;
  const known = await cache.readNames();
  if (known !== null && known.atMs <= nowMs && nowMs < known.atMs + NAMES_MS) {
    const others = new Set([...known.names, ...known.removed]);
    const added = [...rows.keys()].filter((uuid) => !others.has(uuid));
    const names = added.length === 0 ? known.names : [...known.names, ...added].sort();
    const isAll = prefixes.includes('');
    return isAll ? names : names.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
  }
  const names = await listNames(place, prefixes, rows.size, signal);
  if (prefixes.includes('')) {
    const listed = new Set(names);
    const removed = [...rows.keys()].filter((uuid) => !listed.has(uuid));
    await cache.writeNames({ atMs: nowMs, names, removed });
  }
  return names;
}

/** Lists the names of the runs whose uuids begin with one of the prefixes, sorted. */
async function listNames(
  { access: { store, retryPolicy } }: StorePlace,
  prefixes: readonly string[],
  expected: number,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const names = new Set<string>();
  const isSplit = expected >= MANY_RUNS;
  const parts = prefixes.flatMap((prefix) => (prefix === '' && isSplit ? DIGITS : [prefix]));
  await inParallel(REQUESTS_AT_ONCE, parts, async (prefix) => {
    // A listing that is repeated begins again.
    const open = () => store.listFolders!(prefix, signal);
    try {
      for await (const name of retryPolicy.streamWithRetry<string>('list the runs', open, signal))
        if (RUN_UUID_PATTERN.test(name)) names.add(name);
    } catch (error) {
      throw toCodedError(error);
    }
  });
  return [...names].sort();
}

interface FoundRun {
  readonly runUuid: string;
  readonly files: Map<string, ObjectVersion>;
  readonly segments: StoredSegment[];
}

async function listRun(
  place: StorePlace,
  runUuid: string,
  signal: AbortSignal | undefined,
): Promise<FoundRun | null> {
  for await (const run of listRuns(place, `${runUuid}/`, signal)) return run;
  return null;
}

/** Lists the objects whose keys begin with a prefix, and yields each run when all of its objects are listed. */
async function* listRuns(
  { access: { store, retryPolicy } }: StorePlace,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundRun, void, void> {
  const open = (last: ListedObject | undefined) => store.list(prefix, { after: last?.key, signal });
  let run = null as FoundRun | null;
  try {
    for await (const object of retryPolicy.streamWithRetry<ListedObject>('list the store', open, signal)) {
      const runUuid = object.key.slice(0, Math.max(0, object.key.indexOf('/')));
      if (!RUN_UUID_PATTERN.test(runUuid)) continue;
      if (run !== null && run.runUuid !== runUuid) yield run;
      if (run?.runUuid !== runUuid) run = { runUuid, files: new Map(), segments: [] };
      addObject(run, object);
    }
  } catch (error) {
    throw toCodedError(error);
  }
  if (run !== null) yield run;
}

function addObject({ runUuid, files, segments }: FoundRun, object: ListedObject): void {
  const path = object.key.slice(runUuid.length + 1);
  if (!path.startsWith(`${RESERVED_DIRECTORY}/`)) {
    files.set(path, { etag: object.etag, sizeBytes: object.sizeBytes });
    return;
  }
  const found = path.startsWith(`${RESERVED_DIRECTORY}/seg/`) ? parseSegmentKey(runUuid, object.key) : null;
  if (found !== null) segments.push({ ...found, object });
}

/** The folder of a run whose objects are listed; with its row, if that was derived from these objects. */
function toFolder(place: StorePlace, run: FoundRun, row: IndexRow | undefined): RunFolder {
  const { runUuid, files, segments } = run;
  const folder = new StoredFolder({
    ...{ access: place.access, runUuid, files, segments, location: toLocation(place, runUuid) },
  });
  const etag = files.get(RUN_FILE)?.etag;
  if (row === undefined || etag === undefined) return folder;
  const isCurrent = toRunVersion(etag, folder.listNow(TENSORBOARD_DIRECTORY)) === row.version;
  return isCurrent
    ? new IndexedFolder(folder, new IndexRun(row, folder.location), async () => folder)
    : folder;
}

/** The folder of a run whose objects are listed only if one of its files is needed. */
function toIndexed(place: StorePlace, row: IndexRow): RunFolder {
  const { uuid } = row;
  const location = toLocation(place, uuid);
  return new IndexedFolder({ uuid, location }, new IndexRun(row, location), async (signal) => {
    const found = await listRun(place, uuid, signal);
    return toFolder(place, found ?? { runUuid: uuid, files: new Map(), segments: [] }, undefined);
  });
}

function toLocation({ url }: StorePlace, runUuid: string): string {
  return `${url}/${runUuid}`;
}
