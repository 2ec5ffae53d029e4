/** The links with readable names that the tracking library creates for TensorBoard: beside a root, and in earlier versions below it. */

import { basename, dirname, join, resolve } from 'node:path';
import {
  EARLIER_LINKS_DIRECTORY,
  LINKS_SUFFIX,
  RUN_UUID_PATTERN,
  RUNS_DIRECTORY,
  TENSORBOARD_DIRECTORY,
  toLinkEnd,
} from '../../src/run-directory/layout.js';
import type { FileSystem } from '../base/io/file-system.js';
import { findStat } from '../base/io/resolve-existing.js';
import { systemErrorCode } from '../base/io/system-error.js';
import { toRootOf } from './run-uuid.js';

interface Linked {
  /** What the user should name instead: the root, in the form of the given path; for a single link, its run directory. */
  readonly path: string;
  /** Completes "<given path>: …". */
  readonly found: string;
}

/**
 * Finds out whether the user names the links of a root instead of the root: their directory, whether it exists or not, or one link. Returns
 * null for any other path. A directory of that name in which another program has written something is not one.
 */
export async function findLinked(fileSystem: FileSystem, path: string): Promise<Linked | null> {
  const given = path.replace(/(?<=.)\/+$/, '');
  const root = await findRootOf(fileSystem, given);
  if (root !== null && (await hasOnlyLinks(fileSystem, given)))
    return { path: root, found: "this directory is for TensorBoard's links to runs" };
  const run = await findRunOf(fileSystem, given);
  return run === null ? null : { path: run, found: "this is TensorBoard's link to the event files of a run" };
}

/** Removes the links to a run whose directory is gone. What is not a link to this run stays. */
export async function removeLinks(fileSystem: FileSystem, directory: Buffer, uuid: string): Promise<void> {
  const root = toRootOf(directory)?.toString();
  if (root === undefined) return;
  const target = join(directory.toString(), TENSORBOARD_DIRECTORY);
  for (const links of [`${root}${LINKS_SUFFIX}`, join(root, EARLIER_LINKS_DIRECTORY)])
    for (const name of await listNames(fileSystem, links)) {
      const link = join(links, name);
      if (!name.endsWith(toLinkEnd(uuid)) || (await readTarget(fileSystem, link)) !== target) continue;
      await ignoreSystemErrors(fileSystem.unlink(link));
    }
}

/** Returns the root that has its links at this path, or null. A root has a run, because other programs also name directories `runs`. */
async function findRootOf(fileSystem: FileSystem, path: string): Promise<string | null> {
  const name = basename(resolve(path));
  const directory = path.endsWith(name) ? path : resolve(path);
  const isBeside = name.endsWith(LINKS_SUFFIX);
  if (!isBeside && name !== EARLIER_LINKS_DIRECTORY) return null;
  const root = isBeside ? directory.slice(0, -LINKS_SUFFIX.length) : dirname(directory);
  const runs = await listNames(fileSystem, join(root, RUNS_DIRECTORY));
  return runs.some((each) => RUN_UUID_PATTERN.test(each)) ? root : null;
}

/** Returns the run directory that a link leads to, or null. */
async function findRunOf(fileSystem: FileSystem, path: string): Promise<string | null> {
  const links = dirname(path);
  if ((await findRootOf(fileSystem, links)) === null) return null;
  const target = await readTarget(fileSystem, path);
  if (target === null || !target.endsWith(`/${TENSORBOARD_DIRECTORY}`)) return null;
  const run = target.slice(0, -TENSORBOARD_DIRECTORY.length - 1);
  return toRootOf(Buffer.from(run)) === null ? null : run;
}

/** True for a directory that is empty or missing, too. */
async function hasOnlyLinks(fileSystem: FileSystem, directory: string): Promise<boolean> {
  const stat = await ignoreSystemErrors(findStat(fileSystem, directory));
  if (stat === undefined || (stat !== null && stat.kind !== 'directory')) return false;
  const paths = (await listNames(fileSystem, directory)).map((name) => join(directory, name));
  const stats = await fileSystem.lstatAll(paths);
  return stats.every((each) => !(each instanceof Error) && each.kind === 'link');
}

/** Returns the absolute target of a link; null for anything else. */
async function readTarget(fileSystem: FileSystem, link: string): Promise<string | null> {
  const target = await ignoreSystemErrors(fileSystem.readLink(link));
  return target === undefined ? null : resolve(dirname(link), target.toString());
}

/** Returns nothing for a directory that cannot be listed. */
async function listNames(fileSystem: FileSystem, directory: string): Promise<string[]> {
  return ((await ignoreSystemErrors(fileSystem.readDirectory(directory))) ?? []).map(String);
}

async function ignoreSystemErrors<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return undefined;
  }
}
