/**
 * Encodes keys as paths that Polyaxon's streams service preserves. Pure.
 *
 * The service removes everything up to the last backslash of an upload's name, and all characters that Python cannot print (Django 5.2,
 * `http/multipartparser.py`, `sanitize_file_name`). It treats `*`, `?` and `[` as patterns when it reads or removes a file (fsspec, `spec.py`,
 * `get`), and so finds no file or the wrong files. All these characters are percent-encoded here. Names never collide, because keys contain `%`
 * only as `%25` and in the encodings of `rel-path.ts`, which encode other characters.
 */

import { longestNameBytes } from '../../base/rel-path.js';

/** Pattern characters, and those that Python's `str.isprintable` rejects: the categories "Other" and "Separator", except the space. */
const LOST = /[*?[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const ENCODED = /(?:%[0-9A-F]{2})+/g;

/** Django truncates names above this number of characters; file systems reject names above this number of bytes. */
const MAX_NAME_BYTES = 255;

/** The path on the server. */
export function toServerPath(path: string): string {
  return path.replace(LOST, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

/** The inverse of `toServerPath`. Leaves sequences unchanged that `toServerPath` does not produce. */
export function fromServerPath(path: string): string {
  return path.replace(ENCODED, (encoded) => decodeLost(encoded));
}

/** Why the server cannot store a path, or null. */
export function findNameProblem(serverPath: string): string | null {
  const longest = longestNameBytes(serverPath);
  return longest > MAX_NAME_BYTES
    ? `a file or directory name has ${longest} bytes in the server's encoding, the maximum is ${MAX_NAME_BYTES}`
    : null;
}

/** Decodes the characters that `toServerPath` encodes, one by one. */
function decodeLost(encoded: string): string {
  let text = '';
  for (let start = 0; start < encoded.length; ) {
    const length = [3, 6, 9, 12].find((each) => isLost(encoded.slice(start, start + each), each));
    text +=
      length === undefined
        ? encoded.slice(start, start + 3)
        : decodeURIComponent(encoded.slice(start, start + length));
    start += length ?? 3;
  }
  return text;
}

function isLost(encoded: string, length: number): boolean {
  if (encoded.length !== length) return false;
  try {
    const character = decodeURIComponent(encoded);
    const isOurs = !/[\p{Cc}\ufffe\uffff]/u.test(character); // rel-path.ts encodes these earlier
    return isOurs && [...character].length === 1 && toServerPath(character) === encoded;
  } catch {
    return false; // not a complete character
  }
}
