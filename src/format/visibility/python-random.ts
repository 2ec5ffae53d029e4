/**
 * Python's `random.Random(seed)`: the Mersenne Twister MT19937, so that the sample that TensorBoard's Python reader keeps is known.
 *
 * Source: M. Matsumoto and T. Nishimura, "Mersenne Twister" (1998), with the seeding of 2002; CPython's Lib/random.py for how numbers
 * below a limit and samples are drawn.
 */

const SIZE = 624;
const SHIFT = 397;

export class PythonRandom {
  readonly #state = new Uint32Array(SIZE);
  #at = SIZE;

  /** Seeds with an integer from 0 to 2^32 - 1. */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = 19650218;
    for (let i = 1; i < SIZE; i++)
      state[i] = Math.imul(1812433253, state[i - 1]! ^ (state[i - 1]! >>> 30)) + i;
    let i = 1;
    const advance = (): void => {
      i++;
      if (i < SIZE) return;
      state[0] = state[SIZE - 1]!;
      i = 1;
    };
    const mix = (factor: number): number => Math.imul(state[i - 1]! ^ (state[i - 1]! >>> 30), factor);
    for (let k = 0; k < SIZE; k++) {
      state[i] = (state[i]! ^ mix(1664525)) + seed;
      advance();
    }
    for (let k = 0; k < SIZE - 1; k++) {
      state[i] = (state[i]! ^ mix(1566083941)) - i;
      advance();
    }
    state[0] = 0x80000000;
  }

  /** A whole number from 0 up to, but not including, `limit`. */
  below(limit: number): number {
    if (limit >= 2 ** 32) throw new RangeError(`${limit} is not below 2^32`);
    const bits = 32 - Math.clz32(limit);
    let number: number;
    do number = this.#next() >>> (32 - bits);
    while (number >= limit);
    return number;
  }

  /** `count` different numbers from 0 up to, but not including, `total`, in ascending order. */
  sample(total: number, count: number): number[] {
    let poolSize = 21;
    if (count > 5) poolSize += 4 ** Math.ceil(Math.log(count * 3) / Math.log(4));
    const chosen = new Set<number>();
    if (total <= poolSize) {
      const pool = Array.from({ length: total }, (_, i) => i);
      for (let i = 0; i < count; i++) {
        const j = this.below(total - i);
        chosen.add(pool[j]!);
        pool[j] = pool[total - i - 1]!;
      }
    } else while (chosen.size < count) chosen.add(this.below(total));
    return [...chosen].sort((a, b) => a - b);
  }

  #next(): number {
    if (this.#at === SIZE) this.#twist();
    let y = this.#state[this.#at++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff);
      state[i] = state[(i + SHIFT) % SIZE]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#at = 0;
  }
}
