/** Hashes JSON values for comparison. Pure. */

import { createHash } from 'node:crypto';
import { toCleanJson } from '../../src/base/clean-json.js';

/** Returns a hash of 16 hex digits. Equal values have equal hashes, whatever the order of their fields. */
export function toHash(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(toSorted(value)))
    .digest('hex')
    .slice(0, 16);
}

function toSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSorted);
  if (typeof value !== 'object' || value === null) return toCleanJson(value);
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => [name, toSorted(each)]);
}
