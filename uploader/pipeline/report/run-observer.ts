/**
 * The observer reports acknowledged commits to another system, such as an API. It may fall behind.
 *
 * It never delays an upload: its notification methods return immediately, and it retries failures on its own schedule.
 */

import type { CodedError } from '../../../src/base/errors.js';
import type { Liveness } from '../../run-directory/run-liveness.js';
import type { ExportFacts } from './export-facts.js';

export interface StoredFile {
  readonly runUuid: string;
  /** Path inside the run. */
  readonly relPath: string;
  readonly sizeBytes: number;
  readonly crc32: number;
}

export interface ObservedRun {
  readonly runUuid: string;
  readonly directory: string;
  /** Project for runs that do not name one. */
  readonly project: string | null;
  /** Default: `polyaxon`. */
  readonly kind?: 'polyaxon' | 'log-directory' | 'named' | undefined;
  /** Name for a run that has none. */
  readonly name?: string | undefined;
}

export interface RunCompletion {
  /** Paths of files that can never be stored. */
  readonly unsendable: readonly string[];
  /** Some of them are files of the run that should have been sent. */
  readonly isPartial: boolean;
}

/** The engine's answers about stored files. */
export interface StoredView {
  /** Returns true when the store has any version of a file of a run, or any file in a directory of it. */
  hasStored(runUuid: string, path: string): boolean;
  storedFiles(runUuid: string): Iterable<string>;
}

/** How much of a run has been reported. */
export interface SyncedStatus {
  /**
   * `synced`: everything is reported. `pending`: not all yet. `waiting`: the API is unavailable. `rejected`: the API rejects the run; it is retried.
   */
  readonly state: 'synced' | 'pending' | 'waiting' | 'rejected';
  readonly lastError: { readonly code: string; readonly message: string; readonly hint: string } | null;
  /** Items that the API rejects permanently, and why. */
  readonly refused: readonly { readonly item: string; readonly code: string; readonly message: string }[];
}

export interface RunObserver {
  /** Whether the observer needs event files to be exported. Default false. */
  readonly wantsExport?: boolean | undefined;
  onRun(run: ObservedRun): void;
  /** The directory of the run is gone: nothing more can be reported. */
  onRunGone?(runUuid: string): void;
  onStored(file: StoredFile): void;
  /**
   * The store lists these new files of a run with their sizes; their content is still being proven. The observer may report them already, until
   * the signal is aborted.
   */
  onListed?(runUuid: string, relPaths: readonly string[], signal: AbortSignal): void;
  /** More of the run's event files is exported; `facts` stays current. Generated files are reported through `onStored`, like all files. */
  onExported?(runUuid: string, facts: ExportFacts): void;
  /** The liveness of the run's writer, as of the last check. Called again when it changes. */
  onLiveness?(runUuid: string, liveness: Liveness): void;
  /** The run has ended, and all files are stored except those that can never be. */
  onRunComplete(runUuid: string, options?: RunCompletion): void;
  /** Creates the project on the server, if enabled. Called before the store is used. Never rejects because of an API response. */
  prepareProject?(signal?: AbortSignal): Promise<void>;
  /** Asks the server about the first runs while the store is being listed. Never rejects because of an API response. */
  lookAhead?(signal?: AbortSignal): Promise<void>;
  /** Registers everything that uploads require. Called before anything is sent. Never rejects because of an API response. */
  prepare?(signal?: AbortSignal): Promise<void>;
  /** Resolves once all notifications are delivered, the signal is aborted, or waiting is pointless. */
  flush(signal?: AbortSignal): Promise<void>;
  /** Returns the status of a run; undefined for an unknown run, or one without a status. */
  statusOf?(runUuid: string): SyncedStatus | undefined;
  /** Returns the notifications that failed, and why. */
  problems?(): Iterable<{ readonly runUuid: string; readonly error: CodedError }>;
  close?(): Promise<void>;
}

/** An observer that does nothing. */
export const noObserver: RunObserver = {
  onRun: () => undefined,
  onStored: () => undefined,
  onRunComplete: () => undefined,
  flush: async () => undefined,
};

/** Keeps something about runs in the store, beside the observer. */
export type RunListener = Pick<RunObserver, 'onRunComplete' | 'flush'> &
  Partial<Pick<RunObserver, 'onRunGone' | 'onStored' | 'onLiveness' | 'close'>>;

/** Returns an observer that also passes its notifications to `listener`. */
export function withListener(observer: RunObserver, listener: RunListener): RunObserver {
  return {
    get wantsExport() {
      return observer.wantsExport;
    },
    onRun: (run) => observer.onRun(run),
    onListed: (runUuid, relPaths, signal) => observer.onListed?.(runUuid, relPaths, signal),
    onExported: (runUuid, facts) => observer.onExported?.(runUuid, facts),
    prepareProject: async (signal) => observer.prepareProject?.(signal),
    lookAhead: async (signal) => observer.lookAhead?.(signal),
    prepare: async (signal) => observer.prepare?.(signal),
    statusOf: (runUuid) => observer.statusOf?.(runUuid),
    problems: () => observer.problems?.() ?? [],
    onRunGone(runUuid) {
      observer.onRunGone?.(runUuid);
      listener.onRunGone?.(runUuid);
    },
    onStored(file) {
      observer.onStored(file);
      listener.onStored?.(file);
    },
    onLiveness(runUuid, liveness) {
      observer.onLiveness?.(runUuid, liveness);
      listener.onLiveness?.(runUuid, liveness);
    },
    onRunComplete(runUuid, completion) {
      observer.onRunComplete(runUuid, completion);
      listener.onRunComplete(runUuid, completion);
    },
    async flush(signal) {
      await Promise.all([observer.flush(signal), listener.flush(signal)]);
    },
    async close() {
      await Promise.all([observer.close?.(), listener.close?.()]);
    },
  };
}
