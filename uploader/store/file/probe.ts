/** Finds out what the file system of a directory supports, with two test files that it removes. */

import { join } from 'node:path';
import type { Io } from '../../base/io/io.js';
import { isAbsent, isLinkUnsupported } from '../../base/io/system-error.js';
import { FILE_STORE, type StoreCapabilities } from '../base/capabilities.js';

const FILE_MODE = 0o644;

/** The capabilities of a store in this directory. Throws the system error when the directory is not writable. */
export async function probeDirectory(directory: string, io: Io): Promise<StoreCapabilities> {
  const { fileSystem, randomness } = io;
  const id = randomness.id();
  // "é" as one code point. If names collide, the file is also found as "e" with a combining accent, or as the capital letter.
  const path = join(directory, `.plx-${id}-\u00e9.partial`);
  const linkPath = join(directory, `.plx-${id}-link.partial`);
  const file = await fileSystem.openForWriting(path, 'create', FILE_MODE);
  try {
    await file.append(Buffer.from('probe'));
    await file.sync();
    const variants = [`.plx-${id}-e\u0301.partial`, `.plx-${id}-\u00c9.partial`];
    const found = await Promise.all(variants.map((name) => isThere(join(directory, name), io)));
    return {
      ...FILE_STORE,
      conditionalCreate: await canLink(path, linkPath, io),
      foldsNames: found.includes(true),
    };
  } finally {
    await file.close();
    for (const made of [path, linkPath]) await fileSystem.unlink(made).catch(() => undefined); // the link may not exist
  }
}

/** Whether hard links work, so that only one of several processes can create a name. */
async function canLink(path: string, linkPath: string, { fileSystem }: Io): Promise<boolean> {
  try {
    await fileSystem.link(path, linkPath);
    return true;
  } catch (error) {
    if (isLinkUnsupported(error)) return false;
    throw error;
  }
}

async function isThere(path: string, { fileSystem }: Io): Promise<boolean> {
  try {
    await fileSystem.lstat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}
