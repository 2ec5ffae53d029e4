import { readFileSync } from 'node:fs';

/** Reads a JSON file of `fixtures/`; the strings "nan", "inf" and "-inf" become numbers. */
export function readFixture<T>(path: string): T {
  const text = readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), 'utf8');
  return JSON.parse(text, (_, value: unknown) => SPECIAL.get(value) ?? value) as T;
}

const SPECIAL = new Map<unknown, number>([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
]);
