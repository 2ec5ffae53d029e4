import { dirname } from 'node:path';
import type { FileSystem } from './file-system.js';
import { systemErrorCode } from './system-error.js';

/** Creates a directory and its missing parents. Each is durable before the next one is created. */
export async function makeDirectories(fileSystem: FileSystem, path: string, mode: number): Promise<void> {
  try {
    await fileSystem.makeDirectory(path, mode);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST') return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path) throw error;
    await makeDirectories(fileSystem, parent, mode);
    await makeDirectories(fileSystem, path, mode);
    return;
  }
  await fileSystem.syncDirectory(dirname(path));
}
