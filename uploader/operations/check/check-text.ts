/** A check, as text for people and as JSON for programs. */

import type { StoreCapabilities } from '../../store/base/capabilities.js';
import type { StoreCheck } from './check-store.js';

const MIB = 1024 * 1024;

/** One JSON document. An error is code, message and hint. */
export function toCheckJson(check: StoreCheck): string {
  const { error } = check;
  const told = error === null ? null : { code: error.code, message: error.message, hint: error.hint };
  return `${JSON.stringify({ ...check, error: told }, null, 2)}\n`;
}

/** A line for each fact, the capabilities in columns. */
export function toCheckText(check: StoreCheck): string {
  const { error, notices, isUsable } = check;
  const lines = [
    ...toRows(toFacts(check)),
    ...(check.capabilities === null ? [] : ['', ...toRows(toCapabilityRows(check.capabilities))]),
    '',
    ...notices.map(({ code, message }) => `${code}: ${message}`),
    ...(error === null ? [] : [`${error.code}: ${error.message}`, `  ${error.hint}`]),
    isUsable ? 'The store can be used.' : 'The store cannot be used.',
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function toFacts(check: StoreCheck): [string, string][] {
  const { credentials, permissions, clockOffsetMs, lifecycle, server } = check;
  const facts: [string, string][] = [['store', check.store]];
  if (check.endpoint !== null) facts.push(['endpoint', check.endpoint]);
  if (check.region !== null) facts.push(['region', check.region]);
  if (server !== null) {
    const { version, distribution, project } = server;
    facts.push([
      'version',
      [version ?? 'unknown', distribution === null ? '' : `(${distribution})`].join(' ').trim(),
    ]);
    facts.push(['project', project ?? 'none is named: runs say where they belong']);
  }
  if (credentials !== null) {
    const until = credentials.expiresAt === null ? '' : `, until ${credentials.expiresAt}`;
    const kind = credentials.isTemporary ? ', temporary' : '';
    facts.push(['credentials', `${credentials.source} (${credentials.accessKeyId}${kind}${until})`]);
  }
  if (!Object.values(permissions).every((each) => each === null) || server === null)
    facts.push(['permissions', Object.entries(permissions).map(toPermission).join(', ')]);
  if (clockOffsetMs !== null) facts.push(['clock', toClock(clockOffsetMs)]);
  if (lifecycle !== null) facts.push(['incomplete uploads', toLifecycle(lifecycle)]);
  return facts;
}

function toPermission([name, isAllowed]: [string, boolean | null]): string {
  return isAllowed === null ? `${name} ?` : `${name} ${isAllowed ? 'yes' : 'NO'}`;
}

/** The header has whole seconds, and a busy host takes some to read it: only what matters is worth a word. */
const SAME_CLOCK_S = 5;

function toClock(offsetMs: number): string {
  const seconds = Math.round(offsetMs / 1000);
  if (Math.abs(seconds) <= SAME_CLOCK_S) return 'the same as here';
  return `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} this host's`;
}

function toLifecycle(lifecycle: NonNullable<StoreCheck['lifecycle']>): string {
  if (lifecycle.status === 'set') return `removed after ${lifecycle.afterDays} days by a lifecycle rule`;
  return lifecycle.status === 'absent' ? 'no lifecycle rule' : 'unknown: the rules may not be read';
}

/** What a store can do, as lines of name and value. */
export function toCapabilityRows(found: StoreCapabilities): [string, string][] {
  const { append } = found;
  return [
    ['create only where there is none', yesNo(found.conditionalCreate)],
    ['replace only what is expected', yesNo(found.conditionalReplace)],
    ['the same for large objects', yesNo(found.conditionalComplete)],
    ['takes checksums', yesNo(found.checksumHeaders)],
    ['refuses wrong checksums', yesNo(found.rejectsWrongChecksum)],
    ['knows checksums of whole objects', yesNo(found.wholeObjectChecksum)],
    ['checks those of large objects', yesNo(found.multipartChecksum)],
    ['keeps metadata', yesNo(found.metadata)],
    ['extends objects', append === null ? 'NO' : toAppendText(append.minBaseBytes)],
    ['copies ranges', yesNo(found.rangeCopy)],
    ['parts of any size', yesNo(found.unevenParts)],
    ['lists incomplete uploads', yesNo(found.listMultipart)],
    ['versions', found.versioning],
    ['tells all names apart', yesNo(!found.foldsNames)],
  ];
}

function toAppendText(minBaseBytes: number): string {
  return minBaseBytes === 0 ? 'yes' : `yes, from ${minBaseBytes / MIB} MiB on`;
}

function yesNo(isSo: boolean): string {
  return isSo ? 'yes' : 'NO';
}

function toRows(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
