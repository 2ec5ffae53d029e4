/** Reads the runs of a root, a run directory or a store, one after the other. */

import { inBackground } from '../base/background.js';
import { describe } from '../base/describe.js';
import { InvalidArgumentError } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { LoadedRun } from './loaded-run.js';
import { createLocalSource } from './local-source.js';
import { readRunFields } from './run-fields.js';
import type { RunFolder, RunSource } from './run-source.js';
import { createStoreSource } from './store-source.js';

export interface LoadRunsOptions {
  /** Uuids of runs, or their first digits. Default: all runs. */
  readonly uuids?: readonly string[] | undefined;
  /** The number of run files that are read ahead. Default 8. */
  readonly readAhead?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
const LOAD_OPTIONS: OptionTable<LoadRunsOptions> = { uuids: 'any', readAhead: 'any', signal: 'object' };

/** Runs that are read while they are iterated over, again each time. */
export interface LoadedRuns extends AsyncIterable<LoadedRun>, AsyncDisposable {
  /** Closes connections. Not needed before the process ends. */
  close(): Promise<void>;
}

const DEFAULT_READ_AHEAD = 8;
const STORE_URL = /^[a-z][a-z0-9+.-]*:\/\//i;
const UUID_DIGITS = /^[0-9a-f]{1,32}$/;

/**
 * Reads runs: those below a root, that of a run directory, or those of a store (`s3://bucket/prefix`). Reads the record of a run when the run is
 * asked for, and its metrics only on request.
 *
 * A run whose files are damaged is among the runs, with `problems`. Throws `ERR_OPTION_INVALID`. The iteration throws `ERR_RUNS_NOT_FOUND`, errors
 * of the store, and the reason of an aborted signal.
 */
export function loadRuns(source: string | URL | RunSource, options: LoadRunsOptions = {}): LoadedRuns {
  checkOptions('loadRuns', options, LOAD_OPTIONS);
  const uuids = parseUuids(options.uuids);
  const readAhead = options.readAhead ?? DEFAULT_READ_AHEAD;
  if (!Number.isInteger(readAhead) || readAhead < 1 || readAhead > 256)
    throw invalidOption('readAhead', readAhead, 'a whole number from 1 to 256');
  const runs = createSource(source);
  const { signal } = options;
  return {
    [Symbol.asyncIterator]: () => iterate(runs, { uuids, readAhead, signal }),
    close: () => runs.close(),
    [Symbol.asyncDispose]: () => runs.close(),
  };
}

interface Query {
  readonly uuids: readonly string[] | undefined;
  readonly readAhead: number;
  readonly signal: AbortSignal | undefined;
}

async function* iterate(source: RunSource, query: Query): AsyncGenerator<LoadedRun, void, void> {
  const { uuids, readAhead, signal } = query;
  const pending: Promise<LoadedRun>[] = [];
  const isWanted = ({ uuid }: LoadedRun): boolean =>
    uuids === undefined || uuids.some((each) => uuid?.startsWith(each));
  for await (const folder of source.listRuns({ uuids, signal })) {
    // A run of an index needs no waiting: 10,000 of them take a third of the time.
    if (folder.indexed !== undefined && pending.length === 0) {
      const known = new LoadedRun(folder.indexed.fields, folder);
      if (isWanted(known)) yield known;
      continue;
    }
    const run = readRun(folder, signal);
    // A failure is thrown when it is this run's turn.
    inBackground(run, () => undefined);
    pending.push(run);
    if (pending.length < readAhead) continue;
    const next = await pending.shift()!;
    signal?.throwIfAborted();
    if (isWanted(next)) yield next;
  }
  for (const run of pending) {
    const next = await run;
    signal?.throwIfAborted();
    if (isWanted(next)) yield next;
  }
}

async function readRun(folder: RunFolder, signal: AbortSignal | undefined): Promise<LoadedRun> {
  return new LoadedRun(folder.indexed?.fields ?? (await readRunFields(folder, signal)), folder);
}

function createSource(source: string | URL | RunSource): RunSource {
  if (source instanceof URL) return createStoreSource(source.href);
  if (typeof source === 'string' && STORE_URL.test(source)) return createStoreSource(source);
  if (typeof source === 'string' && source !== '') return createLocalSource(source);
  if (typeof source === 'object' && source !== null && 'listRuns' in source) return source;
  throw invalidOption('source', source, 'a path, a URL or an object of openRunSource');
}

function parseUuids(uuids: unknown): readonly string[] | undefined {
  if (uuids === undefined) return undefined;
  const expected = 'an array of uuids, or of their first digits';
  if (!Array.isArray(uuids)) throw invalidOption('uuids', uuids, expected);
  return uuids.map((each: unknown) => {
    const digits = typeof each === 'string' ? each.replaceAll('-', '').toLowerCase() : '';
    if (!UUID_DIGITS.test(digits)) throw invalidOption('uuids', each, expected);
    return digits;
  });
}

function invalidOption(name: string, value: unknown, expected: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `loadRuns: ${name} is ${describe(value)}, expected ${expected}`,
    `Pass ${expected}.`,
  );
}
