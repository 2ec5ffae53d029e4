/**
 * The random numbers of TensorBoard's fast reader: ChaCha20 with the seed 0, so that the sample that it keeps is known.
 *
 * Source: RFC 8439 for the block function (with a 64-bit counter and a nonce of 0); the crates rand_core (`seed_from_u64`) and rand 0.8 for
 * how the key is made and how numbers below a limit and samples are drawn.
 */

const WORDS = 16;
const MASK = 0xffffffffffffffffn;

export class ChaChaRandom {
  readonly #input = new Uint32Array(WORDS);
  readonly #block = new Uint32Array(WORDS);
  #at = WORDS;

  constructor(seed: bigint) {
    this.#input.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
    let state = seed;
    for (let i = 0; i < 8; i++) {
      state = (state * 6364136223846793005n + 11634580027462260723n) & MASK;
      const xorshifted = Number((((state >> 18n) ^ state) >> 27n) & 0xffffffffn);
      this.#input[4 + i] = rotateRight(xorshifted, Number(state >> 59n));
    }
  }

  /** A whole number from 0 up to, but not including, `limit`, drawn from 64 bits as Rust draws a `usize`. */
  below(limit: number): number {
    // The first of two words is the lower half. Rust rejects a number with a probability below limit / 2^64, which is never met.
    const low = this.#next();
    const high = this.#next();
    if (limit <= 2 ** 21) return Math.floor((high * limit + Math.floor((low * limit) / 2 ** 32)) / 2 ** 32);
    return Number((((BigInt(high) << 32n) | BigInt(low)) * BigInt(limit)) >> 64n);
  }

  /** `count` different numbers from 0 up to, but not including, `total`, in ascending order. */
  sample(total: number, count: number): number[] {
    const isShort = total < 500_000;
    const factor = (isShort ? 1.6 : 8 / 45) * count;
    const isInPlace =
      count < 163
        ? count > 11 && total < ((isShort ? 10 : 70 / 9) + factor) * count
        : total < (isShort ? 270 : 330 / 9) * count;
    if (isInPlace) {
      const pool = Int32Array.from({ length: total }, (_, i) => i);
      for (let i = 0; i < count; i++) {
        const j = i + this.#belowInWord(total - i);
        const other = pool[j]!;
        pool[j] = pool[i]!;
        pool[i] = other;
      }
      return [...pool.subarray(0, count)].sort((a, b) => a - b);
    }
    const chosen = new Set<number>();
    if (count < 163) {
      for (let j = total - count; j < total; j++) {
        const drawn = this.#belowInWord(j + 1);
        chosen.add(chosen.has(drawn) ? j : drawn);
      }
    } else while (chosen.size < count) chosen.add(this.#belowInWord(total));
    return [...chosen].sort((a, b) => a - b);
  }

  /** As `below`, drawn from 32 bits. */
  #belowInWord(limit: number): number {
    const zone = ((limit << Math.clz32(limit)) >>> 0) - 1;
    for (;;) {
      const product = BigInt(this.#next()) * BigInt(limit);
      if (Number(product & 0xffffffffn) <= zone) return Number(product >> 32n);
    }
  }

  #next(): number {
    if (this.#at === WORDS) this.#refill();
    return this.#block[this.#at++]!;
  }

  #refill(): void {
    const x = this.#block;
    x.set(this.#input);
    for (let round = 0; round < 10; round++) {
      quarterRound(x, 0, 4, 8, 12);
      quarterRound(x, 1, 5, 9, 13);
      quarterRound(x, 2, 6, 10, 14);
      quarterRound(x, 3, 7, 11, 15);
      quarterRound(x, 0, 5, 10, 15);
      quarterRound(x, 1, 6, 11, 12);
      quarterRound(x, 2, 7, 8, 13);
      quarterRound(x, 3, 4, 9, 14);
    }
    for (let i = 0; i < WORDS; i++) x[i] = x[i]! + this.#input[i]!;
    this.#input[12] = this.#input[12]! + 1;
    if (this.#input[12] === 0) this.#input[13] = this.#input[13]! + 1;
    this.#at = 0;
  }
}

function quarterRound(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  x[a] = x[a]! + x[b]!;
  x[d] = rotateRight(x[d]! ^ x[a]!, 16);
  x[c] = x[c]! + x[d]!;
  x[b] = rotateRight(x[b]! ^ x[c]!, 20);
  x[a] = x[a]! + x[b]!;
  x[d] = rotateRight(x[d]! ^ x[a]!, 24);
  x[c] = x[c]! + x[d]!;
  x[b] = rotateRight(x[b]! ^ x[c]!, 25);
}

function rotateRight(word: number, bits: number): number {
  return ((word >>> bits) | (word << (32 - bits))) >>> 0;
}
