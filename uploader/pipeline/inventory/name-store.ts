/** Stores names in one block of bytes, because a JavaScript string has at least 24 bytes of overhead for each of 100,000 files. */

const FIRST_BYTES = 4096;

export class NameStore {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #used = 0;

  get sizeBytes(): number {
    return this.#used;
  }

  /** Adds a name and returns its offset. Names are never removed: the owner copies those that it still needs to another store. */
  add(name: Uint8Array): number {
    while (this.#used + name.length > this.#bytes.length) this.#grow();
    const start = this.#used;
    this.#bytes.set(name, start);
    this.#used += name.length;
    return start;
  }

  get(start: number, length: number): string {
    return this.#bytes.toString('utf8', start, start + length);
  }

  slice(start: number, length: number): Uint8Array {
    return this.#bytes.subarray(start, start + length);
  }

  /** Returns true when the stored name equals the first `nameBytes` of `name`. For short names a loop is faster than `compare`. */
  isAt(start: number, length: number, name: Uint8Array, nameBytes: number): boolean {
    if (length !== nameBytes) return false;
    const bytes = this.#bytes;
    for (let index = 0; index < length; index += 1) if (bytes[start + index] !== name[index]) return false;
    return true;
  }

  /** Returns the FNV-1a hash of a stored name, started with `seed`. */
  hashAt(start: number, length: number, seed: number): number {
    return hashBytes(this.#bytes, start, start + length, seed);
  }

  #grow(): void {
    const larger = Buffer.allocUnsafeSlow(Math.ceil(this.#bytes.length * 1.5));
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}

/** Returns the 32-bit FNV-1a hash. Source: draft-eastlake-fnv, with `seed` mixed into the offset basis. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1);
  for (let index = start; index < end; index += 1) hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  return hash >>> 0;
}
