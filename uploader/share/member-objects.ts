/**
 * What an uploader that shares its runs with others leaves in the store: a beat, which it replaces again and again, and the runs that it sees.
 *
 * Below `.plx/uploaders/<group>/`, two objects for each member. Nobody else writes them, so that they need no conditions.
 */

export const UPLOADERS_PREFIX = '.plx/uploaders/';

export interface Beat {
  readonly version: 1;
  /** Counts up: each beat is another object to whoever lists. */
  readonly counter: number;
  /** For people: host and process. */
  readonly label: string;
  readonly state: 'working' | 'left';
}

export function toGroupPrefix(group: string): string {
  return `${UPLOADERS_PREFIX}${group}/`;
}

export function toBeatKey(group: string, member: string): string {
  return `${toGroupPrefix(group)}${member}.json`;
}

export function toRunsKey(group: string, member: string): string {
  return `${toGroupPrefix(group)}${member}.runs`;
}

/** The member and which of its objects a key names; null for anything else. */
export function parseMemberKey(group: string, key: string): { member: string; kind: 'beat' | 'runs' } | null {
  const match = /^([0-9a-f]{32})\.(json|runs)$/.exec(key.slice(toGroupPrefix(group).length));
  if (match === null) return null;
  return { member: match[1] ?? '', kind: match[2] === 'json' ? 'beat' : 'runs' };
}

export function encodeBeat(beat: Beat): Buffer {
  return Buffer.from(JSON.stringify(beat));
}

/** Null for what no version of this program writes. */
export function decodeBeat(bytes: Buffer): Beat | null {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Beat;
    return value.version === 1 && (value.state === 'working' || value.state === 'left') ? value : null;
  } catch {
    return null; // of another program, or of a later version
  }
}

/** One uuid a line. */
export function encodeRuns(runs: Iterable<string>): Buffer {
  return Buffer.from([...runs].sort().join('\n'));
}

export function decodeRuns(bytes: Buffer): Set<string> {
  return new Set(
    bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
}
