/** Libraries of vendors, which are installed only where their store is used. */

import { StoreLibraryError } from '../../base/errors.js';

export interface Library {
  readonly name: string;
  /** What to install, as npm takes it: a version for every Node.js that polytrack runs on. */
  readonly wanted: string;
}

/** What `load` imports. Throws `StoreLibraryError` when the library is not installed. */
export async function loadLibrary<Module>(
  { name, wanted }: Library,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (isMissing(name, cause)) throw new StoreLibraryError(name, wanted, { cause });
    throw cause;
  }
}

function isMissing(name: string, error: unknown): boolean {
  return (
    error instanceof Error &&
    Reflect.get(error, 'code') === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes(`'${name}'`)
  );
}
