/** Chooses the listings that `collect` needs, and filters the listed keys by the requested prefixes. Pure. */

/** Above this number of directories one listing of the whole store is cheaper: nearly all listings of a thousand directories are empty. */
const MAX_LISTED = 8;

export class PrefixSet {
  /** The prefixes to list. The caller skips listed keys for which `has` is false: they belong to others. */
  readonly toList: readonly string[];
  readonly #prefixes: ReadonlySet<string>;

  /** As in `CollectRequest`: `a/` means all keys below it, `a` that key only, and an empty prefix all keys. */
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
