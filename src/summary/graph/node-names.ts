/**
 * Names of nodes: what TensorBoard's page can draw, and names for the nodes of foreign graphs.
 *
 * Tried with TensorBoard 2.21's page: a graph with a name that begins with `/` is not drawn at all; names that begin with `^` or end
 * like `:0` lose their edges, because inputs are read so; a node may have the name of a scope.
 */

/** A name that TensorBoard draws. */
export function isDrawableName(name: string): boolean {
  return name !== '' && !/^[/^]|:\d+$/.test(name);
}

/** A name that has one meaning in an input: no spaces, `^` or `:`, and no empty scope. */
export function isPlainName(name: string): boolean {
  return name.isWellFormed() && /^[^\s^:/]+(\/[^\s^:/]+)*$/.test(name);
}

/** A plain name like `wanted`; `fallback` when nothing of it is left. */
export function toPlainName(wanted: string, fallback: string): string {
  const name = wanted
    .toWellFormed()
    .replace(/[\s^:]+/gu, '_')
    .replace(/\/{2,}/g, '/')
    .replace(/^\/|\/$/g, '');
  return name || fallback;
}

/** Names that are given once only. */
export class NodeNames {
  readonly #taken = new Set<string>();
  /** The next number of a name that was wanted again: graphs with thousands of nodes of one name take no longer. */
  readonly #numbers = new Map<string, number>();

  /** A plain name like `wanted` that no other node has. */
  take(wanted: string): string {
    const plain = toPlainName(wanted, 'node');
    let name = plain;
    let number = this.#numbers.get(plain) ?? 1;
    while (this.#taken.has(name)) name = `${plain}_${number++}`;
    this.#numbers.set(plain, number);
    this.#taken.add(name);
    return name;
  }
}
