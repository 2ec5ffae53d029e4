/** Compares a store with local files and manifests. Writes nothing but manifests. */

import { CodedError } from '../../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../../src/base/options.js';
import { guardUser } from '../../../src/base/user-callback.js';
import { NotARunError, StoreUnavailableError } from '../../base/errors.js';
import { inParallel } from '../../base/in-parallel.js';
import { expectStore, scanRuns } from '../../engine/context/listing.js';
import {
  UPLOADER_OPTIONS,
  UploaderContext,
  type UploaderOptions,
} from '../../engine/context/uploader-context.js';
import type { KnownRun } from '../../pipeline/inventory/known-run.js';
import { replayFiles } from '../../pipeline/journal/journal-files.js';
import type { Scanner } from '../../pipeline/scan/scanner.js';
import { checkConfig, type SyncConfig } from '../../settings/sync-config.js';
import type { RunVerification, VerifyReport } from './verify-report.js';
import { type VerifiedRun, verifyRun } from './verify-run.js';

/** Enough to hide the latency of many small runs. */
const RUNS_AT_ONCE = 4;

export interface VerifyOptions extends Omit<UploaderOptions, 'observer'> {
  /** Read every byte of every object and compare SHA-256, even where the store has a checksum. Default false. */
  readonly isDeep?: boolean | undefined;
  /** Compute SHA-256 of all local files, even where a manifest has it; this takes twice as long. Default false. */
  readonly isExact?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each file that was compared. */
  readonly onFile?: ((path: string, sizeBytes: number) => void) | undefined;
}
const { observer: _observer, ...SCAN_OPTIONS } = UPLOADER_OPTIONS;
export const VERIFY_OPTIONS: OptionTable<VerifyOptions> = {
  ...SCAN_OPTIONS,
  isDeep: 'boolean',
  isExact: 'boolean',
  signal: 'object',
  onFile: 'function',
};

/**
 * Compares the runs at a path with a store: local files by size and checksum, deleted files by their manifest. Writes a manifest for
 * each run that has ended and is completely stored. Throws a coded error when nothing can be verified, as `sync` does. When the store fails
 * later, the report has the error of each run that is not verified, and after an outage no further run is tried.
 */
export async function verify(config: SyncConfig, options: VerifyOptions = {}): Promise<VerifyReport> {
  checkConfig('verify', config);
  checkOptions('verify', options, VERIFY_OPTIONS);
  return withScannedRuns(config, options, async ({ context, scanner, runs, verifyOne }) => {
    const { signal } = options;
    const found = new Map<KnownRun, RunVerification>();
    let outage: StoreUnavailableError | null = null;
    try {
      await inParallel(RUNS_AT_ONCE, runs, async (run) => {
        const result = outage ?? (await verifyOrFail(() => verifyOne(run), signal));
        if (result instanceof StoreUnavailableError && result.concernsAllFiles) outage = result;
        found.set(run, result instanceof CodedError ? toNotVerified(run, result) : result.verification);
      });
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
    const isAborted = signal?.aborted === true;
    const unreadable = scanner.problems.filter(({ run }) => run === undefined).map(({ error }) => error);
    const verifications = runs.flatMap((run) => found.get(run) ?? []);
    return {
      root: context.place.root.toString(),
      store: context.store.id,
      isDeep: options.isDeep === true,
      isVerified:
        !isAborted && unreadable.length === 0 && verifications.every(({ problems }) => problems.length === 0),
      isAborted,
      durationMs: Math.round(context.clock.monotonicMs() - context.startMs),
      runs: verifications,
      unreadable,
      notices: context.notices,
    };
  });
}

/** Returns the coded error of a run that cannot be verified. An abort throws. */
async function verifyOrFail(
  verifyOne: () => Promise<VerifiedRun>,
  signal: AbortSignal | undefined,
): Promise<VerifiedRun | CodedError> {
  try {
    return await verifyOne();
  } catch (error) {
    if (signal?.aborted === true || !(error instanceof CodedError)) throw error;
    return error;
  }
}

function toNotVerified({ uuid, directory }: KnownRun, error: CodedError): RunVerification {
  return {
    runUuid: uuid,
    directory: String(directory),
    isLive: false,
    isCleaned: false,
    verified: { files: 0, bytes: 0, notLocal: 0 },
    problems: [{ path: '', finding: 'unreadable', message: `not verified: ${error.message}`, error }],
    leftOut: [],
    onlyInStore: 0,
    manifest: null,
  };
}

export interface ScannedRuns {
  readonly context: UploaderContext;
  readonly scanner: Scanner;
  readonly runs: readonly KnownRun[];
  readonly verifyOne: (run: KnownRun) => Promise<VerifiedRun>;
}

/** Scans a root, checks the store, and passes both to `work`. Needs no lock, because nothing is uploaded. */
export async function withScannedRuns<Result>(
  config: SyncConfig,
  options: VerifyOptions,
  work: (scanned: ScannedRuns) => Promise<Result>,
): Promise<Result> {
  const context = await UploaderContext.open(config, options, { isWatching: false });
  try {
    const { signal, onFile, isDeep = false } = options;
    const scanner = context.createScanner();
    const { io, paths, owner, inventory } = context;
    // The journal knows which directories have which runs; nothing else of it counts here.
    const onOwner = inventory.onOwner.bind(inventory);
    const onEntry = inventory.logDirectories.onEntry;
    await replayFiles(io.fileSystem, paths, owner, { onEntry, onSegment() {}, onOwner });
    const runs = await scanRuns(context, scanner, signal);
    const { unavailableReason } = context.rootWatch;
    if (unavailableReason !== null) throw new NotARunError(config.path, unavailableReason);
    await expectStore(context, signal);
    const problems = groupByRun(scanner.problems);
    const skipped = groupByRun(scanner.skipped);
    const verifyOne = async (run: KnownRun): Promise<VerifiedRun> => {
      const conflict = await context.owners.check(run, signal);
      return verifyRun(context, run, {
        isDeep,
        isExact: options.isExact === true,
        writesManifest: config.manifests,
        problems: [
          ...(conflict === null ? [] : [conflict]),
          ...(problems.get(run.index) ?? []).map(({ error }) => error),
        ],
        leftOut: (skipped.get(run.index) ?? []).map(({ path }) => path),
        signal,
        onFile: guardUser('onFile', onFile),
      });
    };
    return await work({ context, scanner, runs, verifyOne });
  } finally {
    if (options.store === undefined) await context.store.close();
  }
}

/** Groups once, because there may be as many runs as problems. */
function groupByRun<Item extends { readonly run?: number | undefined }>(
  items: readonly Item[],
): ReadonlyMap<number | undefined, Item[]> {
  const groups = new Map<number | undefined, Item[]>();
  for (const item of items) {
    const group = groups.get(item.run);
    if (group === undefined) groups.set(item.run, [item]);
    else group.push(item);
  }
  return groups;
}
