/** Formats the time since something happened. Pure. */

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
];

/** `40 s`, `12 min`, `3 h`, `5 d`: the largest unit that gives at least 2, else seconds. */
export function formatAge(ms: number): string {
  const [name, size] = UNITS.find(([, each]) => ms >= 2 * each) ?? ['s', 1000];
  return `${Math.floor(ms / size)} ${name}`;
}
