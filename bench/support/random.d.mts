/** Numbers in [0, 1) that a seed repeats. */
export function createRandom(seed: number): () => number;
