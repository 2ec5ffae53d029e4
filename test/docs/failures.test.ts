import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '../..');
/** The failures that concern the upload of files and its requests to the API. */
const NUMBERS = [...range(1, 47), ...range(57, 60), 63, 64, 66];
const COLUMNS = 5;

interface Row {
  readonly number: number;
  readonly done: string;
  readonly limit: string;
  /** `<path> › <title>` each. */
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
  it('has each failure once, in order', () => {
    expect(rows.map(({ number }) => number)).toEqual(NUMBERS);
  });

  it('says what polytrack does about each, and names a test or the reason why there is none', () => {
    expect(rows.filter(({ done }) => done === '')).toEqual([]);
    expect(rows.filter(({ tests, limit }) => tests.length === 0 && limit === '')).toEqual([]);
  });

  it('names tests that exist', () => {
    const missing = rows.flatMap(({ number, tests }) =>
      tests.filter((test) => !isThere(test)).map((test) => `F${number}: ${test}`),
    );

    expect(missing).toEqual([]);
  });

  it('names each test whose title begins with a failure', () => {
    const named = new Set(rows.flatMap(({ tests }) => tests));
    const tests = sourceFiles(['test'])
      .filter((path) => path.endsWith('.test.ts'))
      .flatMap((path) => [...titlesOf(path)].map((title) => `${path} › ${title}`));

    expect(tests.filter((test) => / › F(\d+|%s): /.test(test) && !named.has(test))).toEqual([]);
  });

  it('has a row for each failure that code and tests mention', () => {
    const known = new Set(NUMBERS);
    const mentions = sourceFiles(['src', 'uploader', 'test']).flatMap((path) =>
      [...read(path).matchAll(/\bF([1-9]\d?)\b/g)].map(([, number]) => ({ path, number: Number(number) })),
    );

    expect(mentions.length).toBeGreaterThan(NUMBERS.length);
    expect(mentions.filter(({ number }) => !known.has(number))).toEqual([]);
  });
});

function isThere(test: string): boolean {
  const [path = '', title = ''] = test.split(' › ');
  return path.endsWith('.test.ts') && existsSync(join(REPOSITORY, path)) && titlesOf(path).has(title);
}

/** The titles of a file's tests, as they are written there. */
function titlesOf(path: string): ReadonlySet<string> {
  const calls = read(path).matchAll(/(?:\bit\(|\)\()\s*(['"`])((?:\\.|(?!\1).)*)\1/gs);
  return new Set([...calls].map(([, , title = '']) => title.replaceAll("\\'", "'")));
}

/** The TypeScript files below these folders, but generated code. */
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

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
