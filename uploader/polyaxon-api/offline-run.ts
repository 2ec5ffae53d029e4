/**
 * Reads and writes the record and the lineage of a run directory in the form of Python's client (`run.plx.json`, `lineages.plx.json`).
 *
 * Source: polyaxon 2.16.4, `_client/run.py` (`persist_run`, `load_offline_run`).
 */

import { join } from 'node:path';
import { InvalidArgumentError, messageOf } from '../../src/base/errors.js';
import type { V1Run, V1RunArtifact } from '../../src/polyaxon/api-types.js';
import { makeDirectories } from '../base/io/make-directories.js';
import { nodeFileSystem } from '../base/io/node-file-system.js';
import { isAbsent } from '../base/io/system-error.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';
import type { SyncRunBody } from './types.js';

const RUN_FILE = 'run.plx.json';
const LINEAGES_FILE = 'lineages.plx.json';
const MAX_BYTES = 64 * 1024 * 1024;

export async function readOfflineRun(
  path: string,
): Promise<{ readonly run: SyncRunBody; readonly lineage: readonly V1RunArtifact[] }> {
  const run = await readJson(join(path, RUN_FILE));
  const lineage = await readJson(join(path, LINEAGES_FILE));
  const { uuid } = (run ?? {}) as Partial<V1Run>;
  if (typeof uuid !== 'string' || !/^[0-9a-f]{32}$/.test(uuid))
    throw invalid(path, `${RUN_FILE} does not exist or has no uuid`);
  // The project is the client's. The server accepts a run without `kind` only from a manager.
  const { owner: _owner, project: _project, ...record } = run as V1Run & SyncRunBody;
  return { run: record, lineage: Array.isArray(lineage) ? (lineage as V1RunArtifact[]) : [] };
}

export async function writeOfflineRun(
  directory: string,
  run: V1Run,
  lineage: readonly V1RunArtifact[],
): Promise<void> {
  await makeDirectories(nodeFileSystem, directory, 0o755);
  for (const [name, value] of [
    [LINEAGES_FILE, lineage],
    [RUN_FILE, run],
  ] as const) {
    const path = join(directory, name);
    const paths = { directory, path, temporaryPath: `${path}.partial` };
    await replaceFile(nodeFileSystem, paths, Buffer.from(JSON.stringify(value)), 0o644);
  }
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse((await readWholeFile(nodeFileSystem, path, MAX_BYTES)).toString('utf8'));
  } catch (cause) {
    if (isAbsent(cause)) return null;
    throw invalid(path, messageOf(cause), cause);
  }
}

function invalid(path: string, found: string, cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_ARTIFACT_INVALID',
    `${path} is not a run directory: ${found}`,
    'Pass the directory of a run, with run.plx.json.',
    { cause },
  );
}
