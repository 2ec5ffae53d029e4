/**
 * Sanitizes the names of metrics and other events, artifacts, inputs and outputs as Polyaxon does.
 *
 * Source: polyaxon 2.16.4, `polyaxon/_utils/fqn_utils.py` (`to_fqn_name`). Its client first removes a known run path from names below
 * `/plx-context` (`RunClient._sanitize_filename`). That step concerns file paths, so it is omitted here.
 */

import { createHash } from 'node:crypto';

/** Returns Polyaxon's form of `name`: only letters, digits, `_` and `-`. The result may be ''; Python throws in that case. */
export function sanitizeName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\P{ASCII}/gu, '')
    .replace(/\p{Cc}/gu, spaceOf)
    .replace(/[^\w\\/.\s-]/g, '')
    .trim()
    .replace(/[\\/]+/g, '__')
    .replace(/[-.\s]+/g, '-');
}

/** Python treats the separators \x1c to \x1f as white space. */
function spaceOf(control: string): string {
  return control >= '\x1c' && control <= '\x1f' ? ' ' : control;
}

/** Returns a name for use when `sanitizeName` returns '': `unnamed-` and 8 hex digits. */
export function toFallbackName(name: string): string {
  return `unnamed-${hashName(name).slice(0, 8)}`;
}

/** Returns the SHA-256 of the UTF-8 bytes of a name, as 64 hex digits. */
export function hashName(name: string): string {
  return createHash('sha256').update(name, 'utf8').digest('hex');
}

export const EVENTS_DIRECTORY = 'events';

export const ASSETS_DIRECTORY = 'assets';

export const RESOURCES_DIRECTORY = 'resources';
