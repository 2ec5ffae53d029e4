/**
 * `RelPath`: the path of a file relative to its run, in the one form that keys, the journal and reports use.
 *
 * It is text with `/` between names. Names on disk are bytes; bytes that are not plain text are percent-encoded one by one:
 * invalid UTF-8, control characters, U+FFFE and U+FFFF (the XML of an S3 listing allows neither), `%` itself, and the colon of
 * a leading drive letter. Names are not normalised, so two files never share a key and each key names one file.
 */

import { isUtf8 } from 'node:buffer';
import { largestOf } from '../../src/base/largest-of.js';
import { RelPathError } from './errors.js';

declare const brand: unique symbol;
export type RelPath = string & { readonly [brand]: 'RelPath' };

/** The directory below the key prefix of a run that is reserved for the objects of the uploader. */
export const RESERVED_DIRECTORY = '.plx';

/** S3's limit for a key. Source: Amazon S3 User Guide, "Naming Amazon S3 objects". */
export const MAX_KEY_BYTES = 1024;
/** The usual NAME_MAX, because a store in a directory uses the names of a key as file names. */
export const MAX_NAME_BYTES = 255;

const ENCODED = /[\p{Cc}\ufffe\uffff%]/gu;
const PERCENT = 0x25;
const DRIVE_LETTER = /^([A-Za-z]):/;

/** Converts names from the file system to a `RelPath`. Outermost name first. */
export function toRelPath(names: readonly Buffer[]): RelPath {
  return joinEncoded(names.map(encodeName).join('/'));
}

/** Converts names that are already encoded and joined with `/` to a `RelPath`. */
export function joinEncoded(path: string): RelPath {
  return path.replace(DRIVE_LETTER, '$1%3A') as RelPath;
}

/**
 * Accepts exactly the texts that `toRelPath` can return. Throws `RelPathError` for anything else: a path that leaves the run,
 * an absolute path, NUL, the reserved directory, or an alternative encoding of a name.
 */
export function parseRelPath(text: string): RelPath {
  if (text === '') throw new RelPathError(text, 'it is empty');
  const names = text.split('/');
  if (names[0] === '') throw new RelPathError(text, 'it is absolute');
  if (names.some((name) => name === '' || name === '.' || name === '..'))
    throw new RelPathError(text, 'it has an empty name, "." or ".."');
  if (names[0] === RESERVED_DIRECTORY) throw new RelPathError(text, `${RESERVED_DIRECTORY}/ is reserved`);
  const bytes = names.map(decodeName);
  if (bytes.some((name) => name.includes(0) || name.includes(0x2f)))
    throw new RelPathError(text, 'a name contains NUL or "/"');
  if (toRelPath(bytes) !== text) throw new RelPathError(text, 'its encoding is not canonical');
  return text as RelPath;
}

/** Returns the path as bytes, for the file system. */
export function toPathBytes(relPath: RelPath): Buffer {
  return decodeName(relPath);
}

/** Whether a key stays below a directory that it is joined to. For stores that convert keys to paths. */
export function isSafeKey(key: string): boolean {
  return key.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0'));
}

/** Returns the number of bytes of the longest name in a path. */
export function longestNameBytes(path: string): number {
  return largestOf(path.split('/').map((name) => Buffer.byteLength(name)));
}

/** Returns why a key is too long to be stored, or null. */
export function tooLongReason(key: string): string | null {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES)
    return `its key has ${Buffer.byteLength(key)} bytes, expected at most ${MAX_KEY_BYTES}`;
  const longest = longestNameBytes(key);
  if (longest > MAX_NAME_BYTES)
    return `one name has ${longest} bytes once encoded, expected at most ${MAX_NAME_BYTES}`;
  return null;
}

/** Encodes one name for a `RelPath`, except for the colon of a drive letter. */
export function encodeName(name: Buffer): string {
  if (isPlain(name)) return name.toString('latin1');
  let text = '';
  let start = 0;
  while (start < name.length) {
    const end = findInvalid(name, start);
    text += name
      .toString('utf8', start, end)
      .replace(ENCODED, (character) => percent(Buffer.from(character)));
    if (end < name.length) text += percent(name.subarray(end, end + 1));
    start = end + 1;
  }
  return text;
}

/** Whether the encoding leaves the bytes unchanged. This common case has a shortcut, for trees of 100,000 files. */
function isPlain(name: Buffer): boolean {
  for (const byte of name) if (byte < 0x20 || byte >= 0x7f || byte === PERCENT) return false;
  return true;
}

/** Returns the position of the first byte at or after `start` that belongs to no character, or the length. */
function findInvalid(name: Buffer, start: number): number {
  if (isUtf8(name.subarray(start))) return name.length;
  let position = start;
  while (position < name.length) {
    const at = position;
    const length = [1, 2, 3, 4].find(
      (count) => at + count <= name.length && isUtf8(name.subarray(at, at + count)),
    );
    if (length === undefined) break;
    position += length;
  }
  return position;
}

function percent(bytes: Buffer): string {
  return bytes.toString('hex').toUpperCase().replace(/../g, '%$&');
}

/** Inverts `encodeName`. Keeps a `%` without two hex digits after it, which the canonical form never has. */
function decodeName(text: string): Buffer {
  const pieces = text.split(/(%[0-9A-F]{2})/);
  return Buffer.concat(
    pieces.map((piece, index) => (index % 2 === 1 ? Buffer.from(piece.slice(1), 'hex') : Buffer.from(piece))),
  );
}

/** Returns the key of a file, relative to the prefix of the store. Source: Polyaxon's store layout, `<store root>/<uuid>/<path>`. */
export function toKey(runUuid: string, relPath: string): string {
  return `${runUuid}/${relPath}`;
}

/** The directory of a run's manifests. */
export const MANIFEST_DIRECTORY = `${RESERVED_DIRECTORY}/manifest`;
const MANIFEST_KEY = /^[^/]+\/\.plx\/manifest\/[0-9a-f]{32}\.jsonl$/;

/** Returns the key of the object that says from which directory a run was uploaded. */
export function toOwnerKey(runUuid: string): string {
  return `${runUuid}/${RESERVED_DIRECTORY}/owner.json`;
}

export function isManifestKey(key: string): boolean {
  return MANIFEST_KEY.test(key);
}
