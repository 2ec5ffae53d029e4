/**
 * Values that are merged by name into fields of an object, and added to it when it is next needed as a whole. A loop that merges one value at
 * a time then takes linear time.
 */

export class PendingValues<Field extends string, Value> {
  readonly #fields = new Map<Field, Map<string, Value>>();

  /** Adds values to a field. A later value replaces an earlier one of its name. */
  add(field: Field, values: Iterable<readonly [name: string, value: Value]>): void {
    const known = this.#fields.get(field) ?? new Map<string, Value>();
    for (const [name, value] of values) known.set(name, value);
    this.#fields.set(field, known);
  }

  /** Returns the object with all values so far, and forgets them. Returns `whole` itself if there are none. */
  addTo<T extends object>(whole: T): T {
    if (this.#fields.size === 0) return whole;
    const fields = [...this.#fields].map(([field, values]) => {
      const before = (whole as Partial<Record<Field, Readonly<Record<string, Value>>>>)[field];
      return [field, { ...before, ...Object.fromEntries(values) }] as const;
    });
    this.#fields.clear();
    return { ...whole, ...Object.fromEntries(fields) };
  }
}
