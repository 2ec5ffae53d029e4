/**
 * Node names: which ones TensorBoard's page can draw, and valid names for nodes of converted models.
 *
 * Tested with the page of TensorBoard 2.21. It draws nothing if a name begins with `/`. Names that begin with `^` or end like `:0`
 * lose their edges, because the page parses inputs that way. A node and a scope may have the same name.
 */

/** Whether TensorBoard draws a node with this name. */
export function isDrawableName(name: string): boolean {
  return name !== '' && !/^[/^]|:\d+$/.test(name);
}

/** Whether the name is unambiguous as an input: no spaces, `^` or `:`, and no empty scope. */
export function isPlainName(name: string): boolean {
  return name.isWellFormed() && /^[^\s^:/]+(\/[^\s^:/]+)*$/.test(name);
}

/** Converts `wanted` to a plain name; returns `fallback` if nothing remains. */
export function toPlainName(wanted: string, fallback: string): string {
  const name = wanted
    .toWellFormed()
    .replace(/[\s^:]+/gu, '_')
    .replace(/\/{2,}/g, '/')
    .replace(/^\/|\/$/g, '');
  return name || fallback;
}

/** Assigns unique names. */
export class NodeNames {
  readonly #taken = new Set<string>();
  /** The next number for each repeated name, so that thousands of nodes with one name do not slow this down. */
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
