import type { FileSystem } from '../../base/io/file-system.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { PullFailure } from './pull-failure.js';

const DIRECTORY_MODE = 0o755;

/** Creates the directories from `outer` down to `inner`. Throws `PullFailure` when something else has the name of one. */
export async function makeInside(fileSystem: FileSystem, outer: Buffer, inner: Buffer): Promise<void> {
  if (inner.length <= outer.length) return;
  await makeInside(fileSystem, outer, inner.subarray(0, inner.lastIndexOf(0x2f)));
  try {
    await fileSystem.makeDirectory(inner, DIRECTORY_MODE);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
    const { kind } = await fileSystem.lstat(inner);
    if (kind === 'directory') return;
    throw new PullFailure({
      finding: 'in-the-way',
      message: `a ${kind} exists where a directory is needed`,
    });
  }
}
