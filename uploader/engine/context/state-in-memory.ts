/** A place for the state of an uploader in a container whose root is read-only and that has no volume. */

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../base/io/io.js';
import { makeDirectories } from '../../base/io/make-directories.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import type { StoreNotice } from '../../store/base/store.js';

const DIRECTORY_MODE = 0o700;
/** Every container of Linux has it, in memory. */
const SHARED_MEMORY = '/dev/shm';

/**
 * Returns `directory`, or a new temporary directory if that is on a read-only file system. The state is a cache: without the earlier one, the uploader
 * compares all files with the store. Any other problem is left to the code that uses the directory, because a wrong path is more likely.
 */
export async function findStateDirectory(
  directory: string,
  { fileSystem, randomness }: Io,
  onNotice: (notice: StoreNotice) => void,
  temporary: readonly string[] = [tmpdir(), SHARED_MEMORY],
): Promise<string> {
  if (!(await isReadOnly(directory, { fileSystem, randomness }))) return directory;
  for (const parent of temporary) {
    const found = join(parent, `polytrack-${randomness.id()}`);
    try {
      await fileSystem.makeDirectory(found, DIRECTORY_MODE);
    } catch {
      continue; // the next one may be writable
    }
    const message = `${directory} is on a read-only file system: the state is in ${found}, and lost when the container ends`;
    onNotice({ code: 'NOTICE_STATE_TEMPORARY', message });
    return found;
  }
  return directory;
}

async function isReadOnly(
  directory: string,
  { fileSystem, randomness }: Pick<Io, 'fileSystem' | 'randomness'>,
) {
  const probe = join(directory, `probe-${randomness.id()}`);
  try {
    await makeDirectories(fileSystem, probe, DIRECTORY_MODE);
    await fileSystem.removeDirectory(probe);
    return false;
  } catch (error) {
    return systemErrorCode(error) === 'EROFS';
  }
}
