/** Loads vendor libraries, which are optional: users install them only for the stores that they use. */

import { StoreLibraryError } from '../../base/errors.js';

export interface Library {
  readonly name: string;
  /** The argument of `npm install`: a version that supports every Node.js release that polytrack supports. */
  readonly wanted: string;
}

/** The codes of Node.js for a missing package: of `import`, and of `require`, which the built package uses. */
const MISSING_CODES: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

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

function isMissing(name: string, error: unknown): boolean {
  return (
    error instanceof Error &&
    MISSING_CODES.has(Reflect.get(error, 'code')) &&
    error.message.includes(`'${name}'`)
  );
}
