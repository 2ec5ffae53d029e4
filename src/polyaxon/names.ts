/**
 * Names as Polyaxon writes them: of metrics and other events, artifacts, inputs and outputs.
 *
 * Source: polyaxon 2.16.4, `polyaxon/_utils/fqn_utils.py` (`to_fqn_name`). Its client first cuts a known run path off a name below
 * `/plx-context` (`RunClient._sanitize_filename`), which is for paths of files and left out here.
 */

import { createHash } from 'node:crypto';

/** The name that Polyaxon makes of `name`: of letters, digits, `_` and `-` only. May be ''; Python throws for a name that is ''. */
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

/** Python counts the separators \x1c to \x1f as white space. */
function spaceOf(control: string): string {
  return control >= '\x1c' && control <= '\x1f' ? ' ' : control;
}

/** A name for what `sanitizeName` leaves nothing of: `unnamed-` and 8 hex digits. */
export function toFallbackName(name: string): string {
  return `unnamed-${hashName(name).slice(0, 8)}`;
}

/** 64 hex digits that stand for a name: SHA-256 of its UTF-8. */
export function hashName(name: string): string {
  return createHash('sha256').update(name, 'utf8').digest('hex');
}

export const EVENTS_DIRECTORY = 'events';

export const ASSETS_DIRECTORY = 'assets';

export const RESOURCES_DIRECTORY = 'resources';
