/**
 * Names for the nodes of foreign graphs: made valid, and unique.
 */

export class NodeNames {
  readonly #taken = new Set<string>();

  /** A name like `wanted` that no other node has. */
  take(wanted: string): string {
    const valid =
      wanted
        .toWellFormed()
        .replace(/[\s^:]+/gu, '_')
        .replace(/\/{2,}/g, '/')
        .replace(/^\/+|\/+$/g, '') || 'node';
    let name = valid;
    for (let i = 1; this.#taken.has(name); i++) name = `${valid}_${i}`;
    this.#taken.add(name);
    return name;
  }
}
