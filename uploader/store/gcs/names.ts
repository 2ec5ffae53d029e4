/**
 * Where tails lie until they are composed: `.plx/tail/<key>/<commit id>`. The key is in the path, so that a collection below a run finds them, and
 * not in the file's name, by which TensorBoard knows event files.
 */

export const TAILS = '.plx/tail/';

export function toTailKey(key: string, commitId: string): string {
  return `${TAILS}${key}/${commitId}`;
}

export function fromTailKey(tailKey: string): { readonly key: string; readonly commitId: string } {
  const end = tailKey.lastIndexOf('/');
  return { key: tailKey.slice(TAILS.length, end), commitId: tailKey.slice(end + 1) };
}
