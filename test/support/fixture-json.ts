import { readFileSync } from 'node:fs';

/** A JSON file of `fixtures/`, with the numbers that JSON lacks ("nan", "inf", "-inf") as numbers. */
export function readFixture<T>(path: string): T {
  const text = readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), 'utf8');
  return JSON.parse(text, (_, value: unknown) => SPECIAL.get(value) ?? value) as T;
}

const SPECIAL = new Map<unknown, number>([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
]);
