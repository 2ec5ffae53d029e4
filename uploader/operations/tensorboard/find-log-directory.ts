/** Finds the directory that TensorBoard shows for what a user names: a root, a run, or any log directory. */

import { join } from 'node:path';
import { RunsNotFoundError } from '../../../src/base/errors.js';
import {
  LINKS_SUFFIX,
  RUN_FILE,
  RUN_UUID_PATTERN,
  RUNS_DIRECTORY,
  TENSORBOARD_DIRECTORY,
  toLinkEnd,
} from '../../../src/run-directory/layout.js';
import { ConfigError, NotARunError } from '../../base/errors.js';
import type { FileSystem } from '../../base/io/file-system.js';
import { findStat } from '../../base/io/resolve-existing.js';
import { isAbsent } from '../../base/io/system-error.js';
import { findOfflineRoots } from '../../run-directory/offline-roots.js';
import { type DiskAccess, findRunPath } from '../runs/find-run.js';

/** `argument`: undefined for the first default root. Throws coded errors, and the errors of the file system. */
export async function findLogDirectory(argument: string | undefined, access: DiskAccess): Promise<string> {
  const { fileSystem } = access.io;
  const path = argument === undefined ? await findDefaultRoot(access) : await findPath(argument, access);
  if (await isDirectory(fileSystem, join(path, RUNS_DIRECTORY))) return chooseLinks(fileSystem, path);
  const isRun = (await findStat(fileSystem, join(path, RUN_FILE))) !== null;
  const outputs = join(path, TENSORBOARD_DIRECTORY);
  return isRun && (await isDirectory(fileSystem, outputs)) ? outputs : path;
}

async function findDefaultRoot({ environment, io }: DiskAccess): Promise<string> {
  const { found, searched } = await findOfflineRoots(environment, io.fileSystem);
  if (found[0] !== undefined) return found[0];
  throw new RunsNotFoundError(searched.join(', '), 'none of them contains runs/');
}

async function findPath(argument: string, access: DiskAccess): Promise<string> {
  if (argument.includes('://'))
    throw new ConfigError(
      `${argument}: is a store, expected a directory`,
      `Restore the runs first: polytrack pull ${argument}`,
    );
  const path = await findRunPath(argument, access);
  try {
    const directory = (await access.io.fileSystem.realPath(path)).toString();
    if (await isDirectory(access.io.fileSystem, directory)) return directory;
  } catch (cause) {
    if (!isAbsent(cause)) throw cause;
    const hint = 'Pass a root, a run, or a directory of event files.';
    throw new NotARunError(path, 'the directory does not exist', { hint, cause });
  }
  throw new NotARunError(path, 'is a file, expected a directory', {
    hint: 'Pass the directory of the event file, or print the file with: polytrack inspect.',
  });
}

/** Returns the directory of links with readable names beside the root, unless runs would be missing: those of other programs and restored ones. */
async function chooseLinks(fileSystem: FileSystem, root: string): Promise<string> {
  const links = `${root}${LINKS_SUFFIX}`;
  if (!(await isDirectory(fileSystem, links))) return root;
  const linkEnds = new Set((await fileSystem.readDirectory(links)).map((name) => toEnd(name.toString())));
  const runs = (await fileSystem.readDirectory(join(root, RUNS_DIRECTORY)))
    .map((name) => name.toString())
    .filter((name) => RUN_UUID_PATTERN.test(name));
  return runs.every((uuid) => linkEnds.has(toLinkEnd(uuid))) ? links : root;
}

function toEnd(link: string): string {
  return link.slice(link.lastIndexOf('-'));
}

async function isDirectory(fileSystem: FileSystem, path: string): Promise<boolean> {
  return (await findStat(fileSystem, path))?.kind === 'directory';
}
