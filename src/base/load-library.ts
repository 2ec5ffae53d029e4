/** Loads optional packages, which users install only for what they use. */

import { LibraryMissingError } from './errors.js';

export interface Library {
  readonly name: string;
  /** The argument of `npm install`: a version that supports every Node.js release that polytrack supports. */
  readonly wanted: string;
}

/** The module that `load` imports. Throws `LibraryMissingError` when the library is not installed. */
export async function loadLibrary<Module>(
  { name, wanted }: Library,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (isMissing(name, cause)) throw new LibraryMissingError(name, wanted, { cause });
    throw cause;
  }
}

/** The codes of Node.js for a missing package: of `import`, and of `require`, which the built package uses. */
const MISSING_CODE = /^(?:ERR_)?MODULE_NOT_FOUND$/;

/** Whether an import failed because the package itself is not installed. */
export function isMissing(name: string, error: unknown): boolean {
  return (
    error instanceof Error &&
    MISSING_CODE.test(String(Reflect.get(error, 'code'))) &&
    [`'${name}'`, `'${name}/`].some((each) => error.message.includes(each))
  );
}
