/** Removes a directory with everything below it. */

import { joinPath } from '../join-path.js';
import type { FileSystem } from './file-system.js';
import { isAbsent } from './system-error.js';

/** Follows no links. Does nothing if the path does not exist; throws any other error of the file system. */
export async function removeTree(fileSystem: FileSystem, path: Buffer): Promise<void> {
  try {
    for (const name of await fileSystem.readDirectory(path)) {
      const child = joinPath(path, [name]);
      const { kind } = await fileSystem.lstat(child);
      await (kind === 'directory' ? removeTree(fileSystem, child) : fileSystem.unlink(child));
    }
    await fileSystem.removeDirectory(path);
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
}
