/** The table of deliberate errors agrees with the list, and each error can still be made. `find-breakages.mjs` makes them. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BREAKAGES, NAMES_OF_TESTS } from './breakages.mjs';

const REPOSITORY = join(import.meta.dirname, '../..');
/** Two that were found from outside, and ten more. */
const SIMULATED_FIXES = 12;

const rows = readFileSync(join(import.meta.dirname, 'breakages.md'), 'utf8')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

describe('the deliberate errors', () => {
  it('have a row each, with the test that finds them', () => {
    expect(rows.map(([number, what, file]) => [number, what, file])).toEqual(
      BREAKAGES.map(([what, file], index) => [String(index + 1), what, file]),
    );
    expect(
      rows.filter(([, , , finder, title]) => !/^(simulator|test)$/.test(finder!) || title === ''),
    ).toEqual([]);
  });

  it('fit the sources', () => {
    const count = (file: string, text: string): number =>
      readFileSync(join(REPOSITORY, file), 'utf8').split(text).length - 1;

    expect(BREAKAGES.filter(([, file, right]) => count(file, right) !== 1).map(([what]) => what)).toEqual([]);
    const tests = Object.values(NAMES_OF_TESTS).flat();
    const paths = tests.filter((each) => each.startsWith('test/'));
    expect(paths.filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
  });

  it('include errors of earlier versions that the simulator finds', () => {
    const found = rows.filter(
      ([, what, , finder]) => / \([0-9a-f]{7}\)$/.test(what!) && finder === 'simulator',
    );

    expect(found.length).toBeGreaterThanOrEqual(SIMULATED_FIXES);
  });
});
