/**
 * What an uploader that shares its runs with others leaves in the store: a beat, which it replaces again and again, and the runs that it sees.
 *
 * Below `.plx/leases/<group>/`, two objects for each member. Nobody else writes them, so that they need no conditions.
 */

export const UPLOADERS_PREFIX = '.plx/leases/';

/** For people who look into a store; the program reads nothing but the size. */
export interface Beat {
  /** Counts up: each beat is another object to whoever lists. */
  readonly counter: number;
  /** Host and process. */
  readonly label: string;
}

/** A listing tells who works and who has said goodbye, so that nobody has to read all beats of all others. */
const BEAT_BYTES = 256;
const GOODBYE = Buffer.from('{}');

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
  return Buffer.from(JSON.stringify(beat).padEnd(BEAT_BYTES));
}

/** The last beat of a member that leaves. */
export function encodeGoodbye(): Buffer {
  return GOODBYE;
}

export function isGoodbye(sizeBytes: number): boolean {
  return sizeBytes < BEAT_BYTES;
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
