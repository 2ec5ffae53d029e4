/** Refuses to watch one root for two stores at the same time, which is most likely a configuration error. */

import { join } from 'node:path';
import { OtherDestinationError } from '../base/errors.js';
import type { Io } from '../base/io/io.js';
import { isLocked } from '../base/io/lock-file.js';
import { toStatePathsIn } from '../pipeline/journal/state-directory.js';
import type { UploaderContext } from './context/uploader-context.js';
import { readStatus, type Status } from './monitor/status-file.js';

/** Throws `OtherDestinationError` when another process of this state directory watches the same root for another store. */
export async function refuseOtherDestination({
  io,
  config,
  place,
  store,
  paths,
}: UploaderContext): Promise<void> {
  const root = place.root.toString();
  for (const name of await listNames(config.stateDirectory, io)) {
    if (name === paths.rootKey) continue;
    const other = toStatePathsIn(join(config.stateDirectory, name), name);
    const status = await readStatus(io.fileSystem, other);
    if (status === null || status.root !== root || !isWatching(status)) continue;
    if (await isLocked(other.lock, io)) throw new OtherDestinationError(root, store.id, status);
  }
}

function isWatching({ state }: Status): boolean {
  return state !== 'ended' && state !== 'idle';
}

async function listNames(directory: string, io: Io): Promise<string[]> {
  return (await io.fileSystem.readDirectory(directory)).map((name) => name.toString('utf8')).sort();
}
