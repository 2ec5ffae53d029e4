/** Adds missing files to the message of an end status. Pure. */

import type { StatusCondition } from '../../src/polyaxon/api-types.js';

const SHOWN_FILES = 10;
const MAX_NAME = 200;

/** Adds the names of files that can never be stored, because nothing else in Polyaxon shows that they are missing. */
export function withUnsendable(condition: StatusCondition, paths: readonly string[]): StatusCondition {
  if (paths.length === 0) return condition;
  const shown = paths.slice(0, SHOWN_FILES).map((path) => {
    return path.length <= MAX_NAME ? path : `${path.slice(0, MAX_NAME)}…`;
  });
  const rest = paths.length - shown.length;
  const list = `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  const note = `${paths.length} of its files cannot be stored: ${list}`;
  const before = condition.message;
  return { ...condition, message: before == null || before === '' ? note : `${before} (${note})` };
}
