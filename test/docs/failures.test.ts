import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isThere, titlesOf } from '../support/test-titles.js';

const REPOSITORY = join(import.meta.dirname, '../..');
const COLUMNS = 5;

interface Row {
  readonly number: number;
  readonly done: string;
  readonly limit: string;
  /** Each is `<path> › <title>`. */
  readonly tests: readonly string[];
}

const rows: Row[] = read('docs/failures.md')
  .split('\n')
  .filter((line) => /^\| F\d/.test(line))
  .map((line) => {
    const cells = line.split('|').slice(1, -1);
    expect(cells, line).toHaveLength(COLUMNS);
    const [id = '', , done = '', limit = '', tests = ''] = cells.map((cell) => cell.trim());
    return { number: Number(id.slice(1)), done, limit, tests: tests === '' ? [] : tests.split('<br>') };
  });

describe('docs/failures.md', () => {
  it('lists each failure once, in order', () => {
    const numbers = rows.map(({ number }) => number);

    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  });

  it('describes the behaviour for each failure, with a test or the reason why none exists', () => {
    expect(rows.filter(({ done }) => done === '')).toEqual([]);
    expect(rows.filter(({ tests, limit }) => tests.length === 0 && limit === '')).toEqual([]);
  });

  it('names tests that exist', () => {
    const missing = rows.flatMap(({ number, tests }) =>
      tests.filter((test) => !isThere(test)).map((test) => `F${number}: ${test}`),
    );

    expect(missing).toEqual([]);
  });

  it('names each test whose title begins with a failure number', () => {
    const named = new Set(rows.flatMap(({ tests }) => tests));
    const tests = sourceFiles(['test'])
      .filter((path) => path.endsWith('.test.ts'))
      .flatMap((path) => [...titlesOf(path)].map((title) => `${path} › ${title}`));

    expect(tests.filter((test) => / › F(\d+|%s): /.test(test) && !named.has(test))).toEqual([]);
  });

  it('has a row for each failure number in code and tests', () => {
    const known = new Set(rows.map(({ number }) => number));
    const mentions = sourceFiles(['src', 'uploader', 'test']).flatMap((path) =>
      [...read(path).matchAll(/\bF([1-9]\d{0,2})\b/g)].map(([, number]) => ({
        path,
        number: Number(number),
      })),
    );

    expect(mentions.length).toBeGreaterThan(rows.length);
    expect(mentions.filter(({ number }) => !known.has(number))).toEqual([]);
  });
});

/** Returns the TypeScript files below these folders, except generated code. */
function sourceFiles(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name).replaceAll('\\', '/'))
      .filter((path) => path.endsWith('.ts') && !path.includes('/generated/')),
  );
}

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}
