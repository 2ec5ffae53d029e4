/** Random numbers from a seed, so that every run of the example has the same split, weights and order. */

/** Returns the next random number in [0, 1). Algorithm: Mulberry32. */
export type Random = () => number;

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns the numbers 0 to `count` − 1 in random order (Fisher–Yates). */
export function shuffledIndices(count: number, random: Random): Uint32Array {
  const indices = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const kept = indices[last]!;
    indices[last] = indices[other]!;
    indices[other] = kept;
  }
  return indices;
}
