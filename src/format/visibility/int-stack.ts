/** A growing list of 32-bit integers in one typed array: four bytes for each. */
export class IntStack {
  #items = new Int32Array(16);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get last(): number | undefined {
    return this.#length === 0 ? undefined : this.#items[this.#length - 1];
  }

  at(index: number): number {
    return this.#items[index]!;
  }

  push(item: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Int32Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length++] = item;
  }

  pop(): void {
    this.#length--;
  }

  /** Removes the items for which `isKept` is false. */
  filter(isKept: (item: number) => boolean): void {
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      const item = this.#items[i]!;
      if (isKept(item)) this.#items[kept++] = item;
    }
    this.#length = kept;
  }
}
