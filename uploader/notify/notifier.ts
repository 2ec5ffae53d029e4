/**
 * The notifier: tells somebody else, such as an API, what the store has. It is told only of what was acknowledged, and may fall behind.
 *
 * Its work never delays an upload: `onStored` returns at once, and what fails is the notifier's to repeat.
 */

import type { ProjectedFacts } from '../projected/projected-facts.js';

export interface StoredFile {
  readonly runUuid: string;
  /** Inside the run. */
  readonly relPath: string;
  readonly sizeBytes: number;
  readonly crc32: number;
}

export interface Notifier {
  /** Whether event files are to be projected for it. Default false. */
  readonly wantsProjection?: boolean | undefined;
  onRun(run: { readonly runUuid: string; readonly directory: string; readonly project: string | null }): void;
  onStored(file: StoredFile): void;
  /** More of the run's event files is projected; `facts` stays true. Its files are told of by `onStored`, as all are. */
  onProjected?(runUuid: string, facts: ProjectedFacts): void;
  /** The run has ended, and everything of it is stored. */
  onRunComplete(runUuid: string): void;
  /** Resolves once everybody knows what there is to know, or the signal is aborted. */
  flush(signal?: AbortSignal): Promise<void>;
}

/** Tells nobody. */
export const silentNotifier: Notifier = {
  onRun: () => undefined,
  onStored: () => undefined,
  onRunComplete: () => undefined,
  flush: async () => undefined,
};
