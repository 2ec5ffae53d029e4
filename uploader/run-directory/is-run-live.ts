/** Checks once whether a run is still being written, for commands that do not watch it. */

import { PROCESS_DIRECTORY } from '../../src/run-directory/layout.js';
import type { Io } from '../base/io/io.js';
import { joinNames, joinPath } from '../base/join-path.js';
import { RunLiveness } from './run-liveness.js';

/** A writer on another host cannot be checked. It counts as dead if its heartbeat and the files of the run are unchanged for this long. */
const SILENT_WRITER_MS = 3_600_000;
/** A run without a heartbeat counts as ended if its files are unchanged for this long. */
const SILENT_RUN_MS = 24 * 3_600_000;
const HEARTBEAT = /^heartbeat-.+\.json$/;

/** Whether a run is still being written. `newestMs`: the latest modification time of its files, in ms since 1970; Infinity if unknown. */
export async function isRunLive(io: Io, directory: Buffer, newestMs: number): Promise<boolean> {
  if ((await new RunLiveness(io, directory).check(0)) !== 'live') return false;
  const beatMs = await findLastBeatMs(io, directory);
  const silentMs = io.clock.wallTime() * 1000 - Math.max(beatMs ?? 0, newestMs);
  return silentMs < (beatMs === null ? SILENT_RUN_MS : SILENT_WRITER_MS);
}

async function findLastBeatMs(io: Io, directory: Buffer): Promise<number | null> {
  let lastMs: number | null = null;
  try {
    const path = joinNames(directory, PROCESS_DIRECTORY);
    for (const name of await io.fileSystem.readDirectory(path)) {
      if (!HEARTBEAT.test(name.toString('utf8'))) continue;
      const { mtimeNs } = await io.fileSystem.lstat(joinPath(path, [name]));
      lastMs = Math.max(lastMs ?? 0, Number(mtimeNs / 1_000_000n));
    }
  } catch {
    return null; // the directory does not exist, or is being deleted
  }
  return lastMs;
}
