/** What a collection looks at: a few listings, and which of the keys in them it was asked for. Pure. */

/** More directories than this are found by one listing of everything: nearly all of a thousand small ones would be empty. */
const MAX_LISTED = 8;

export class PrefixSet {
  /** To be listed, each of them. What they give and `has` does not know is somebody else's. */
  readonly toList: readonly string[];
  readonly #prefixes: ReadonlySet<string>;

  /** As in `CollectRequest`: `a/` stands for all keys below it, `a` for that key alone, an empty one for all. */
  constructor(prefixes: readonly string[]) {
    this.toList = prefixes.filter((prefix) => prefix.endsWith('/')).length > MAX_LISTED ? [''] : prefixes;
    this.#prefixes = new Set(prefixes);
  }

  has(key: string): boolean {
    if (this.#prefixes.has(key) || this.#prefixes.has('')) return true;
    for (let at = key.indexOf('/'); at >= 0; at = key.indexOf('/', at + 1))
      if (this.#prefixes.has(key.slice(0, at + 1))) return true;
    return false;
  }
}
