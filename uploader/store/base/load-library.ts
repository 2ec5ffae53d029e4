/** Loads vendor libraries, which are optional: users install them only for the stores that they use. */

import { isMissing, type Library } from '../../../src/base/load-library.js';
import { StoreLibraryError } from '../../base/errors.js';

export type { Library } from '../../../src/base/load-library.js';

/** The module that `load` imports. Throws `StoreLibraryError` when the library is not installed. */
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
