/** The engine's view of the export of event files, and the export's view of the engine. */

import type { Clock } from '../../../src/base/clock.js';
import type { FileSystem } from '../../base/io/file-system.js';
import type { Liveness } from '../../run-directory/run-liveness.js';
import type { StoreNotice } from '../../store/base/store.js';
import type { Inventory } from '../inventory/inventory.js';
import type { KnownRun } from '../inventory/known-run.js';
import type { RunObserver } from '../report/run-observer.js';
import type { OpenPolicy } from '../source/local-file.js';

/** The part of the uploader that the export needs. */
export interface ExportContext {
  readonly clock: Clock;
  readonly io: { readonly fileSystem: FileSystem };
  readonly config: { readonly manifests: boolean };
  readonly isWatching: boolean;
  /** Whether the uploader generates Polyaxon event files. */
  readonly convertsEvents: boolean;
  /** `exports`: the directory for generated files. */
  readonly paths: { readonly exports: string };
  readonly inventory: Inventory;
  /** By the index of the run. */
  readonly livenessByRun: ReadonlyMap<number, { readonly liveness: Liveness }>;
  readonly observer: Pick<RunObserver, 'onExported' | 'wantsExport'>;
  readonly runKeepers: { push(keeper: { onRunGone(run: KnownRun): void }): void };
  readonly openPolicy: () => OpenPolicy;
  readonly onNotice: (notice: StoreNotice) => void;
  /** Whether the run is still being written, as far as is known. */
  isLive(run: KnownRun): boolean;
  /** Whether this uploader exports and reports the run. */
  isOurs(run: KnownRun): boolean;
}

/**
 * `settled`: everything known of the run's event files is exported, and the inventory has the generated files. `busy`: the export is
 * not finished. `failed`: the export cannot proceed at present, for a reason that may persist.
 */
export type ExportOutcome = 'settled' | 'busy' | 'failed';

export interface ExportView {
  outcomeOf(run: KnownRun): ExportOutcome;
  /** Returns how long event files have had content that is not exported; 0 when all of it is exported. */
  behindMs(run: KnownRun): number;
  /** Frees the memory of a run that has ended and is completely stored. */
  onComplete(run: KnownRun): void;
}

/** The view when nothing is exported. */
export const NO_EXPORT: ExportView = {
  outcomeOf: () => 'settled',
  behindMs: () => 0,
  onComplete: () => undefined,
};
