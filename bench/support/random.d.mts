/** Returns a function that generates numbers in [0, 1), the same for the same seed. */
export function createRandom(seed: number): () => number;
