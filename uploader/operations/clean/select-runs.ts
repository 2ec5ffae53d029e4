/** Selects the runs that may be cleaned, oldest first. Pure. */

import type { OptionTable } from '../../../src/base/options.js';

export interface CleanRules {
  /** Only runs without a change for this long. */
  readonly olderThanMs?: number | undefined;
  /** Only runs with at least this many bytes on disk. */
  readonly largerThanBytes?: number | undefined;
  /** Keep this many of the newest runs. */
  readonly keep?: number | undefined;
}
export const CLEAN_RULES: OptionTable<CleanRules> = {
  olderThanMs: 'number',
  largerThanBytes: 'number',
  keep: 'number',
};

export interface LocalRun {
  readonly bytes: number;
  /** The newest modification time of its files, in milliseconds since the epoch. */
  readonly newestMs: number;
}

export type KeptReason = 'younger' | 'smaller' | 'newest' | 'enough-free' | 'not-checked';

/** Returns the runs, oldest first, each with the rule that keeps it, or null. */
export function selectRuns<Run extends LocalRun>(
  runs: readonly Run[],
  rules: CleanRules,
  nowMs: number,
): { readonly run: Run; readonly kept: KeptReason | null }[] {
  const { olderThanMs = 0, largerThanBytes = 0, keep = 0 } = rules;
  const ordered = [...runs].sort((a, b) => a.newestMs - b.newestMs);
  return ordered.map((run, index) => {
    if (index >= ordered.length - keep) return { run, kept: 'newest' as const };
    if (nowMs - run.newestMs < olderThanMs) return { run, kept: 'younger' as const };
    return { run, kept: run.bytes < largerThanBytes ? ('smaller' as const) : null };
  });
}
