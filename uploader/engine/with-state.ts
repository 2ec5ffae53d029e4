/** Opens the state directory, its lock and its journal before anything is sent, and closes them in every case. */

import { acquireLock } from '../base/io/lock-file.js';
import type { JournalWriter } from '../pipeline/journal/journal-writer.js';
import { openJournalWriter } from '../pipeline/journal/journal-writer.js';
import { makeStateDirectory } from '../pipeline/journal/state-directory.js';
import type { UploaderContext } from './context/uploader-context.js';
import { refuseOtherDestination } from './other-destination.js';

/** Runs `work` as the only uploader of this root and store. Throws `LockedError`, `OtherDestinationError` and `StateDirectoryError`. */
export async function withState<Result>(
  context: UploaderContext,
  work: (journalWriter: JournalWriter) => Promise<Result>,
): Promise<Result> {
  const { io, paths, owner, inventory, onNotice } = context;
  await makeStateDirectory(io.fileSystem, paths);
  const lock = await acquireLock(paths.lock, io);
  try {
    if (context.isWatching) await refuseOtherDestination(context);
    const live = () => inventory.live();
    const { journalWriter } = await openJournalWriter({ io, paths, owner, sink: inventory, live, onNotice });
    await journalWriter.append(
      ...[...inventory.crashedKeys].map((key) => ({ kind: 'crashed', key }) as const),
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
