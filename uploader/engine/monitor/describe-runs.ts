/** Reads what people call the runs of a status, and how far they are: from the run files, because the uploader keeps neither. */

import { basename, relative } from 'node:path';
import { isDone } from '../../../src/polyaxon/run-record.js';
import { RUN_STATUSES, type RunStatus } from '../../../src/polyaxon/statuses.js';
import { RUN_FILE } from '../../../src/run-directory/layout.js';
import { mapInParallel } from '../../base/in-parallel.js';
import type { Io } from '../../base/io/io.js';
import { joinNames } from '../../base/join-path.js';
import { readJsonFile } from '../../run-directory/run-files.js';
import { RunLiveness } from '../../run-directory/run-liveness.js';
import type { RunUploadStatus } from './status-file.js';

export interface FoundRun extends RunUploadStatus {
  /** From the run file; of a log directory of another writer, its path below the root. */
  readonly name: string;
  /** From the run file. `lost`: its program has stopped without recording an end. Null if it is unknown, as for other writers. */
  readonly status: RunStatus | 'lost' | null;
}

/** Adds names and statuses. A run whose files cannot be read keeps its uuid as its name. */
export function describeRuns(io: Io, root: string, runs: readonly RunUploadStatus[]): Promise<FoundRun[]> {
  return mapInParallel(runs, async (run) => ({ ...run, ...(await describeRun(io, root, run)) }));
}

async function describeRun(
  io: Io,
  root: string,
  { uuid, directory }: RunUploadStatus,
): Promise<Pick<FoundRun, 'name' | 'status'>> {
  const path = Buffer.from(directory);
  // A file that is missing, damaged or being replaced says nothing.
  const found = await readJsonFile(io.fileSystem, joinNames(path, RUN_FILE)).catch(() => undefined);
  if (typeof found !== 'object' || found === null) {
    const place = relative(root, directory) || basename(root);
    return { name: basename(directory) === uuid ? uuid : place, status: null };
  }
  const { name, status } = found as { readonly name?: unknown; readonly status?: unknown };
  const known = RUN_STATUSES.find((each) => each === status) ?? null;
  const isLost = known !== null && !isDone(known) && (await new RunLiveness(io, path).check(0)) === 'lost';
  return { name: typeof name === 'string' && name !== '' ? name : uuid, status: isLost ? 'lost' : known };
}
