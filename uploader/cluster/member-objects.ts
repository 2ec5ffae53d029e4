/**
 * Encodes the objects that an uploader of a cluster keeps in the store: a heartbeat, which it replaces regularly, and the runs that it sees.
 *
 * Each uploader has two objects below `.plx/leases/<group>/`. No other uploader writes them, so they need no conditional writes.
 */

const LEASES_PREFIX = '.plx/leases/';

/** For users who inspect a store; the uploader reads only the size of the object. */
interface Beat {
  /** Increases with each heartbeat, so that the ETag in a listing changes. */
  readonly counter: number;
  /** Host and process. */
  readonly label: string;
}

/** The size of a heartbeat. A smaller object is a goodbye, so that a listing shows which uploaders are active, without reading objects. */
const BEAT_BYTES = 256;

export function toGroupPrefix(group: string): string {
  return `${LEASES_PREFIX}${group}/`;
}

export function toBeatKey(group: string, member: string): string {
  return `${toGroupPrefix(group)}${member}.json`;
}

export function toRunsKey(group: string, member: string): string {
  return `${toGroupPrefix(group)}${member}.runs`;
}

/** Returns the uploader and the kind of object that a key names; null for any other key. */
export function parseMemberKey(group: string, key: string): { member: string; kind: 'beat' | 'runs' } | null {
  const match = /^([0-9a-f]{32})\.(json|runs)$/.exec(key.slice(toGroupPrefix(group).length));
  if (match === null) return null;
  return { member: match[1] ?? '', kind: match[2] === 'json' ? 'beat' : 'runs' };
}

export function encodeBeat(beat: Beat): Buffer {
  return Buffer.from(JSON.stringify(beat).padEnd(BEAT_BYTES));
}

/** Encodes the last heartbeat of an uploader that leaves. */
export function encodeGoodbye(): Buffer {
  return Buffer.from('{}');
}

export function isGoodbye(sizeBytes: number): boolean {
  return sizeBytes < BEAT_BYTES;
}

/** Encodes one uuid per line. */
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
