/** Finds the run that a user names: by its name, a prefix of its uuid, its name in TensorBoard, or `latest`. Pure. */

import { quote } from '../../../src/base/describe.js';
import { rankSimilar } from '../../../src/base/options.js';
import { toLinkName } from '../../../src/run-directory/layout.js';
import { RunAmbiguousError, RunUnknownError } from '../../base/errors.js';
import { formatAge } from '../../base/format-age.js';

/** What a run can be named by. */
export interface NamedRun {
  readonly uuid: string | null;
  readonly name: string | null;
  readonly createdAt: Date | null;
  /** The path of the run directory, or its URL in a store. */
  readonly location: string;
}

/** The reference to the run that was created last. */
export const LATEST = 'latest';

const SHOWN_CANDIDATES = 5;
const SHOWN_NAMES = 3;
const MIN_UUID_DIGITS = 8;
const MIN_PREFIX_DIGITS = 4;

/** Returns the run that `reference` names. `place`: where the runs were searched. Throws `RunUnknownError` and `RunAmbiguousError`. */
export function matchRun<Run extends NamedRun>(
  reference: string,
  runs: readonly Run[],
  { place, nowMs }: { readonly place: string; readonly nowMs: number },
): Run {
  const found = reference === LATEST ? findLatest(runs) : findNamed(runs, reference);
  const [run, ...others] = found;
  if (run === undefined) throw new RunUnknownError(reference, place, rankNames(reference, runs));
  if (others.length === 0) return run;
  const candidates = [...found].sort(byAge).map((each) => describeRun(each, found, nowMs));
  throw new RunAmbiguousError(reference, place, candidates.slice(0, SHOWN_CANDIDATES), candidates.length);
}

/** Fewer than four digits are a name, if there is one: with many runs, some uuid begins with them. */
function findNamed<Run extends NamedRun>(runs: readonly Run[], reference: string): Run[] {
  const named = runs.filter(({ name }) => name === reference);
  if (named.length > 0 && reference.length < MIN_PREFIX_DIGITS) return named;
  return runs.filter((run) => isNamed(run, reference));
}

/** Whether the reference is the name of a run, a prefix of its uuid with or without dashes, or its name in TensorBoard. */
function isNamed({ uuid, name }: NamedRun, reference: string): boolean {
  if (name === reference) return true;
  if (uuid === null) return false;
  const digits = reference.replaceAll('-', '').toLowerCase();
  return (digits !== '' && uuid.startsWith(digits)) || toLinkName(name ?? '', uuid) === reference;
}

/** The run that was created last; several if they were created in the same millisecond. */
function findLatest<Run extends NamedRun>(runs: readonly Run[]): Run[] {
  const [first, ...rest] = [...runs].sort(byAge);
  return first === undefined ? [] : [first, ...rest.filter((each) => byAge(each, first) === 0)];
}

/** The youngest first; runs without a date last. */
function byAge(a: NamedRun, b: NamedRun): number {
  return (b.createdAt?.getTime() ?? 0) - (a.createdAt?.getTime() ?? 0);
}

function rankNames(reference: string, runs: readonly NamedRun[]): string[] {
  const names = [...new Set(runs.flatMap(({ name }) => name ?? [])), LATEST];
  const longer = names.filter((name) => name.toLowerCase().includes(reference.toLowerCase()));
  return [...new Set([...rankSimilar(reference, names), ...longer])].slice(0, SHOWN_NAMES);
}

function describeRun(
  { uuid, name, createdAt, location }: NamedRun,
  all: readonly NamedRun[],
  nowMs: number,
): string {
  const id = uuid === null ? location : createShortener(all.flatMap((each) => each.uuid ?? []))(uuid);
  const age = createdAt === null ? '' : `, ${formatAge(Math.max(0, nowMs - createdAt.getTime()))} old`;
  return `${name === null ? '' : `${quote(name)} `}${id}${age}`;
}

/** Returns a function that returns the first digits of one of the uuids that no other of them begins with; at least 8. */
export function createShortener(uuids: Iterable<string>): (uuid: string) => string {
  const sorted = [...new Set(uuids)].sort();
  // Of all uuids, its neighbours have the most digits in common with a uuid.
  const common = sorted.map((uuid, index) => countCommon(uuid, sorted[index + 1] ?? ''));
  const digits = new Map(
    sorted.map((uuid, index) => [uuid, Math.max(common[index - 1] ?? 0, common[index]!) + 1]),
  );
  return (uuid) => uuid.slice(0, Math.max(MIN_UUID_DIGITS, digits.get(uuid) ?? 0));
}

function countCommon(a: string, b: string): number {
  let count = 0;
  while (count < a.length && a[count] === b[count]) count += 1;
  return count;
}
