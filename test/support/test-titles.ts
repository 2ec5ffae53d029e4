/** The tests that documents name, as `<path> › <title>`. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Whether a test with this title is in this file. */
export function isThere(test: string): boolean {
  const [path = '', title = ''] = test.split(' › ');
  return path.endsWith('.test.ts') && existsSync(join(REPOSITORY, path)) && titlesOf(path).has(title);
}

const known = new Map<string, ReadonlySet<string>>();

/** Returns the titles of the tests in a file: the first strings of `it(…)` and `it.each(…)(…)`, as in the source. */
export function titlesOf(path: string): ReadonlySet<string> {
  const titles = known.get(path) ?? readTitles(path);
  known.set(path, titles);
  return titles;
}

function readTitles(path: string): ReadonlySet<string> {
  const source = readFileSync(join(REPOSITORY, path), 'utf8');
  const calls = source.matchAll(/(?:\bit\(|\)\()\s*(['"`])((?:\\.|(?!\1).)*)\1/gs);
  return new Set([...calls].map(([, , title = '']) => title.replaceAll("\\'", "'")));
}
