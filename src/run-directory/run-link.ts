/**
 * The link `<root>/tensorboard/<name>-<8 hex>` to the event files of a run: the name that TensorBoard shows.
 *
 * When the run gets another name, its link is renamed. A link is found by its target, because another process may have renamed it, or may
 * have ended between the change of the name and that of the link.
 */

import { mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { LINKS_DIRECTORY, type RunPaths, toLinkName } from './layout.js';

/**
 * Makes sure that there is one link to the run, with this name. `isNew`: the run has none yet. Throws the file system's error, for example
 * where links are not supported.
 */
export function linkRun({ root, tensorboard }: RunPaths, name: string, uuid: string, isNew: boolean): void {
  const directory = join(root, LINKS_DIRECTORY);
  mkdirSync(directory, { recursive: true });
  const wanted = toLinkName(name, uuid);
  const links = isNew ? [] : findLinks(directory, tensorboard, uuid);
  const old = links.filter((link) => link !== wanted);
  if (!links.includes(wanted)) moveOrCreate(directory, old.shift(), wanted, tensorboard);
  for (const link of old) rmSync(join(directory, link), { force: true });
}

function findLinks(directory: string, tensorboard: string, uuid: string): string[] {
  const suffix = toLinkName('', uuid).slice(-9);
  return readdirSync(directory).filter(
    (name) => name.endsWith(suffix) && isLinkTo(join(directory, name), tensorboard),
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
