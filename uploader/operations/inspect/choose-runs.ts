/** Selects the runs and tags that a user names, and suggests similar names for those that do not exist. */

import { quote } from '../../../src/base/describe.js';
import { rankSimilar } from '../../../src/base/options.js';
import { listEventFiles, type RunFiles } from '../../../src/format/reader/list-event-files.js';
import { ConfigError } from '../../base/errors.js';

/** Lists the runs at or below `path`, or only `run`. Throws `ConfigError` if there are runs, but not this one, and the error of the file system. */
export async function chooseRuns(path: string, run: string | undefined): Promise<RunFiles[]> {
  const runs = await listEventFiles(path);
  const chosen = runs.filter((each) => run === undefined || each.run === run);
  if (chosen.length > 0 || run === undefined || runs.length === 0) return chosen;
  const names = runs.map((each) => each.run);
  throw new ConfigError(`--run ${run}: ${path} has no such run`, suggest(run, names, 'runs'));
}

/** The error of a tag that no run has. */
export function createTagError(path: string, tag: string, tags: readonly string[]): ConfigError {
  return new ConfigError(`--tag ${tag}: ${path} has no values of this tag`, suggest(tag, tags, 'tags'));
}

const SHOWN_NAMES = 3;

function suggest(name: string, known: readonly string[], what: string): string {
  const all = [...new Set(known)];
  const similar = findSimilarPaths(name, all).slice(0, SHOWN_NAMES).map(quote);
  if (similar.length > 0) return `Did you mean ${similar.join(' or ')}?`;
  const shown = all.slice(0, SHOWN_NAMES).map(quote).join(', ');
  const rest = all.length - SHOWN_NAMES;
  if (all.length === 0) return `There are no ${what}.`;
  return `The ${what} are ${shown}${rest <= 0 ? '' : ` and ${rest} more`}.`;
}

/** Names that are similar as a whole, then those whose last part is: `lss` for `train/loss`. */
function findSimilarPaths(name: string, known: readonly string[]): string[] {
  const part = lastPart(name);
  const byPart = known.filter((each) => rankSimilar(part, [lastPart(each)]).length > 0);
  return [...new Set([...rankSimilar(name, known), ...byPart])];
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
