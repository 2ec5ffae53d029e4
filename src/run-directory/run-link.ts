/**
 * The link `<root>-tensorboard/<name>-<8 hex>` to the event files of a run: the name that TensorBoard shows.
 *
 * When the run gets another name, its link is renamed. A link is found by its target, because another process may have renamed it, or may
 * have ended between the change of the name and that of the link.
 */

import { mkdirSync, readdirSync, readlinkSync, renameSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { EARLIER_LINKS_DIRECTORY, type RunPaths, toLinkEnd, toLinkName } from './layout.js';

/**
 * Makes sure that there is one link to the run, with this name, and none below the root. `isNew`: the run has none yet. Throws the file
 * system's error, for example where links are not supported or the directory above the root is read-only.
 */
export function linkRun(paths: RunPaths, name: string, uuid: string, isNew: boolean): void {
  try {
    linkBesideRoot(paths, name, uuid, isNew);
  } finally {
    if (!isNew) removeEarlierLinks(paths, uuid);
  }
}

function linkBesideRoot({ root, links, tensorboard }: RunPaths, name: string, uuid: string, isNew: boolean) {
  if (dirname(root) === root) throw new Error('there is no directory beside the root of a file system');
  mkdirSync(links, { recursive: true });
  const wanted = toLinkName(name, uuid);
  const found = isNew ? [] : findLinks(links, tensorboard, uuid);
  const old = found.filter((link) => link !== wanted);
  if (!found.includes(wanted)) moveOrCreate(links, old.shift(), wanted, tensorboard);
  for (const link of old) rmSync(join(links, link), { force: true });
}

/** Removes the links to the run that earlier versions created below the root, where TensorBoard shows the run a second time. */
function removeEarlierLinks({ root, tensorboard }: RunPaths, uuid: string): void {
  const directory = join(root, EARLIER_LINKS_DIRECTORY);
  try {
    const found = findLinks(directory, tensorboard, uuid);
    for (const link of found) rmSync(join(directory, link), { force: true });
    if (found.length > 0) rmdirSync(directory);
  } catch (error) {
    // It does not exist, is a file of the user, or still has the links of other runs.
    if (!['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(String((error as NodeJS.ErrnoException).code)))
      throw error;
  }
}

function findLinks(directory: string, tensorboard: string, uuid: string): string[] {
  const end = toLinkEnd(uuid);
  return readdirSync(directory).filter(
    (name) => name.endsWith(end) && isLinkTo(join(directory, name), tensorboard),
  );
}

function isLinkTo(path: string, target: string): boolean {
  try {
    return resolve(path, '..', readlinkSync(path)) === target;
  } catch {
    // It is not a link, or another process has renamed it.
    return false;
  }
}

/** Renames in one step, so that TensorBoard never finds two links to the run, or none. */
function moveOrCreate(directory: string, old: string | undefined, wanted: string, tensorboard: string): void {
  const link = join(directory, wanted);
  try {
    if (old !== undefined) {
      renameSync(join(directory, old), link);
      return;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const target = process.platform === 'win32' ? tensorboard : relative(directory, tensorboard);
  try {
    symlinkSync(target, link, 'junction');
  } catch (error) {
    // An earlier process of the run, or one that starts at this time, has created it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
