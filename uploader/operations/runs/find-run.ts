/**
 * Finds the run that an argument of a command names, in one place for all commands:
 *
 *     plx-runs/runs/<uuid>          a path that exists
 *     baseline, 3f2a, latest        a run in the default roots (uploader/run-directory/offline-roots.ts)
 *     /data/plx-runs/baseline       a run in this root
 *     s3://bucket/prefix/baseline   a run in this store
 *
 * A path that exists is never taken for a name.
 */

import { resolve } from 'node:path';
import { CodedError } from '../../../src/base/errors.js';
import { loadRuns } from '../../../src/reading/load-runs.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import { createLocalSource } from '../../../src/reading/local-source.js';
import type { RunSource } from '../../../src/reading/run-source.js';
import { RUN_UUID_PATTERN, RUNS_DIRECTORY } from '../../../src/run-directory/layout.js';
import { ConfigError, RunUnknownError } from '../../base/errors.js';
import type { Io } from '../../base/io/io.js';
import { findStat } from '../../base/io/resolve-existing.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { findOfflineRoots } from '../../run-directory/offline-roots.js';
import { parseRunUrl } from '../pull/run-url.js';
import { matchRun } from './match-run.js';

/** What is needed to find runs on disk. */
export interface DiskAccess {
  readonly io: Io;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

interface RunAccess extends DiskAccess {
  /** Opens a store by its URL. */
  readonly openStore: (url: string) => Promise<RunSource>;
}

/** A run, and the source that it was found in. The caller closes the source. */
export interface FoundRun {
  readonly run: LoadedRun;
  readonly source: RunSource;
}

/** Finds the run that a reference names, on disk or in a store. Throws coded errors, such as `RunUnknownError` and `RunAmbiguousError`. */
export async function findRun(reference: string, access: RunAccess): Promise<FoundRun> {
  if (reference.includes('://')) return findStoredRun(reference, access);
  const path = (await exists(reference, access)) ? reference : await findPath(reference, access);
  const source = createLocalSource(path ?? reference);
  const runs = await collectRuns([source], access);
  const [run, ...others] = runs;
  if (run !== undefined && others.length === 0) return { run, source };
  if (run === undefined) throw new RunUnknownError(reference, source.location, []);
  const hint = `Name one of its runs, such as ${reference.replace(/\/+$/, '')}/${run.name ?? run.uuid}, or the latest: ${reference.replace(/\/+$/, '')}/latest.`;
  throw new ConfigError(`${reference}: has ${runs.length} runs, expected one`, hint);
}

/**
 * Returns the path that an argument means: itself if it exists, or else the directory of the run that it names in a root. An argument stays where
 * no root is, and with `mayBeMissing` also where no run has this name: the command says what it expects. Throws `RunUnknownError` and
 * `RunAmbiguousError`.
 */
export async function findRunPath(
  argument: string,
  access: DiskAccess,
  { mayBeMissing = false }: { readonly mayBeMissing?: boolean } = {},
): Promise<string> {
  if (await exists(argument, access)) return argument;
  try {
    return (await findPath(argument, access)) ?? argument;
  } catch (error) {
    if (mayBeMissing && error instanceof RunUnknownError) return argument;
    throw error;
  }
}

async function findPath(reference: string, access: DiskAccess): Promise<string | null> {
  const { roots, name } = await findRoots(reference, access);
  if (roots.length === 0 || name === '') return null;
  const uuids = RUN_UUID_PATTERN.test(name) ? [name] : undefined;
  const runs = await collectRuns(roots.map(createLocalSource), access, uuids);
  return matchRun(name, runs, { place: roots.join(', '), nowMs: nowMs(access) }).location;
}

/** The roots in which a name is searched: the directory before it, or the default roots. */
export async function findRoots(
  reference: string,
  { io, environment }: DiskAccess,
): Promise<{ readonly roots: readonly string[]; readonly name: string }> {
  const parts = reference.split('/');
  for (let length = parts.length - 1; length > 0; length--) {
    const root = resolve(parts.slice(0, length).join('/') || '/');
    const name = parts.slice(length).join('/');
    const runs = await findStat(io.fileSystem, `${root}/${RUNS_DIRECTORY}`);
    if (runs?.kind === 'directory') return { roots: [root], name };
  }
  if (/^(?:\.{0,2}\/|~)/.test(reference)) return { roots: [], name: reference };
  return { roots: (await findOfflineRoots(environment, io.fileSystem)).found, name: reference };
}

/** Finds the run of a URL: `<store>/<uuid>`, or the store and the name of a run after the last `/`. */
function findStoredRun(url: string, access: RunAccess): Promise<FoundRun> {
  return findInStore(parseReferenceUrl(url), access, url);
}

/** The URL of a store, and the name, uuid or prefix of the uuid of one of its runs, or `latest`. */
interface StoredReference {
  readonly store: string;
  readonly reference: string;
}

/** `url`: what the user wrote, if it may be the URL of a store without a run. */
async function findInStore(
  { store, reference }: StoredReference,
  access: RunAccess,
  url?: string,
): Promise<FoundRun> {
  if (url !== undefined && !RUN_UUID_PATTERN.test(reference)) await checkIsNoStore(url, access);
  const source = await access.openStore(store);
  try {
    const uuids = RUN_UUID_PATTERN.test(reference) ? [reference] : undefined;
    const runs = await collectRuns([source], access, uuids);
    return { run: matchRun(reference, runs, { place: store, nowMs: nowMs(access) }), source };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Throws `ConfigError` if a URL is that of a store with runs: without this check, all of the place above it would be listed. */
async function checkIsNoStore(url: string, access: RunAccess): Promise<void> {
  let source: RunSource | undefined;
  let hasRuns = false;
  try {
    source = await access.openStore(url);
    for await (const _run of source.listRuns({ signal: access.signal })) {
      hasRuns = true;
      break;
    }
  } catch (error) {
    // There is no such directory or prefix, so it can only be the name of a run.
    if (!(error instanceof CodedError)) throw error;
  } finally {
    await source?.close();
  }
  const place = url.replace(/\/+$/, '');
  if (hasRuns)
    throw new ConfigError(
      `${url}: is a store, expected a run`,
      `Name one of its runs, such as ${place}/latest.`,
    );
}

/** Returns the uuid of a run in a store. A full uuid is not looked up. `url`: as in `findInStore`. */
export async function findStoredUuid(
  { store, reference }: StoredReference,
  access: RunAccess,
  url?: string,
): Promise<string> {
  if (RUN_UUID_PATTERN.test(reference)) return reference;
  const { run, source } = await findInStore({ store, reference }, access, url);
  await source.close();
  // Runs of a store are found by their uuid.
  return run.uuid ?? reference;
}

/** Returns several runs of one source, each once. Full uuids are looked up only as such. Throws `RunUnknownError` and `RunAmbiguousError`. */
export async function findRuns(
  source: RunSource,
  references: readonly string[],
  access: Pick<RunAccess, 'io' | 'signal'>,
): Promise<LoadedRun[]> {
  const areUuids = references.every((reference) => RUN_UUID_PATTERN.test(reference));
  const runs = await collectRuns([source], access, areUuids ? references : undefined);
  const context = { place: source.location, nowMs: nowMs(access) };
  return [...new Set(references.map((reference) => matchRun(reference, runs, context)))];
}

/** Splits the URL of a run into the store and the reference to the run. */
export function parseReferenceUrl(url: string): StoredReference {
  const { store, runUuid, path } = parseRunUrl(url);
  if (runUuid !== null && path === '') return { store, reference: runUuid };
  const [, before = '', last = ''] = /^(.*:\/\/.*)\/([^/]+)\/*$/.exec(url) ?? [];
  // The directory `/` is no store, and listing it would read the whole disk.
  if (runUuid === null && last !== '' && before !== 'file://')
    return { store: before.endsWith(':/') ? `${before}/` : before, reference: last };
  throw new ConfigError(
    `${url}: not the URL of a run`,
    'Append the name of the run, a prefix of its uuid, or latest: s3://bucket/prefix/latest.',
  );
}

/** Reads the records of all runs. */
export async function collectRuns(
  sources: readonly RunSource[],
  { signal }: Pick<RunAccess, 'signal'>,
  uuids?: readonly string[],
): Promise<LoadedRun[]> {
  const runs: LoadedRun[] = [];
  for (const source of sources) for await (const run of loadRuns(source, { uuids, signal })) runs.push(run);
  return runs;
}

/** Also true for a path that cannot be examined: the command says why. */
async function exists(path: string, { io }: Pick<RunAccess, 'io'>): Promise<boolean> {
  try {
    return (await findStat(io.fileSystem, path)) !== null;
  } catch (error) {
    return systemErrorCode(error) !== 'ENAMETOOLONG';
  }
}

function nowMs({ io }: Pick<RunAccess, 'io'>): number {
  return io.clock.wallTime() * 1000;
}
