/** Creates the committer's context and the work queue from the uploader's context. */

import { RunCleanedError } from '../../src/base/errors.js';
import { CONTINUED_FILES } from '../../src/run-directory/layout.js';
import { toQuietMs } from '../base/io/file-version.js';
import type { CommitContext } from '../pipeline/commit/commit-context.js';
import { NameCollisions } from '../pipeline/commit/name-collisions.js';
import { toPhase } from '../pipeline/inventory/file-class.js';
import type { FileId } from '../pipeline/inventory/file-table.js';
import type { JournalWriter } from '../pipeline/journal/journal-writer.js';
import { toLane } from '../pipeline/plan/lane-of.js';
import { WorkQueue } from '../pipeline/plan/work-queue.js';
import { findCleanedMarker } from '../run-directory/cleaned-marker.js';
import { keepAnswers } from '../store/capability-cache.js';
import type { UploaderContext } from './context/uploader-context.js';

export function createCommitContext(context: UploaderContext, journalWriter: JournalWriter): CommitContext {
  const { io, store, inventory, observer, retryPolicy, pool, bandwidth, isWatching } = context;
  keepAnswers(store, { io, stateDirectory: context.config.stateDirectory });
  const collisions = new NameCollisions(inventory);
  return {
    io,
    store,
    inventory,
    journalWriter,
    observer,
    retryPolicy,
    pool,
    bandwidth,
    isWatching,
    takesOver: context.config.takeOver,
    findProblem: (id) => (store.capabilities.foldsNames ? collisions.findProblem(id) : null),
    findDeleted: async (id) => {
      const { directory } = inventory.runOf(id);
      const path = inventory.relPathOf(id);
      if (directory === null || CONTINUED_FILES.includes(path)) return null;
      const marker = await findCleanedMarker(io.fileSystem, directory);
      if (marker === null || marker.state === 'pulling') return null;
      const detail =
        'its object belongs to the local files that were deleted, and does not begin like this file';
      return new RunCleanedError(path, detail, marker.store);
    },
    openPolicy: context.openPolicy,
    isLive: (run) => context.isLive(run),
    // A sync cannot observe the file over time, so it uses the file's timestamps.
    quietMs: (id, version) =>
      isWatching ? inventory.quietMs(id) : toQuietMs(version, io.clock.wallTime() * 1000),
    damage: new Map(),
    onEvent: context.emit,
  };
}

/** Readers of TensorBoard leave an event file for good once its directory has a later one, so the event files of a directory are a series. */
export function createQueue({ inventory }: UploaderContext): WorkQueue {
  const { table } = inventory;
  return new WorkQueue((id: FileId) => {
    const relPath = inventory.relPathOf(id);
    const bytes = inventory.pendingBytes(id);
    const fileClass = inventory.classOf(id);
    const lane = toLane(fileClass, bytes);
    const series = fileClass === 'event' ? { id: table.folder[id]!, name: table.nameOf(id) } : undefined;
    return { run: inventory.runOf(id).index, phase: toPhase(relPath), lane, bytes, series };
  });
}
