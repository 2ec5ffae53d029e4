/** Reports what the scan has decided about log directories of third-party writers. */

import type { DirectoryNode, LayoutReason, SkippedPath } from './directory-node.js';

/** What a log directory is: a run, a part of one, or none. */
export interface LogPlace {
  /** Relative to the root, encoded; empty for the root. */
  readonly path: string;
  /** The directory of its run, in the same form; null if it belongs to no run. */
  readonly runPath: string | null;
  readonly runUuid: string | null;
  readonly reason: LayoutReason;
  /** It was stored in another run than it would be in now, and stays there (`kept`), or is stored again because the user wants it (`replaced`). */
  readonly storedElsewhere: 'kept' | 'replaced' | null;
}

/** Null for directories without event files, and for those that nothing is decided about. */
export function toLogPlace(node: DirectoryNode): LogPlace | null {
  const { rootPath, layout, home, isGone, log, storedElsewhere } = node;
  if (isGone || log === null || layout === null) return null;
  const run = layout.kind === 'undecided' ? null : home;
  return {
    path: rootPath,
    runPath: run?.node.rootPath ?? null,
    runUuid: run?.runUuid ?? null,
    reason: layout.reason,
    storedElsewhere,
  };
}

/** The event files of log directories that are no runs: nothing is logged in them but, at most, the configuration of a sweep. */
export function emptyLogs({ home, layout, log, rootPath }: DirectoryNode): SkippedPath[] {
  if (home !== null || layout?.kind !== 'undecided' || log === null) return [];
  const reason = layout.reason === 'hparams-configuration' ? 'hparams-configuration' : 'no-events';
  return log.names.map((name) => ({ path: rootPath === '' ? name : `${rootPath}/${name}`, reason }));
}
