/** Formats a store check as text for people and as JSON for programs. */

import { largestOf } from '../../../src/base/largest-of.js';
import { joinLines } from '../../../src/base/printable-text.js';
import type { KnownCapabilities } from '../../store/base/capabilities.js';
import type { StoreCheck } from './check-store.js';

const MIB = 1024 * 1024;

/** One JSON document. An error has code, message and hint. */
export function toCheckJson(check: StoreCheck): string {
  const { error } = check;
  const shown = error === null ? null : { code: error.code, message: error.message, hint: error.hint };
  return `${JSON.stringify({ ...check, error: shown }, null, 2)}\n`;
}

/** One line for each fact, capability and notice; the last line says whether the store can be used. */
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
  return joinLines(lines);
}

/** The facts about a store, as pairs of name and value. */
export function toFacts(check: StoreCheck): [string, string][] {
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
    facts.push(['project', project ?? 'none in the URL: each run names its project']);
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

/** Smaller differences are not reported: the header has whole seconds, and a busy host reads it late. */
const SAME_CLOCK_S = 5;

function toClock(offsetMs: number): string {
  const seconds = Math.round(offsetMs / 1000);
  if (Math.abs(seconds) <= SAME_CLOCK_S) return 'same as this host';
  return `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} this host`;
}

function toLifecycle(lifecycle: NonNullable<StoreCheck['lifecycle']>): string {
  if (lifecycle.status === 'set') return `removed by a lifecycle rule after ${lifecycle.afterDays} days`;
  return lifecycle.status === 'absent' ? 'no lifecycle rule' : 'unknown: the rules are not readable';
}

/** The capabilities of a store, as pairs of name and value. */
export function toCapabilityRows(found: KnownCapabilities): [string, string][] {
  const { append } = found;
  return [
    ['conditional create', yesNo(found.conditionalCreate)],
    ['conditional replace', yesNo(found.conditionalReplace)],
    ['conditional multipart uploads', yesNo(found.conditionalComplete)],
    ['accepts checksums', yesNo(found.checksumHeaders)],
    ['rejects wrong checksums', yesNo(found.rejectsWrongChecksum)],
    ['stores whole-object checksums', yesNo(found.wholeObjectChecksum)],
    ['verifies multipart checksums', yesNo(found.multipartChecksum)],
    ['stores metadata', yesNo(found.metadata)],
    ['appends to objects', toAppendText(append)],
    ['copies byte ranges', yesNo(found.rangeCopy)],
    ['accepts parts of any size', yesNo(found.unevenParts)],
    ['lists multipart uploads', yesNo(found.listMultipart)],
    ['versioning', found.versioning],
    ['keeps all names distinct', found.foldsNames === 'unknown' ? 'unknown' : yesNo(!found.foldsNames)],
  ];
}

function toAppendText(append: KnownCapabilities['append']): string {
  if (append === 'unknown') return append;
  if (append === null) return 'NO';
  const { minBaseBytes } = append;
  return minBaseBytes === 0 ? 'yes' : `yes, from ${minBaseBytes / MIB} MiB`;
}

function yesNo(isSo: boolean | 'unknown'): string {
  if (isSo === 'unknown') return isSo;
  return isSo ? 'yes' : 'NO';
}

function toRows(rows: readonly (readonly [string, string])[]): string[] {
  const width = largestOf(rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}
