import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '../..');
/** The failure rows that concern the uploader of files. */
const ROWS = [...range(1, 46), ...range(57, 60), 64, 66];
const COLUMNS = 5;

interface Row {
  readonly number: number;
  readonly done: string;
  readonly limit: string;
  /** `<path> › <title>` each. */
  readonly tests: readonly string[];
}

const rows: Row[] = read('docs/limits.md')
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => {
    const cells = line.split('|').slice(1, -1);
    expect(cells, line).toHaveLength(COLUMNS);
    const [number = '', , done = '', limit = '', tests = ''] = cells.map((cell) => cell.trim());
    return { number: Number(number), done, limit, tests: tests === '' ? [] : tests.split('<br>') };
  });

describe('docs/limits.md', () => {
  it('has each failure row once, in order', () => {
    expect(rows.map(({ number }) => number)).toEqual(ROWS);
  });

  it('says of each what is done, and a test or the reason why there is none', () => {
    expect(rows.filter(({ done }) => done === '')).toEqual([]);
    expect(rows.filter(({ tests, limit }) => tests.length === 0 && limit === '')).toEqual([]);
  });

  it('points to tests that are there', () => {
    const missing = rows.flatMap(({ number, tests }) =>
      tests.filter((test) => !isThere(test)).map((test) => `${number}: ${test}`),
    );

    expect(missing).toEqual([]);
  });

  it('names each test that names a row', () => {
    const named = new Set(rows.flatMap(({ tests }) => tests));
    const files = new Set([...named].map((test) => test.split(' › ')[0] ?? ''));
    const tests = [...files].flatMap((path) => [...titlesOf(path)].map((title) => `${path} › ${title}`));

    expect(tests.filter((test) => / › row (\d+|%s): /.test(test) && !named.has(test))).toEqual([]);
  });
});

function isThere(test: string): boolean {
  const [path = '', title = ''] = test.split(' › ');
  return path.endsWith('.test.ts') && existsSync(join(REPOSITORY, path)) && titlesOf(path).has(title);
}

/** The titles of a file's tests, as they stand there. */
function titlesOf(path: string): ReadonlySet<string> {
  const calls = read(path).matchAll(/(?:\bit\(|\)\()\s*(['"`])((?:\\.|(?!\1).)*)\1/gs);
  return new Set([...calls].map(([, , title = '']) => title.replaceAll("\\'", "'")));
}

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
