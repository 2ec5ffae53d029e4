/**
 * Sanitizes the names of metrics and other events, artifacts, inputs and outputs.
 *
 * Polyaxon's client keeps only ASCII, and thereby turns 训练/损失 and 验证/损失 into the same two underscores. Its server, its viewer and the
 * client's readers accept letters of every script, so a name that would lose letters keeps them.
 *
 * Source: polyaxon 2.16.4, `polyaxon/_utils/fqn_utils.py` (`to_fqn_name`). Its client first removes a known run path from names below
 * `/plx-context` (`RunClient._sanitize_filename`). That step concerns file paths, so it is omitted here.
 */

import { createHash } from 'node:crypto';

/**
 * Returns the form of `name` that Polyaxon's client gives it: only ASCII letters, digits, `_` and `-`. The result may be ''; Python
 * throws in that case.
 */
export function sanitizeName(name: string): string {
  return joinParts(
    name
      .normalize('NFKD')
      .replace(/\P{ASCII}/gu, '')
      .replace(/\p{Cc}/gu, spaceOf)
      .replace(/[^\w\\/.\s-]/g, ''),
  );
}

/**
 * Returns the name in Polyaxon: the form of `sanitizeName` if that keeps all letters and digits except for their accents, and otherwise one
 * that keeps letters, digits and marks of every script. The result is '' if `name` has neither letters nor digits, unless it consists of
 * separators alone.
 */
export function toReadableName(name: string): string {
  if (!losesLetters(name)) {
    const sanitized = sanitizeName(name);
    return /[^_-]/.test(sanitized) || /^[\w\\/.\s-]*$/.test(name) ? sanitized : '';
  }
  const kept = name
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/\p{Cc}/gu, spaceOf)
    .replace(/[^\p{L}\p{M}\p{N}_\\/.\s-]/gu, '')
    // A mark whose letter is missing.
    .replace(/(?<![\p{L}\p{M}\p{N}])\p{M}+/gu, '');
  return joinParts(kept).normalize('NFKC');
}

/** Whether `sanitizeName` removes a letter or digit. */
function losesLetters(name: string): boolean {
  return /(?!\p{ASCII})(?!\p{Default_Ignorable_Code_Point})[\p{L}\p{N}]/u.test(name.normalize('NFKD'));
}

function joinParts(name: string): string {
  return name
    .trim()
    .replace(/[\\/]+/g, '__')
    .replace(/[-.\s]+/g, '-');
}

/** Python treats the separators \x1c to \x1f as white space. */
function spaceOf(control: string): string {
  return control >= '\x1c' && control <= '\x1f' ? ' ' : control;
}

/** Returns a name for use when `sanitizeName` or `toReadableName` returns '': `unnamed-` and 8 hex digits. */
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
