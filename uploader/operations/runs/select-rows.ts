/** Filters and sorts rows of runs by their values. Pure. */

import { ConfigError } from '../../base/errors.js';
import { duration } from '../../settings/value-types.js';
import { createFinder, findNamed, isFact, type RunRow, type RunValue } from './run-row.js';

type Comparison = (order: number) => boolean;

/** What the order of a value and the wanted one must be: negative if the value is less. */
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '>=': (order) => order >= 0,
  '<=': (order) => order <= 0,
  '!=': (order) => order !== 0,
  '=': (order) => order === 0,
  '>': (order) => order > 0,
  '<': (order) => order < 0,
};
const CONTAINS = '~';

/** Columns whose values may be written with a unit, such as `2h`. */
const DURATIONS: readonly string[] = ['age', 'duration'];

export interface RunFilter {
  readonly column: string;
  readonly isMatch: (row: RunRow) => boolean;
}

/** Parses a condition such as `status=running`, `loss<0.5` or `name~base`; `==` is `=`. Throws `ConfigError`. */
export function parseFilter(text: string): RunFilter {
  const [, column = '', written = '', wanted = ''] =
    /^([^<>=!~]+?)\s*(>=|<=|!=|==?|>|<|~)\s*(.*)$/s.exec(text) ?? [];
  const operator = written === '==' ? '=' : written;
  const isKnown = operator === CONTAINS || operator in COMPARISONS;
  if (!isKnown)
    throw new ConfigError(
      `--filter: ${JSON.stringify(text)} is not a condition`,
      'Write a column, one of = != < <= > >= ~ and a value, such as status=running, "loss<0.5" or name~base.',
    );
  const number = parseNumber(column, wanted);
  const find = createFinder(column);
  return { column, isMatch: (row) => isMatch(find(row), { column, operator, wanted, number }) };
}

/** Returns the names of columns for which no row has a value. */
export function findUnknownColumns(rows: readonly RunRow[], columns: readonly string[]): string[] {
  const isKnown = (name: string): boolean => {
    const find = createFinder(name);
    return isFact(name) || rows.some((row) => find(row) !== null || findNamed(row.best, name) !== undefined);
  };
  return [...new Set(columns)].filter((name) => !isKnown(name));
}

interface Condition {
  readonly column: string;
  readonly operator: string;
  readonly wanted: string;
  /** NaN if `wanted` is not a number. */
  readonly number: number;
}

/** A run without the value, or with one of another type, only differs from what is wanted. */
function isMatch(found: RunValue, { column, operator, wanted, number }: Condition): boolean {
  if (operator === CONTAINS)
    return found !== null && String(found).toLowerCase().includes(wanted.toLowerCase());
  return COMPARISONS[operator]!(findOrder(found, { column, operator, wanted, number }));
}

/** Numbers are compared with numbers, texts with texts, and a parameter that is a text in some runs is neither less nor greater than a number. */
function findOrder(found: RunValue, { column, operator, wanted, number }: Condition): number {
  if (found === null) return Number.NaN;
  if (typeof found === 'number') return found - number;
  const isOrder = operator !== '=' && operator !== '!=';
  if (isOrder && !Number.isNaN(number) && !isFact(column)) return Number.NaN;
  return compare(String(found), wanted);
}

function parseNumber(column: string, text: string): number {
  if (DURATIONS.includes(column) && /[a-z]$/i.test(text))
    return duration.parse({ value: text, source: `--filter ${column}` }) / 1000;
  return text.trim() === '' ? Number.NaN : Number(text);
}

/** A sort order: the column, and whether its largest value comes first. */
export interface RunOrder {
  readonly column: string;
  readonly isDescending: boolean;
}

/** Parses `loss`, or `-loss` for the largest first. */
export function parseOrder(text: string): RunOrder {
  return text.startsWith('-')
    ? { column: text.slice(1), isDescending: true }
    : { column: text, isDescending: false };
}

/**
 * Returns the rows in the order; rows without the value are last. A metric with a goal is compared by its best values, the best first; with
 * `isDescending`, the best last.
 */
export function sortRows<Row extends RunRow>(rows: readonly Row[], order: RunOrder): Row[] {
  const { column } = order;
  const name = column.replace(/^best\./, '');
  const best = rows.map((row) => (isFact(column) ? undefined : findNamed(row.best, name)));
  const goal = best.find((each) => each !== undefined)?.goal;
  const isDescending = order.isDescending !== (goal === 'maximize');
  const find = createFinder(column);
  const keyed = rows.map((row, index) => ({ row, value: best[index]?.value ?? find(row) }));
  keyed.sort((a, b) => {
    const [isMissing, isOtherMissing] = [isMissingValue(a.value), isMissingValue(b.value)];
    if (isMissing || isOtherMissing) return Number(isMissing) - Number(isOtherMissing);
    return isDescending ? compare(b.value, a.value) : compare(a.value, b.value);
  });
  return keyed.map(({ row }) => row);
}

/** A metric that diverged is NaN, which is neither less nor greater than any number. */
function isMissingValue(value: RunValue): boolean {
  return value === null || Number.isNaN(value);
}

/** Numbers by size, before all texts; texts by their characters. */
function compare(a: RunValue, b: RunValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1;
  const [first, second] = [String(a), String(b)];
  return first < second ? -1 : first > second ? 1 : 0;
}
