/** Removes `.plx/` of a run that is deleted as a whole, unless it holds data that was neither stored nor merged into the run. */

import {
  isWorkerFile,
  LINEAGE_FILE,
  PROCESS_DIRECTORY,
  RUN_FILE,
} from '../../../src/run-directory/layout.js';
import type { RunFiles, WorkerFile } from '../../../src/run-directory/run-files.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { joinNames } from '../../base/join-path.js';
import { listProcessFiles, readRunFiles } from '../../run-directory/run-files.js';
import type { VerifiedFile } from '../verify/verify-run.js';

/** Files that say nothing about the results of a run, and what an interrupted pull has received. */
const OWN = /^(heartbeat-.+\.json|end-.+\.json|formats-.+\.json|cleaned\.json|lock\.json|pull)$/;
const OWN_PARTIAL = /^(heartbeat|end|formats|worker|cleaned|lock)\b.*\.partial$/;

/** Returns the paths that keep the directory of the run from being deleted. `files`: the files that were verified. */
export async function findUnsafe(
  fileSystem: FileSystem,
  directory: Buffer,
  files: readonly VerifiedFile[],
): Promise<string[]> {
  const verified = new Set<string>(files.map(({ path }) => path));
  const unsafe: string[] = [];
  for (const name of (await fileSystem.readDirectory(directory)).map(String)) {
    const isOwn =
      name === PROCESS_DIRECTORY || ((name === RUN_FILE || name === LINEAGE_FILE) && verified.has(name));
    if (!isOwn) unsafe.push(name);
  }
  const names = await listProcessFiles(fileSystem, directory);
  const found = names.filter((name) => !OWN.test(name) && !OWN_PARTIAL.test(name));
  const workers = found.filter(isWorkerFile);
  const read = workers.length === 0 ? null : await readRunFiles(fileSystem, directory);
  for (const name of found) {
    const worker = isWorkerFile(name) ? read?.workers[workers.indexOf(name)] : undefined;
    if (worker === undefined || read === null || !isMerged(worker, read))
      unsafe.push(`${PROCESS_DIRECTORY}/${name}`);
  }
  return unsafe;
}

/** Whether the run file and the lineage hold everything that the worker logged. */
function isMerged(worker: WorkerFile, { record, lineage }: RunFiles): boolean {
  if (record === null) return false;
  const names = new Set(lineage.map(({ name }) => name));
  const isIn = (part: 'inputs' | 'outputs' | 'meta_info'): boolean =>
    Object.entries(worker[part]).every(
      ([key, value]) => JSON.stringify(record[part][key]) === JSON.stringify(value),
    );
  return (
    isIn('inputs') &&
    isIn('outputs') &&
    isIn('meta_info') &&
    worker.tags.every((tag) => record.tags.includes(tag)) &&
    worker.lineage.every(({ name, kind }) => names.has(name) || names.has(`${name}-${kind}`))
  );
}

/** Removes `.plx/` and then the directory of the run. If that fails, an empty run stays. */
export async function removeProcessDirectory(fileSystem: FileSystem, directory: Buffer): Promise<void> {
  try {
    await removeTree(fileSystem, joinNames(directory, PROCESS_DIRECTORY));
    await fileSystem.removeDirectory(directory);
    await fileSystem.syncDirectory(directory.subarray(0, directory.lastIndexOf(0x2f)));
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
  }
}

async function removeTree(fileSystem: FileSystem, directory: Buffer): Promise<void> {
  for (const name of await fileSystem.readDirectory(directory)) {
    const path = joinNames(directory, name.toString());
    if ((await fileSystem.lstat(path)).kind === 'directory') await removeTree(fileSystem, path);
    else await fileSystem.unlink(path);
  }
  await fileSystem.removeDirectory(directory);
}
