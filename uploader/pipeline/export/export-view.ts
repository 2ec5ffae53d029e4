/** What the engine asks of the projection of event files. */

import type { KnownRun } from '../inventory/known-run.js';

/**
 * `settled`: all that is known of a run's event files is projected, and the files that were made of them are known. `busy`: more is to come.
 * `failed`: not now, for a reason that may last.
 */
export type ExportOutcome = 'settled' | 'busy' | 'failed';

export interface ExportView {
  outcomeOf(run: KnownRun): ExportOutcome;
  /** How long event files have had something that is not projected; 0 when they have not. */
  behindMs(run: KnownRun): number;
  /** A run has ended, and all of it is stored: what is kept of it in memory is not needed any more. */
  onComplete(run: KnownRun): void;
}

/** Where nothing is projected. */
export const NO_EXPORT: ExportView = {
  outcomeOf: () => 'settled',
  behindMs: () => 0,
  onComplete: () => undefined,
};
