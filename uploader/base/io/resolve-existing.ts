import { basename, dirname, join, resolve } from 'node:path';
import type { FileStat, FileSystem, FsPath } from './file-system.js';
import { isAbsent } from './system-error.js';

/** Like `lstat`; null if the path does not exist. */
export async function findStat(fileSystem: FileSystem, path: FsPath): Promise<FileStat | null> {
  try {
    return await fileSystem.lstat(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Returns the path with the links of its existing part resolved. */
export async function resolveExisting(fileSystem: FileSystem, path: string): Promise<string> {
  const missing: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      return join((await fileSystem.realPath(at)).toString(), missing.join('/'));
    } catch (error) {
      if (!isAbsent(error) || at === dirname(at)) throw error;
      missing.unshift(basename(at));
    }
  }
}
