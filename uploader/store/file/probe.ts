/** Asks a directory what its file system does, with two files that it removes again. */

import { join } from 'node:path';
import type { Io } from '../../base/io/io.js';
import { isAbsent, isLinkUnsupported } from '../../base/io/system-error.js';
import { FILE_STORE, type StoreCapabilities } from '../base/capabilities.js';

const FILE_MODE = 0o644;

/** What a store in this file system does. Throws the system errors of a directory that cannot be written. */
export async function probeDirectory(directory: string, io: Io): Promise<StoreCapabilities> {
  const { fileSystem, randomness } = io;
  const id = randomness.id();
  // "é" in one code point. A name that folds is found under "e" with an accent of its own too, or under the capital.
  const path = join(directory, `.plx-${id}-\u00e9.partial`);
  const linkPath = join(directory, `.plx-${id}-link.partial`);
  const file = await fileSystem.openForWriting(path, 'create', FILE_MODE);
  try {
    await file.append(Buffer.from('probe'));
    await file.sync();
    const twins = [`.plx-${id}-e\u0301.partial`, `.plx-${id}-\u00c9.partial`];
    const found = await Promise.all(twins.map((name) => isThere(join(directory, name), io)));
    return {
      ...FILE_STORE,
      conditionalCreate: await canLink(path, linkPath, io),
      foldsNames: found.includes(true),
    };
  } finally {
    await file.close();
    for (const made of [path, linkPath]) await fileSystem.unlink(made).catch(() => undefined); // the link may not have been made
  }
}

/** Whether a name can be taken so that only one of many gets it. */
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
