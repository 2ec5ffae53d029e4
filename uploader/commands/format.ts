/** Formats numbers for people. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `0 B`, `12.3 kB`, `1.0 GB`: decimal units. */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

export function formatSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** `40 s`, `12 min`, `3 h`, `5 d`: the largest unit that gives at least 2, else seconds. */
export function formatAge(ms: number): string {
  const units: readonly [string, number][] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
  ];
  const [name, size] = units.find(([, each]) => ms >= 2 * each) ?? ['s', 1000];
  return `${Math.floor(ms / size)} ${name}`;
}

/** `1 file`, `2 files`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
