/**
 * The object keys of tails that are not composed yet: `.plx/tail/<key>/<commit id>`. The key is part of the path, so that `collect` finds the
 * tails of a run. It is not the last name of the path, because TensorBoard would take such an object for an event file.
 */

export const TAILS = '.plx/tail/';

export function toTailKey(key: string, commitId: string): string {
  return `${TAILS}${key}/${commitId}`;
}

export function fromTailKey(tailKey: string): { readonly key: string; readonly commitId: string } {
  const end = tailKey.lastIndexOf('/');
  return { key: tailKey.slice(TAILS.length, end), commitId: tailKey.slice(end + 1) };
}
