/** Opens the state directory, its lock and its journal before anything is sent, and closes them in every case. */

import { OtherDestinationError } from '../base/errors.js';
import { acquireLock, findHolder } from '../base/io/lock-file.js';
import { type JournalWriter, openJournalWriter } from '../pipeline/journal/journal-writer.js';
import { makeStateDirectory } from '../pipeline/journal/state-directory.js';
import type { UploaderContext } from './context/uploader-context.js';
import { readAllStatus } from './monitor/status-file.js';

/** Runs `work` as the only uploader of this root and store. Throws `LockedError`, `OtherDestinationError` and `StateDirectoryError`. */
export async function withState<Result>(
  context: UploaderContext,
  work: (journalWriter: JournalWriter) => Promise<Result>,
): Promise<Result> {
  const { io, paths, owner, inventory, onNotice } = context;
  await makeStateDirectory(io.fileSystem, paths);
  const lock = await acquireLock(paths.lock, io);
  context.lockToken = lock.token;
  try {
    if (context.isWatching) await refuseOtherDestination(context);
    const [live, liveCount] = [() => inventory.live(), () => inventory.table.size];
    const options = { io, paths, owner, sink: inventory, live, liveCount, onNotice };
    const { journalWriter } = await openJournalWriter(options);
    context.owners.record = (record) => journalWriter.append(record);
    await Promise.all(
      [...inventory.crashedKeys].map((key) => journalWriter.append({ kind: 'crashed', key })),
    );
    try {
      return await work(journalWriter);
    } finally {
      await journalWriter.close();
    }
  } finally {
    await lock.release();
  }
}

/** Throws when another process of this state directory watches the same root for another store: most likely a configuration error. */
async function refuseOtherDestination({ io, config, place, store, paths }: UploaderContext): Promise<void> {
  const root = place.root.toString();
  for await (const other of readAllStatus(io.fileSystem, config.stateDirectory)) {
    const { state } = other.status;
    if (other.paths.rootKey === paths.rootKey || other.status.root !== root) continue;
    if (state === 'ended' || state === 'idle') continue;
    if ((await findHolder(other.paths.lock, io)) !== null)
      throw new OtherDestinationError(root, store.id, other.status);
  }
}
