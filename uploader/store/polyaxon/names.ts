/**
 * Keys as Polyaxon's streams service can keep them. Pure.
 *
 * An upload's name loses everything up to its last backslash and every character that Python does not print (Django 5.2,
 * `http/multipartparser.py`, `sanitize_file_name`). `*`, `?` and `[` are patterns when a file is read or removed (fsspec, `spec.py`, `get`): what
 * has them in its name is not found, or is taken for other files. All of those are percent-encoded here. Keys hold `%` only as `%25` and in the encodings of
 * `rel-path.ts`, which are of other characters, so that two keys never share a name.
 */

/** Patterns, and what is dropped; for that, Python's `str.isprintable`: no category "Other" or "Separator" but the space. */
const LOST = /[*?[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const ENCODED = /(?:%[0-9A-F]{2})+/g;

/** Django cuts names that are longer, counted in characters; file systems take no more bytes than this. */
const MAX_NAME_BYTES = 255;

/** A path on the server. */
export function toServerPath(path: string): string {
  return path.replace(LOST, (character) =>
    [...Buffer.from(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
}

/** The inverse of `toServerPath`: what it would not have encoded stays as it is. */
export function fromServerPath(path: string): string {
  return path.replace(ENCODED, (encoded) => decodeLost(encoded));
}

/** Why a path cannot be kept on the server, or null. */
export function findNameProblem(serverPath: string): string | null {
  const longest = Math.max(...serverPath.split('/').map((name) => Buffer.byteLength(name)));
  return longest > MAX_NAME_BYTES
    ? `one name has ${longest} bytes as the server takes it, at most ${MAX_NAME_BYTES} can be stored`
    : null;
}

/** Decodes, character by character, what `toServerPath` encodes. */
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
    const isOurs = !/[\p{Cc}\ufffe\uffff]/u.test(character); // those are encoded before, by rel-path.ts
    return isOurs && [...character].length === 1 && toServerPath(character) === encoded;
  } catch {
    return false; // not a whole character
  }
}
