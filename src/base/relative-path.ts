/** Resolves relative paths from callers so that they stay inside a directory. */

import { isAbsolute, join, normalize, sep } from 'node:path';
import { describe } from './describe.js';
import { InvalidArgumentError } from './errors.js';

/** `directory/relativePath`. Throws `ERR_ARTIFACT_INVALID` when the result is outside `directory`. */
export function resolveInside(directory: string, relativePath: string): string {
  if (typeof relativePath !== 'string') {
    throw new InvalidArgumentError(
      'ERR_ARTIFACT_INVALID',
      `the path is ${describe(relativePath)}, expected a string`,
      'Pass a path relative to the directory of the run.',
    );
  }
  const normal = normalize(relativePath);
  const isOutside =
    isAbsolute(normal) || normal === '..' || normal.startsWith(`..${sep}`) || normal.includes('\0');
  if (!isOutside) return join(directory, normal);
  throw new InvalidArgumentError(
    'ERR_ARTIFACT_INVALID',
    `${describe(relativePath)} is outside ${directory}`,
    'Pass a path without "..", relative to the outputs directory.',
  );
}
