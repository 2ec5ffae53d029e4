/** The engine's view of the export of event files. */

import type { KnownRun } from '../inventory/known-run.js';

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
