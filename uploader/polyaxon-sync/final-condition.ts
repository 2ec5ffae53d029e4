/** The status that ends a run, with what is missing in its message. Pure. */

import type { StatusCondition } from '../../src/polyaxon/api-types.js';

const SHOWN_FILES = 10;
const MAX_NAME = 200;

/** Names files that can never be stored: nobody would miss them otherwise. */
export function withUnsendable(condition: StatusCondition, paths: readonly string[]): StatusCondition {
  if (paths.length === 0) return condition;
  const shown = paths.slice(0, SHOWN_FILES).map((path) => {
    return path.length <= MAX_NAME ? path : `${path.slice(0, MAX_NAME)}…`;
  });
  const rest = paths.length - shown.length;
  const list = `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
  const told = `${paths.length} of its files cannot be stored: ${list}`;
  const before = condition.message;
  return { ...condition, message: before == null || before === '' ? told : `${before} (${told})` };
}
