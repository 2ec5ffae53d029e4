/**
 * The notifier: tells somebody else, such as an API, what the store has. It is told only of what was acknowledged, and may fall behind.
 *
 * Its work never delays an upload: what tells it of something returns at once, and what fails is the notifier's to repeat.
 */

import type { CodedError } from '../../../src/base/errors.js';
import type { Liveness } from '../../run-directory/run-liveness.js';
import type { ExportFacts } from './export-facts.js';

export interface StoredFile {
  readonly runUuid: string;
  /** Inside the run. */
  readonly relPath: string;
  readonly sizeBytes: number;
  readonly crc32: number;
}

export interface ObservedRun {
  readonly runUuid: string;
  readonly directory: string;
  /** Of runs that do not say where they belong. */
  readonly project: string | null;
  /** Default: `polyaxon`. */
  readonly kind?: 'polyaxon' | 'log-directory' | 'named' | undefined;
  /** For a run that has no name of its own. */
  readonly name?: string | undefined;
}

export interface RunCompletion {
  /** Paths of files that can never be stored. */
  readonly unsendable: readonly string[];
  /** Some of those were to be sent as files of the run. */
  readonly isPartial: boolean;
}

/** What the engine answers while it works. */
export interface StoredView {
  /** Whether the store has a file of a run, or anything in a directory of it, in some version. */
  hasStored(runUuid: string, path: string): boolean;
  storedFiles(runUuid: string): Iterable<string>;
}

/** How far somebody else knows of a run. */
export interface SyncedStatus {
  /**
   * `told`: everything. `pending`: more is to be told. `waiting`: nobody answers. `refused`: the API says no to all of it, and is asked again.
   */
  readonly state: 'told' | 'pending' | 'waiting' | 'refused';
  readonly lastError: { readonly code: string; readonly message: string; readonly hint: string } | null;
  /** Items that the API refuses for good, and what it has against them. */
  readonly refused: readonly { readonly item: string; readonly code: string; readonly message: string }[];
}

export interface RunObserver {
  /** Whether event files are to be projected for it. Default false. */
  readonly wantsExport?: boolean | undefined;
  onRun(run: ObservedRun): void;
  onStored(file: StoredFile): void;
  /** More of the run's event files is projected; `facts` stays true. Its files are told of by `onStored`, as all are. */
  onExported?(runUuid: string, facts: ExportFacts): void;
  /** Whether the run is written, as of the last look. Told again when it is another. */
  onLiveness?(runUuid: string, liveness: Liveness): void;
  /** The run has ended, and everything of it is stored but for what never can be. */
  onRunComplete(runUuid: string, options?: RunCompletion): void;
  /** Before a store is asked for it: makes the project of the server's address, where that is wanted. Never rejects for what an API says. */
  prepareProject?(signal?: AbortSignal): Promise<void>;
  /** Before anything is sent: makes known what files need to be known for. Never rejects for what an API says. */
  prepare?(signal?: AbortSignal): Promise<void>;
  /** Resolves once everybody knows what there is to know, or the signal is aborted, or there is no use in waiting. */
  flush(signal?: AbortSignal): Promise<void>;
  /** Undefined for a run that it does not know, or has nothing to say of. */
  statusOf?(runUuid: string): SyncedStatus | undefined;
  /** What was not told, and why. */
  problems?(): Iterable<{ readonly runUuid: string; readonly error: CodedError }>;
  close?(): Promise<void>;
}

/** Tells nobody. */
export const noObserver: RunObserver = {
  onRun: () => undefined,
  onStored: () => undefined,
  onRunComplete: () => undefined,
  flush: async () => undefined,
};
